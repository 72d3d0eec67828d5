package provider

import (
	"maps"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// maxProperties is how many properties an object may have; one with more takes anything.
const maxProperties = 200

// schemaWriter writes schemas without references while there is room.
type schemaWriter struct{ left int }

// write returns a schema, as deep as asked; one that takes anything where there is no room left.
func (w *schemaWriter) write(ref *openapi3.SchemaRef, depth int) map[string]any {
	if ref == nil || ref.Value == nil || depth == 0 || w.left <= 0 {
		return map[string]any{}
	}
	s, out := ref.Value, map[string]any{}
	if types := s.Type.Slice(); len(types) == 1 && !s.Nullable {
		out["type"] = types[0]
	}
	if s.Description != "" {
		out["description"] = clipText(s.Description, 200)
	}
	w.left -= sizeOf(out)
	if len(s.Enum) > 0 && len(s.Enum) <= 50 && !s.Nullable {
		if w.left -= sizeOf(s.Enum); w.left > 0 {
			out["enum"] = s.Enum
		}
	}
	if out["type"] == "array" {
		out["items"] = w.write(s.Items, depth-1)
	}
	if len(s.Properties) > 0 && len(s.Properties) <= maxProperties && depth > 1 {
		properties := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
			if p := s.Properties[name]; p != nil && p.Value != nil && !p.Value.ReadOnly && len(properties) < maxOperations {
				w.left -= len(name)
				properties[name] = w.write(p, depth-1)
			}
		}
		out["properties"] = properties
		var required []any
		for _, name := range s.Required[:min(len(s.Required), maxProperties)] {
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
