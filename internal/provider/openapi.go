package provider

import (
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
	// maxSchemas is how large the schemas of all arguments together become, in bytes, of the maxConfig that there is room
	// for; what comes after takes anything. A description that refers to itself is small and unfolds without end.
	maxSchemas = maxConfig / 2
	// maxArguments is how many parameters of one operation are looked at.
	maxArguments = 50
	maxParameter = 128
)

// OpenAPI turns an OpenAPI 3 document, JSON or YAML, into the entries that a config lists as capabilities, and returns the
// address of its first server, empty when that is not an absolute one. Of many operations, wanted are the operationIds to
// take; nil takes all. A GET is a read, everything else a write. References to other documents are refused. Errors are
// problems of code Invalid, without a field.
func OpenAPI(ctx context.Context, document []byte, wanted []string) (entries []any, server string, err error) {
	if len(document) > MaxDescription {
		return nil, "", problem.New(problem.Invalid, "The OpenAPI description is larger than %d MiB.", MaxDescription>>20)
	}
	if err := checkExtent(document); err != nil {
		return nil, "", err
	}
	loader := openapi3.NewLoader()
	loader.Context = ctx
	doc, err := loader.LoadFromData(document)
	if err != nil {
		return nil, "", problem.New(problem.Invalid,
			"This is not an OpenAPI 3 description that can be read: JSON or YAML, without references to other documents.").
			Because(err)
	}
	operations, err := chosen(doc, wanted)
	if err != nil {
		return nil, "", err
	}
	taken, room := map[string]bool{}, maxSchemas
	for i, o := range operations {
		share := room / (len(operations) - i) // what one leaves over is for those behind it
		writing := &schemaWriter{left: share}
		entry, name := o.entry(writing)
		room -= share - max(writing.left, 0)
		for n := 2; taken[name]; n++ {
			name = fmt.Sprintf("%s_%d", entry["name"], n)
		}
		taken[name], entry["name"] = true, name
		entries = append(entries, entry)
	}
	return entries, serverOf(doc), nil
}

// chosen returns the operations of a description that are wanted, in the order of their paths; nil wants all.
func chosen(doc *openapi3.T, wanted []string) ([]described, error) {
	var out []described
	found := map[string]bool{}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths.Map())) {
		item := doc.Paths.Value(path)
		for _, method := range methods {
			operation := item.GetOperation(method)
			if operation == nil {
				continue
			}
			found[operation.OperationID] = true
			if wanted == nil || slices.Contains(wanted, operation.OperationID) {
				out = append(out, described{method: method, path: path, item: item, operation: operation})
			}
		}
	}
	for _, id := range wanted {
		if !found[id] {
			return nil, problem.New(problem.Invalid, "The OpenAPI description has no operation %q.", shortened(id))
		}
	}
	switch {
	case len(out) == 0:
		return nil, problem.New(problem.Invalid, "The OpenAPI description has no operations.")
	case len(out) > maxOperations:
		return nil, problem.New(problem.Invalid,
			"The OpenAPI description has %d operations, and at most %d become capabilities. Name those that are wanted.",
			len(out), maxOperations)
	}
	return out, nil
}

func serverOf(doc *openapi3.T) string {
	if len(doc.Servers) == 0 || doc.Servers[0] == nil {
		return ""
	}
	full := doc.Servers[0].URL
	for name, variable := range doc.Servers[0].Variables {
		if variable != nil {
			full = strings.ReplaceAll(full, "{"+name+"}", variable.Default)
		}
	}
	if u, err := url.Parse(full); err != nil || u.Host == "" {
		return ""
	}
	return strings.TrimSuffix(full, "/")
}
