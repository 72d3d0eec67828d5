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
	// in a phrase stands for any key such as ENG-123, {channel} for any name behind a hash.
	Phrases []string
	// Decisive are trigger phrases that count as four words more than they hold.
	Decisive []string
	// Examples are questions that it answers. Who asks what nothing answers is shown them; absent, its phrases.
	Examples []string
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

// Service is what a question is put to.
type Service struct {
	// Names are what people call it: "Acme Calendar", "acal". They say where to ask, and nothing of what is asked.
	Names []string
	// Candidates are its read capabilities.
	Candidates []Candidate
	// Writes are the names of its capabilities that change something, which no question leads to.
	Writes []string
}

// Choose picks the capability that a question asks for.
//
// The candidate whose phrases cover most words of the question wins, then the one with the most specific phrase: the one of
// most words, then of most letters; {key} counts as five words, {channel} as two, a decisive phrase as four more than it has.
// Phrases match whole words; in a word of six letters or more one letter may be wrong. Quotations never match, and the
// service's own names count for nothing beside other words. Where a question names one thing by its number, that counts as two
// words for what finds a thing by its number. Between equals, the one that uses most of what the question holds wins, then the
// one that would miss least. A question without any phrase that is understood to its last word goes to what uses most of it.
//
// Confidence is 0.6 for a phrase of one word, 0.8 for two, 0.9 for three, and so on halfway to 1; times 0.9 for a
// misspelling; times 0.9 when phrases alone did not decide; 0.4 without a phrase.
//
// The error is a problem: NoCapabilityMatched when no phrase occurs, for commands that would change something (unless a
// phrase of two words or more begins with that very verb), for questions of general knowledge, and for those that name another
// service; Ambiguous, with Choices, when equals remain.
func Choose(text string, s Service) (Choice, error) {
	tokens := tokenise(text)
	p := &parser{tokens: tokens, norms: normals(tokens), nouns: map[string]bool{}}
	named := p.ownNames(s.Names)
	rivals, phrases := p.rivals(s.Candidates, named)
	if err := p.outside(text, s.Writes, rivals, named); err != nil {
		return Choice{}, err
	}
	r := Read(text, Options{Now: anyTime, Names: s.Names, Phrases: phrases})
	byNumber := numbered(tokens, named, rivals, r)
	if byNumber {
		rivals = withNumber(rivals, s.Candidates)
	}
	if len(rivals) == 0 {
		if c, ok := p.byDefault(s.Candidates, r); ok {
			return Choice{Name: c.Name, Confidence: defaultConfidence}, nil
		}
		return Choice{}, problem.New(problem.NoCapabilityMatched,
			"No capability of this integration answers that. %s", examples(s.Candidates))
	}
	equals := strongest(rivals)
	confidence := 1.0
	if len(equals) > 1 {
		confidence = 0.9
		equals = fittest(equals, r, byNumber)
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

func (r rival) choice(confidence float64) Choice {
	c := Choice{Name: r.Name}
	for _, m := range r.matches {
		c.Matched = append(c.Matched, m.text)
	}
	best := r.best()
	c.Confidence = confidence * (1 - 0.4/math.Pow(2, float64(max(best.weight(), 1)-1)))
	if !best.exact {
		c.Confidence *= 0.9
	}
	c.Confidence = math.Round(c.Confidence*1000) / 1000
	return c
}

// examples says what to ask: a question that each capability answers, or some of the phrases where none has any.
func examples(candidates []Candidate) string {
	var questions, phrases []string
	add := func(to *[]string, most int, text string) {
		if q := `"` + clip(text) + `"`; len(*to) < most && !slices.Contains(*to, q) {
			*to = append(*to, q)
		}
	}
	for _, c := range candidates {
		for _, s := range c.Examples[:min(len(c.Examples), 1)] {
			add(&questions, 4, s)
		}
		for _, s := range c.Phrases[:min(len(c.Phrases), 3)] {
			add(&phrases, 6, shapeExample.Replace(s))
		}
	}
	switch {
	case len(questions) > 0:
		return "What it answers is, for example, " + strings.Join(questions, ", ") + "."
	case len(phrases) > 0:
		return "Ask with words such as " + strings.Join(phrases, ", ") + "."
	}
	return "Ask with words of its capabilities' trigger phrases."
}

// clip keeps what a message quotes short enough for it.
func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
