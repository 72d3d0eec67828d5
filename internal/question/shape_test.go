package question_test

import (
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/question"
)

func TestAKeyLeadsToTheCapabilityThatTakesOne(t *testing.T) {
	t.Parallel()
	candidates := []question.Candidate{
		{Name: "list", Phrases: []string{"issue", "working on"}, Takes: []string{"window"}},
		{Name: "search", Phrases: []string{"issue"}, Takes: []string{"text", "window"}},
		{Name: "get", Phrases: []string{"{key}", "issue {key}"}, Takes: []string{"text"}},
	}
	for ask, want := range map[string]string{
		"show issue ENG-123":              "get",
		"who is working on eng-7?":        "get",
		"what became of ENG-7's comments": "get",
		"ENG-7":                           "get",
		"is X2-40 done yet":               "get",
		"issues about the follow-up":      "search",
		"issues about ENG-":               "search",
		"issues about 7-eleven":           "search",
		`issues that say "ENG-7"`:         "search",
		"issues of last week":             "list",
		"the key":                         "none",
	} {
		t.Run(ask, func(t *testing.T) {
			t.Parallel()
			got, err := question.Choose(ask, question.Service{Candidates: candidates})
			if outcome(got, err) != want {
				t.Errorf("went to %s, not to %s", outcome(got, err), want)
			}
		})
	}
}

func TestAShapeDecidesWithConfidence(t *testing.T) {
	t.Parallel()
	got, err := question.Choose("ENG-1", question.Service{Candidates: []question.Candidate{{Name: "one", Phrases: []string{"{key}"}}}})
	if err != nil || got.Confidence < 0.9 {
		t.Errorf("confidence %v, %v", got.Confidence, err)
	}
}

func TestAShapeIsShownAsAnExample(t *testing.T) {
	t.Parallel()
	_, err := question.Choose("good morning", question.Service{Candidates: []question.Candidate{{Name: "one", Phrases: []string{"issue {key}"}}}})
	if err == nil || !strings.Contains(err.Error(), "issue ABC-123") {
		t.Errorf("the example is missing: %v", err)
	}
}
