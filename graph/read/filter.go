package read

import (
	"maps"
	"slices"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
)

// moment is a time as both databases keep it.
func moment(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// texts returns the values of an enum as the database keeps them.
func texts[E ~string](values []E) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}

// isGiven reports whether a list of a filter is there: an absent one and null match everything, an empty one nothing.
func isGiven[E any](list graphql.Omittable[[]E]) bool { return list.Value() != nil }

// checkID refuses an id of the wrong kind in a filter.
func checkID(kind id.Kind, given graphql.Omittable[*string], field string) error {
	if given.Value() == nil {
		return nil
	}
	if err := id.Check(kind, *given.Value()); err != nil {
		return problem.New(problem.BadInput, "%s: %s.", field, err.Error()).At("filter", field)
	}
	return nil
}
