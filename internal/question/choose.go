package question

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/patchbay/patchbay/internal/problem"
)

// Candidate is a read capability that may answer a question.
type Candidate struct {
	// Name is the capability's name.
	Name string
	// Phrases are its trigger phrases, for example "order status". Case, plural and punctuation do not matter. {key}
	// in a phrase stands for any key such as ENG-123.
	Phrases []string
	// Takes names what of a question the capability uses: window, people, text, numbers. It decides between capabilities
	// that share a phrase; one that takes numbers finds a thing by its number, and stands back where there is none. Empty
	// means not known, and decides nothing.
	Takes []string
}

// Choice is the capability that a question asks for.
type Choice struct {
	Name string
	// Confidence is how strongly the phrases decided, above 0 and at most 1; see Choose.
	Confidence float64
	// Matched are the chosen capability's phrases that the question holds, the deciding one first.
	Matched []string
}

// anyTime is when Choose reads a question: whether it names a time hardly depends on when it is asked.
var anyTime = time.Date(2026, 1, 21, 15, 0, 0, 0, time.UTC)

// rival is a candidate with the phrases of it that the question holds, the strongest first.
type rival struct {
	Candidate
	matches []match
}

// Choose picks the capability that a question asks for.
//
// The candidate with the most specific phrase wins: the one of most words, then of most letters; {key} counts as five words.
// Phrases match whole words; in a word of six letters or more one letter may be wrong. Quotations never match. Between
// equals, the one that uses most of what the question holds wins, then the one that would miss least.
//
// Confidence is 0.6 for a phrase of one word, 0.8 for two, 0.9 for three, and so on halfway to 1; times 0.9 for a
// misspelling; times 0.9 when phrases alone did not decide.
//
// The error is a problem: NoCapabilityMatched when no phrase occurs, and for commands that would change something (unless a
// phrase of two words or more begins with that very verb); Ambiguous, with Choices, when equals remain.
func Choose(text string, candidates []Candidate) (Choice, error) {
	tokens := tokenise(text)
	norms := normals(tokens)
	var rivals []rival
	var phrases []string
	for _, c := range candidates {
		r := rival{Candidate: c}
		for _, s := range c.Phrases {
			if ph, ok := newPhrase(s); ok {
				if m, ok := ph.find(tokens, norms); ok {
					r.matches = append(r.matches, m)
				}
			}
		}
		phrases = append(phrases, c.Phrases...)
		if len(r.matches) > 0 {
			slices.SortStableFunc(r.matches, byStrength)
			rivals = append(rivals, r)
		}
	}
	at, write := (&parser{tokens: tokens}).command()
	if write && !slices.ContainsFunc(rivals, func(r rival) bool { return r.covers(at) }) {
		return Choice{}, problem.New(problem.NoCapabilityMatched, "This asks to change something (%q), and questions only "+
			"read. Invoke the capability that does it by its name.", clip(tokens[at].raw))
	}
	if len(rivals) == 0 {
		return Choice{}, problem.New(problem.NoCapabilityMatched,
			"No capability of this integration answers that. Ask with words such as %s.", examples(candidates))
	}
	equals := strongest(rivals)
	confidence := 1.0
	if len(equals) > 1 {
		confidence = 0.9
		r := Read(text, Options{Now: anyTime, Phrases: phrases})
		equals = fittest(equals, r, numbered(text, tokens, equals, r))
	}
	if len(equals) > 1 {
		e := problem.New(problem.Ambiguous, "Several capabilities answer that equally well. Invoke one by its name, or ask "+
			"more specifically.")
		for _, r := range equals {
			e.Choices = append(e.Choices, r.Name)
		}
		return Choice{}, e
	}
	return equals[0].choice(confidence), nil
}

func byStrength(a, b match) int {
	switch {
	case a.stronger(b):
		return -1
	case b.stronger(a):
		return 1
	}
	return 0
}

// covers reports whether a phrase of two words or more begins with the very verb at that place: then the capability is made
// for that command.
func (r rival) covers(at int) bool {
	return slices.ContainsFunc(r.matches, func(m match) bool { return m.i == at && m.exact && len(m.words) > 1 })
}

// strongest returns the rivals whose best phrase no other's surpasses.
func strongest(rivals []rival) []rival {
	best := rivals[0].matches[0]
	for _, r := range rivals[1:] {
		if r.matches[0].stronger(best) {
			best = r.matches[0]
		}
	}
	return slices.DeleteFunc(rivals, func(r rival) bool { return best.stronger(r.matches[0]) })
}

// fittest returns the rivals that use most of the reading, and of those the ones that miss least. Rivals whose needs are not
// known all stay.
func fittest(rivals []rival, r Reading, numbered bool) []rival {
	has := map[string]bool{
		"window": r.Window != nil, "people": len(r.People) > 0, "text": r.Text != "" || len(r.Quoted) > 0,
		"numbers": numbered,
	}
	fit := func(c rival) (score int) {
		for _, take := range c.Takes {
			switch {
			case has[take] && take == "numbers":
				score += 1000
			case has[take]:
				score += 100
			case take == "numbers":
				score -= 1000
			default:
				score--
			}
		}
		return score
	}
	best := math.MinInt
	for _, c := range rivals {
		if len(c.Takes) == 0 {
			return rivals
		}
		best = max(best, fit(c))
	}
	return slices.DeleteFunc(rivals, func(c rival) bool { return fit(c) < best })
}

func (r rival) choice(confidence float64) Choice {
	c := Choice{Name: r.Name}
	for _, m := range r.matches {
		c.Matched = append(c.Matched, m.text)
	}
	c.Confidence = confidence * (1 - 0.4/math.Pow(2, float64(r.matches[0].weight()-1)))
	if !r.matches[0].exact {
		c.Confidence *= 0.9
	}
	c.Confidence = math.Round(c.Confidence*1000) / 1000
	return c
}

// examples lists some phrases, each capability's first ones.
func examples(candidates []Candidate) string {
	var out []string
	for _, c := range candidates {
		for _, s := range c.Phrases[:min(len(c.Phrases), 3)] {
			if q := `"` + clip(keyExample.Replace(s)) + `"`; len(out) < 6 && !slices.Contains(out, q) {
				out = append(out, q)
			}
		}
	}
	if len(out) == 0 {
		return "those of its capabilities' trigger phrases"
	}
	return strings.Join(out, ", ")
}

// clip keeps a word of the question short enough for a message.
func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
