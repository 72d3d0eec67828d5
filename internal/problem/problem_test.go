package problem_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/problem"
)

func TestAllFindsEveryFaultOfOneInputInOrder(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("create: %w", errors.Join(
		problem.New(problem.Invalid, "name is empty").At("input", "name"),
		errors.New("not a problem"),
		problem.New(problem.NotFound, "no such user").At("input", "userId"),
	))
	got := problem.All(err)
	if len(got) != 2 || got[0].Code != problem.Invalid || got[1].Code != problem.NotFound {
		t.Errorf("All = %v", got)
	}
}

func TestCodeOfAnUnknownErrorIsInternal(t *testing.T) {
	t.Parallel()
	if got := problem.CodeOf(errors.New("boom")); got != problem.Internal {
		t.Errorf("CodeOf = %s", got)
	}
	if got := problem.CodeOf(nil); got != "" {
		t.Errorf("CodeOf(nil) = %s", got)
	}
	wrapped := fmt.Errorf("outer: %w", problem.New(problem.Taken, "x").Because(errors.New("unique")))
	if !problem.Is(wrapped, problem.Taken) {
		t.Errorf("Is(%v, Taken) = false", wrapped)
	}
}

func TestFaultsOfAPartAreMovedBelowTheWhole(t *testing.T) {
	t.Parallel()
	first, second := problem.New(problem.Invalid, "One.").At("config", "a"), problem.New(problem.Invalid, "Two.")
	got := problem.All(problem.Below(fmt.Errorf("check: %w", errors.Join(first, second)), "input"))
	if len(got) != 2 || strings.Join(got[0].Field, ".") != "input.config.a" || strings.Join(got[1].Field, ".") != "input" ||
		strings.Join(first.Field, ".") != "config.a" {
		t.Errorf("%v, and %v", got, first.Field)
	}
	other := errors.New("of another kind")
	if problem.Below(other, "input") != other || problem.Below(nil, "input") != nil { //nolint:errorlint // the very same
		t.Error("what is no problem is changed")
	}
}
