package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/patchbay/patchbay/internal/problem"
)

// Bounds on what customers configure.
const (
	maxConfig      = 64 << 10
	maxConfigDepth = 16
)

const dialect = "https://json-schema.org/draft/2020-12/schema"

// schema is a compiled JSON Schema of an object.
type schema struct {
	document map[string]any
	compiled *jsonschema.Schema
	// secrets are the paths of writeOnly properties.
	secrets [][]string
}

// emptyArguments takes no arguments at all.
var emptyArguments = func() *schema {
	s, err := newSchema(nil)
	if err != nil {
		panic(err)
	}
	return s
}()

// noLoader keeps schemas from fetching others.
type noLoader struct{}

func (noLoader) Load(string) (any, error) {
	return nil, errors.New("a schema cannot refer to another document")
}

// newSchema compiles the JSON Schema of an object. Unless it says otherwise, it takes no other properties than its own.
func newSchema(document map[string]any) (*schema, error) {
	full := map[string]any{
		"$schema": dialect, "type": "object", "properties": map[string]any{}, "additionalProperties": false,
	}
	maps.Copy(full, document)
	full, _ = jsonValue(full).(map[string]any)
	plain, err := forSchema(full)
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.UseLoader(noLoader{})
	c.RegisterFormat(&jsonschema.Format{Name: "timezone", Validate: isZone})
	if err := c.AddResource("urn:schema", plain); err != nil {
		return nil, fmt.Errorf("it is not a JSON Schema: %w", err)
	}
	compiled, err := c.Compile("urn:schema")
	if err != nil {
		return nil, fmt.Errorf("it is not a JSON Schema: %w", err)
	}
	s := &schema{document: full, compiled: compiled}
	return s, s.findSecrets(full, nil)
}

// isZone is the format "timezone": an IANA name.
func isZone(v any) error {
	name, ok := v.(string)
	if !ok {
		return nil
	}
	if zone, err := time.LoadLocation(name); err != nil || zone == time.Local || name == "" {
		return errors.New("it is not an IANA name")
	}
	return nil
}

// findSecrets collects the paths of writeOnly properties and refuses them where a secret could not be kept apart.
func (s *schema) findSecrets(document map[string]any, at []string) error {
	properties, _ := document["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		property, _ := properties[name].(map[string]any)
		path := append(slices.Clone(at), name)
		if property["writeOnly"] == true {
			if property["type"] != "string" {
				return fmt.Errorf("%s: a writeOnly property must have type string", strings.Join(path, "."))
			}
			s.secrets = append(s.secrets, path)
			continue
		}
		if err := s.findSecrets(property, path); err != nil {
			return err
		}
		if items, ok := property["items"].(map[string]any); ok {
			inside := &schema{}
			if err := inside.findSecrets(items, path); err != nil {
				return err
			}
			if len(inside.secrets) > 0 || items["writeOnly"] == true {
				return fmt.Errorf("%s: a secret cannot be an item of a list", strings.Join(path, "."))
			}
		}
	}
	return nil
}

// validate returns every fault as a problem of code Invalid, with the path below root; nil when there is none. No fault
// repeats a value.
func (s *schema) validate(root string, v map[string]any) error {
	if v == nil {
		v = map[string]any{}
	}
	if depthOfValue(v) > maxConfigDepth {
		return problem.New(problem.Invalid, "It nests deeper than %d levels.", maxConfigDepth).At(root)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return problem.New(problem.Invalid, "It is not JSON.").At(root)
	}
	if len(text) > maxConfig {
		return problem.New(problem.Invalid, "It is larger than %d KiB.", maxConfig>>10).At(root)
	}
	plain, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return problem.New(problem.Invalid, "It is not JSON.").At(root)
	}
	failed, ok := errors.AsType[*jsonschema.ValidationError](s.compiled.Validate(plain))
	if !ok {
		return nil
	}
	noun := "setting"
	if root == "arguments" {
		noun = "argument"
	}
	return s.joined(root, noun, failed)
}

// joined returns one fault for each field: where several forms are not met, that with the fewest words.
func (s *schema) joined(root, noun string, failed *jsonschema.ValidationError) error {
	byField := map[string]*problem.Error{}
	for _, f := range leaves(failed) {
		for _, one := range explain(f, noun) {
			if _, ok := f.ErrorKind.(*kind.Pattern); ok {
				one.message += s.about(f.InstanceLocation)
			}
			path := slices.Concat([]string{root}, f.InstanceLocation, one.below)
			e := problem.New(problem.Invalid, "%s", one.message).At(path...)
			key := strings.Join(e.Field, "\x00")
			if other, ok := byField[key]; !ok || len(e.Message) < len(other.Message) {
				byField[key] = e
			}
		}
	}
	var faults []error
	for _, key := range slices.Sorted(maps.Keys(byField)) {
		faults = append(faults, byField[key])
	}
	return errors.Join(faults...)
}

// leaves returns the faults that have no other cause. A choice of forms of which none fits is one fault.
func leaves(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	switch e.ErrorKind.(type) {
	case *kind.OneOf, *kind.AnyOf, *kind.Not, *kind.Contains:
		return []*jsonschema.ValidationError{e}
	}
	if len(e.Causes) == 0 {
		return []*jsonschema.ValidationError{e}
	}
	var out []*jsonschema.ValidationError
	for _, c := range e.Causes {
		out = append(out, leaves(c)...)
	}
	return out
}

// about returns what the schema says of the value at a path, to follow a fault; "" where it says nothing.
func (s *schema) about(path []string) string {
	at := s.document
	for _, name := range path {
		properties, _ := at["properties"].(map[string]any)
		if next, ok := properties[name].(map[string]any); ok {
			at = next
			continue
		}
		if at, _ = at["items"].(map[string]any); at == nil {
			return ""
		}
	}
	if text, _ := at["description"].(string); text != "" {
		return " It is: " + text
	}
	return ""
}

type explanation struct {
	message string
	below   []string
}

// explain says what is wrong in words that quote the schema and never the value. The noun is what a property is called.
func explain(e *jsonschema.ValidationError, noun string) []explanation {
	one := func(format string, args ...any) []explanation {
		return []explanation{{message: fmt.Sprintf(format, args...)}}
	}
	each := func(names []string, message string) []explanation {
		out := make([]explanation, len(names))
		for i, n := range names {
			out[i] = explanation{message, []string{shortened(n)}}
		}
		return out
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		return each(k.Missing, "This "+noun+" is missing.")
	case *kind.AdditionalProperties:
		return each(k.Properties, "There is no such "+noun+".")
	case *kind.Type:
		return one("It must be of type %s.", strings.Join(k.Want, " or "))
	case *kind.Enum:
		return one("It must be one of %s.", strings.Trim(fmt.Sprint(k.Want), "[]"))
	case *kind.Const:
		return one("It must be %v.", k.Want)
	case *kind.Format:
		return one("It must be %s.", formatWords(k.Want))
	case *kind.Pattern:
		return one("It must have the form %s.", k.Want)
	case *kind.MinLength:
		return one("It must have at least %d characters.", k.Want)
	case *kind.MaxLength:
		return one("It must have at most %d characters.", k.Want)
	case *kind.MinItems:
		return one("It must have at least %d items.", k.Want)
	case *kind.MaxItems:
		return one("It must have at most %d items.", k.Want)
	case *kind.UniqueItems:
		return one("Its items must differ from each other.")
	case *kind.Minimum:
		return one("It must be at least %s.", k.Want.RatString())
	case *kind.Maximum:
		return one("It must be at most %s.", k.Want.RatString())
	}
	return one("It is not what this %s takes.", noun)
}

func formatWords(format string) string {
	switch format {
	case "timezone":
		return "the IANA name of a time zone, for example Europe/Zurich"
	case "uri":
		return "a web address"
	case "date-time":
		return "a time with its offset, for example 2006-01-02T15:04:05Z"
	}
	return "a valid " + format
}

func shortened(name string) string {
	if runes := []rune(name); len(runes) > 64 {
		return string(runes[:64]) + "…"
	}
	return name
}

func depthOfValue(v any) int {
	deepest := 0
	switch v := v.(type) {
	case map[string]any:
		for _, one := range v {
			deepest = max(deepest, depthOfValue(one))
		}
	case []any:
		for _, one := range v {
			deepest = max(deepest, depthOfValue(one))
		}
	default:
		return 0
	}
	return deepest + 1
}

func forSchema(v any) (any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, errors.New("it is not JSON")
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(text))
}
