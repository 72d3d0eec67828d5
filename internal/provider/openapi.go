package provider

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/patchbay/patchbay/internal/problem"
)

// Bounds on a description that a customer gives.
const (
	// MaxDescription is the largest OpenAPI document that is read, in bytes.
	MaxDescription = 2 << 20
	// maxOperations is how many capabilities one integration has.
	maxOperations = 50
	// maxSchemaDepth is how deep the schemas of arguments are followed; what lies deeper takes anything.
	maxSchemaDepth = 4
)

// OpenAPI turns an OpenAPI 3 document, JSON or YAML, into the entries that a config lists as capabilities, and returns the
// address of its first server, empty when that is not an absolute one. Of many operations, wanted are the operationIds to
// take; nil takes all. A GET is a read, everything else a write. References to other documents are refused. Errors are
// problems of code Invalid, without a field.
func OpenAPI(ctx context.Context, document []byte, wanted []string) (entries []any, server string, err error) {
	if len(document) > MaxDescription {
		return nil, "", problem.New(problem.Invalid, "The OpenAPI description is larger than %d MiB.", MaxDescription>>20)
	}
	loader := openapi3.NewLoader()
	loader.Context = ctx
	doc, err := loader.LoadFromData(document)
	if err != nil {
		return nil, "", problem.New(problem.Invalid,
			"This is not an OpenAPI 3 description that can be read: JSON or YAML, without references to other documents.").
			Because(err)
	}
	found, taken := map[string]bool{}, map[string]bool{}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths.Map())) {
		item := doc.Paths.Value(path)
		for _, method := range methods {
			operation := item.GetOperation(method)
			if operation == nil {
				continue
			}
			o := described{method: method, path: path, item: item, operation: operation}
			found[operation.OperationID] = true
			if wanted != nil && !slices.Contains(wanted, operation.OperationID) {
				continue
			}
			entry, name := o.entry()
			for n := 2; taken[name]; n++ {
				name = fmt.Sprintf("%s_%d", entry["name"], n)
			}
			taken[name], entry["name"] = true, name
			entries = append(entries, entry)
		}
	}
	for _, id := range wanted {
		if !found[id] {
			return nil, "", problem.New(problem.Invalid, "The OpenAPI description has no operation %q.", shortened(id))
		}
	}
	switch {
	case len(entries) == 0:
		return nil, "", problem.New(problem.Invalid, "The OpenAPI description has no operations.")
	case len(entries) > maxOperations:
		return nil, "", problem.New(problem.Invalid,
			"The OpenAPI description has %d operations, and at most %d become capabilities. Name those that are wanted.",
			len(entries), maxOperations)
	}
	return entries, serverOf(doc), nil
}

func serverOf(doc *openapi3.T) string {
	if len(doc.Servers) == 0 || doc.Servers[0] == nil {
		return ""
	}
	address, err := doc.Servers[0].BasePath()
	if err != nil {
		return ""
	}
	full := doc.Servers[0].URL
	for name, variable := range doc.Servers[0].Variables {
		full = strings.ReplaceAll(full, "{"+name+"}", variable.Default)
	}
	if u, err := url.Parse(full); err != nil || u.Host == "" {
		return ""
	}
	return cmp.Or(strings.TrimSuffix(full, "/"), address)
}

// plainSchema writes a schema without references, as deep as asked.
func plainSchema(ref *openapi3.SchemaRef, depth int) map[string]any {
	if ref == nil || ref.Value == nil || depth == 0 {
		return map[string]any{}
	}
	s, out := ref.Value, map[string]any{}
	if types := s.Type.Slice(); len(types) == 1 && !s.Nullable {
		out["type"] = types[0]
	}
	if s.Description != "" {
		out["description"] = clipText(s.Description, 200)
	}
	if len(s.Enum) > 0 && len(s.Enum) <= 50 && !s.Nullable {
		out["enum"] = s.Enum
	}
	if out["type"] == "array" {
		out["items"] = plainSchema(s.Items, depth-1)
	}
	if len(s.Properties) > 0 && depth > 1 {
		properties := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
			if p := s.Properties[name]; p != nil && p.Value != nil && !p.Value.ReadOnly && len(properties) < maxOperations {
				properties[name] = plainSchema(p, depth-1)
			}
		}
		out["properties"] = properties
		var required []any
		for _, name := range s.Required {
			if properties[name] != nil {
				required = append(required, name)
			}
		}
		if len(required) > 0 {
			out["required"] = required
		}
	}
	return out
}
