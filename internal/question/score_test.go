package question_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/question"
)

// What the routes of all golden questions together must reach.
const (
	minPrecision  = 0.97
	maxWrong      = 0.01
	minQuestions  = 600
	minAbstaining = 100
	minCompeting  = 60
)

// score counts what became of questions.
type score struct {
	asked, abstain, competing int // how many, how many of them fit nothing, how many fit more than one capability
	right, routed, wrong      int // chosen as they should be, chosen at all, chosen wrongly
	missed                    int // not chosen though something fits
}

func (s *score) add(o score) {
	s.asked, s.abstain, s.competing = s.asked+o.asked, s.abstain+o.abstain, s.competing+o.competing
	s.right, s.routed, s.wrong, s.missed = s.right+o.right, s.routed+o.routed, s.wrong+o.wrong, s.missed+o.missed
}

// precision is how many of the chosen were right; recall how many of those that something fits were chosen rightly; wrong
// how many of all were led to a capability that is not theirs.
func (s score) precision() float64 { return share(s.right, s.routed) }
func (s score) recall() float64    { return share(s.right, s.asked-s.abstain) }
func (s score) wrongRate() float64 { return float64(s.wrong) / float64(max(s.asked, 1)) }

func share(part, whole int) float64 {
	if whole == 0 {
		return 1
	}
	return float64(part) / float64(whole)
}

func (s score) String() string {
	return fmt.Sprintf("%5d %8d %8d %10.3f %7.3f %7.3f", s.asked, s.abstain, s.competing, s.precision(), s.recall(),
		s.wrongRate())
}

// abstentions are the outcomes of questions that fit no read capability, or no single one.
var abstentions = []string{"none", "write", "ambiguous"}

func TestGoldenQuestionsAreLedToTheRightCapability(t *testing.T) {
	t.Parallel()
	sets := candidates(t)
	files, err := os.ReadDir("testdata/golden")
	if err != nil {
		t.Fatal(err)
	}
	scores, all := map[string]*score{}, score{}
	for _, file := range files {
		for _, g := range readGolden(t, file.Name()) {
			one := g.score(t, sets[g.set])
			name := map[string]string{"cal": "google_calendar", "mail": "gmail"}[g.set]
			if name == "" {
				name = g.set
			}
			if scores[name] == nil {
				scores[name] = &score{}
			}
			scores[name].add(one)
			all.add(one)
		}
	}
	var table strings.Builder
	fmt.Fprintf(&table, "%-18s %5s %8s %8s %10s %7s %7s\n", "", "asked", "abstain", "compete", "precision", "recall", "wrong")
	names := make([]string, 0, len(scores))
	for name := range scores {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&table, "%-18s %s\n", name, scores[name])
	}
	fmt.Fprintf(&table, "%-18s %s\n", "all", all)
	t.Log("\n" + table.String())
	if all.precision() < minPrecision || all.wrongRate() > maxWrong {
		t.Errorf("precision %.3f and wrong routes %.3f; the least is %.2f and the most %.2f", all.precision(),
			all.wrongRate(), minPrecision, maxWrong)
	}
	if all.asked < minQuestions || all.abstain < minAbstaining || all.competing < minCompeting {
		t.Errorf("%d questions, %d that fit nothing, %d that fit several; there should be %d, %d, %d", all.asked,
			all.abstain, all.competing, minQuestions, minAbstaining, minCompeting)
	}
}

func TestTheExamplesOfEveryCapabilityLeadThere(t *testing.T) {
	t.Parallel()
	sets := candidates(t)
	for _, p := range known(t).All() {
		for _, c := range p.Capabilities {
			for _, example := range c.Examples {
				choice, err := question.Choose(example, sets[p.Name])
				if got := outcome(choice, err); got != c.Name {
					t.Errorf("%s: the example %q of %s leads to %s", p.Name, example, c.Name, got)
				}
			}
			if c.Effect == provider.Read && len(c.Examples) == 0 {
				t.Errorf("%s: %s has no examples", p.Name, c.Name)
			}
		}
	}
}

// score asks one question and says what is not as it should be.
func (g golden) score(t *testing.T, asked question.Service) score {
	t.Helper()
	names := append(slices.Clone(abstentions), namesOf(asked.Candidates)...)
	if !slices.Contains(names, g.capability) {
		t.Errorf("%s: %q has no capability %q", g, g.set, g.capability)
	}
	choice, err := question.Choose(g.ask, asked)
	got, s := outcome(choice, err), score{asked: 1}
	fits := !slices.Contains(abstentions, g.capability)
	switch {
	case !fits:
		s.abstain = 1
	case competes(g.ask, g.capability, asked):
		s.competing = 1
	}
	if err == nil {
		s.routed = 1
	}
	switch {
	case got == g.capability && fits:
		s.right = 1
	case err == nil:
		s.wrong = 1
		t.Logf("%s: wrong: %q went to %s, not to %s", g, g.ask, got, g.capability)
	case fits:
		s.missed = 1
		t.Logf("%s: missed: %q went nowhere (%s), not to %s", g, g.ask, got, g.capability)
	}
	return s
}

// competes reports whether something else would be chosen if the right capability were not there.
func competes(ask, right string, asked question.Service) bool {
	asked.Candidates = slices.DeleteFunc(slices.Clone(asked.Candidates), func(c question.Candidate) bool { return c.Name == right })
	got, err := question.Choose(ask, asked)
	return outcome(got, err) == "ambiguous" || err == nil
}

func namesOf(cs []question.Candidate) []string {
	out := make([]string, len(cs))
	for i, c := range cs {
		out[i] = c.Name
	}
	return out
}
