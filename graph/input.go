package graph

import (
	"errors"
	"maps"
	"math"
	"slices"

	"github.com/patchbay/patchbay/internal/problem"
)

// notNull refuses fields of an input that may be absent but not null.
func notNull(null map[string]bool) error {
	var faults []error
	for _, field := range slices.Sorted(maps.Keys(null)) {
		if null[field] {
			fault := problem.New(problem.Invalid, "%s may be left out but not null.", field).At("input", field)
			faults = append(faults, fault)
		}
	}
	return errors.Join(faults...)
}

// bounded returns n as the schema's Int can hold it.
func bounded(n int64) int32 {
	return int32(min(n, math.MaxInt32)) //nolint:gosec // bounded
}
