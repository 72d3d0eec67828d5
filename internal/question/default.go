package question

import (
	"slices"
	"strings"
)

// defaultConfidence is the confidence of a choice without a trigger phrase.
const defaultConfidence = 0.4

// byDefault returns the candidate for a question that holds no trigger phrase and yet is understood to its last word ("anything
// from Ada about payroll", "show october", "the latest 15"): the one that uses most of it, the first of equals. It returns
// false where words remain that nobody understood, for what is said to the one who answers, and where no candidate uses the
// time and the people that are named.
func (p *parser) byDefault(candidates []Candidate, r Reading) (Candidate, bool) {
	var all []rival
	for _, c := range candidates {
		when := r.Window == nil || slices.Contains(c.Takes, "window")
		who := len(r.People) == 0 || slices.Contains(c.Takes, "people") || slices.Contains(c.Takes, "text")
		if len(c.Takes) > 0 && when && who {
			all = append(all, rival{Candidate: c})
		}
	}
	if len(all) == 0 || !p.understood(r) {
		return Candidate{}, false
	}
	return fittest(all, r, false)[0].Candidate, true
}

// understood reports whether a question says when, who, how many or about what, and nothing besides.
func (p *parser) understood(r Reading) bool {
	if r.Window == nil && len(r.People) == 0 && r.Limit == 0 {
		return false
	}
	about := map[string]bool{}
	for _, t := range p.tokens {
		if t.word == "you" || t.low == "your" {
			return false
		}
		if t.topic {
			about[t.raw] = true
		}
	}
	return !slices.ContainsFunc(strings.Fields(r.Text), func(w string) bool { return !about[w] })
}
