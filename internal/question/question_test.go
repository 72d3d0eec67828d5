package question_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/question"
)

var wednesday = time.Date(2026, 1, 21, 15, 0, 0, 0, time.UTC)

func TestEveryPieceSaysWhichWordsItCameFrom(t *testing.T) {
	t.Parallel()
	r := question.Read(`last 5 unread emails from Sarah about "the plan" since Monday, not 3/4`, question.Options{
		Now: wednesday, Phrases: []string{"email"},
	})
	var got []string
	for _, s := range r.Spans {
		got = append(got, s.Kind+" "+s.Words)
	}
	want := []string{"limit last 5", "state unread", "person Sarah", `quoted "the plan"`, "window since Monday", "unclear 3/4"}
	if !slices.Equal(got, want) {
		t.Errorf("spans %q, want %q", got, want)
	}
}

func TestWeeksBeginWhereTheAskerSaysTheyDo(t *testing.T) {
	t.Parallel()
	for start, want := range map[time.Weekday]string{
		0: "2026-01-19", time.Monday: "2026-01-19", question.Sunday: "2026-01-18", time.Saturday: "2026-01-17",
	} {
		w := question.Read("this week", question.Options{Now: wednesday, WeekStart: start}).Window
		if got := w.Start.Format(time.DateOnly); got != want {
			t.Errorf("a week from %v on starts %s, want %s", start, got, want)
		}
	}
}

func TestConfidenceGrowsWithThePhraseAndFallsWithDoubt(t *testing.T) {
	t.Parallel()
	both := []question.Candidate{
		{Name: "list", Phrases: []string{"meeting", "my next meeting"}, Takes: []string{"window"}},
		{Name: "search", Phrases: []string{"meeting"}, Takes: []string{"window", "people", "text"}},
	}
	for ask, want := range map[string]struct {
		name       string
		confidence float64
		matched    []string
	}{
		"when is my next meeting":  {"list", 0.9, []string{"my next meeting", "meeting"}},
		"meeting with bob":         {"search", 0.54, []string{"meeting"}},
		"mettings with bob please": {"search", 0.486, []string{"meeting"}},
	} {
		c, err := question.Choose(ask, both)
		if err != nil || c.Name != want.name || c.Confidence != want.confidence || !slices.Equal(c.Matched, want.matched) {
			t.Errorf("%q: %+v, %v; want %+v", ask, c, err, want)
		}
	}
}

func TestEqualsAreNamedAndNothingIsGuessed(t *testing.T) {
	t.Parallel()
	_, err := question.Choose("my order", []question.Candidate{
		{Name: "status", Phrases: []string{"order"}}, {Name: "history", Phrases: []string{"orders"}},
		{Name: "refund", Phrases: []string{"refund"}},
	})
	e, ok := errors.AsType[*problem.Error](err)
	if !ok || e.Code != problem.Ambiguous || !slices.Equal(e.Choices, []string{"status", "history"}) {
		t.Errorf("got %v", err)
	}
	_, err = question.Choose("anything", nil)
	if !problem.Is(err, problem.NoCapabilityMatched) {
		t.Errorf("without candidates: %v", err)
	}
}

func TestACommandIsRefusedUnlessAPhraseIsMadeForIt(t *testing.T) {
	t.Parallel()
	ask := "please cancel order 4711"
	_, err := question.Choose(ask, []question.Candidate{{Name: "orders", Phrases: []string{"order"}}})
	if !problem.Is(err, problem.NoCapabilityMatched) || !strings.Contains(err.Error(), `"cancel"`) {
		t.Errorf("got %v", err)
	}
	c, err := question.Choose(ask, []question.Candidate{{Name: "cancel_order", Phrases: []string{"cancel order"}}})
	if err != nil || c.Name != "cancel_order" {
		t.Errorf("got %+v, %v", c, err)
	}
	if r := question.Read(ask, question.Options{Now: wednesday}); r.Write != "cancel" {
		t.Errorf("Write = %q", r.Write)
	}
}
