package question_test

import (
	"testing"

	"github.com/patchbay/patchbay/internal/question"
)

func TestANumberDecidesForTheCapabilityThatFindsOneThing(t *testing.T) {
	t.Parallel()
	cs := []question.Candidate{
		{Name: "list", Phrases: []string{"order", "invoice"}, Takes: []string{"people", "text", "window"}},
		{Name: "get", Phrases: []string{"order", "invoice"}, Takes: []string{"numbers", "text"}},
	}
	for ask, want := range map[string]string{
		"where is order #1001":               "get",
		"order 1001":                         "get",
		"order no. 1001 please":              "get",
		"what about the order number 7":      "get",
		"whats up with S00042, our order":    "get",
		"invoice INV/2026/00012":             "get",
		"#1001 is a late order":              "get",
		"show me my orders":                  "list",
		"orders from last week":              "list",
		"orders from sarah":                  "list",
		"last 5 orders":                      "list",
		"orders over 500":                    "list",
		"orders above 1000chf":               "list",
		"orders since 2026-01-05":            "list",
		"orders of the 3rd":                  "list",
		"orders at 5pm":                      "list",
		"orders of ann1990@example.com":      "list",
		`orders with "order 1001" in a note`: "list",
		"orders of q3 2025":                  "list",
	} {
		t.Run(ask, func(t *testing.T) {
			t.Parallel()
			got, err := question.Choose(ask, question.Service{Candidates: cs})
			if err != nil || got.Name != want {
				t.Errorf("went to %q, not to %q (%v)", got.Name, want, err)
			}
		})
	}
}
