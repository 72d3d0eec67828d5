package question

import (
	"math"
	"slices"
	"strings"
)

// rival is a candidate with the phrases of it that the question holds, the strongest first.
type rival struct {
	Candidate
	matches []match
	covers  int // how many words of the question its phrases cover, and what the best of them counts beyond its words
}

// rivals returns the candidates of which the question holds phrases, and the phrases of all.
func (p *parser) rivals(candidates []Candidate, named []bool) (rivals []rival, phrases []string) {
	for _, c := range candidates {
		if r := p.rival(c, named); len(r.matches) > 0 {
			rivals = append(rivals, r)
		}
		phrases = slices.Concat(phrases, c.Phrases, c.Decisive)
	}
	return rivals, phrases
}

// rival looks for a candidate's phrases.
func (p *parser) rival(c Candidate, named []bool) rival {
	r := rival{Candidate: c}
	covered, extra := map[int]bool{}, 0
	for n, s := range slices.Concat(c.Phrases, c.Decisive) {
		ph, ok := newPhrase(s)
		if !ok {
			continue
		}
		if n >= len(c.Phrases) {
			ph.extra += decisive
		}
		if len(ph.words) == 1 {
			p.nouns[ph.words[0]] = true
		}
		m, ok := ph.find(p.tokens, p.norms)
		if !ok {
			continue
		}
		m.weak = true
		for k := m.i; k < m.j; k++ {
			m.weak = m.weak && (named[k] || seeking[p.tokens[k].low])
		}
		for k := m.i; k < m.j && !m.weak; k++ {
			covered[k] = covered[k] || !named[k]
		}
		extra = max(extra, m.extra)
		r.matches = append(r.matches, m)
	}
	for _, counts := range covered {
		if counts {
			r.covers++
		}
	}
	r.covers += extra
	slices.SortStableFunc(r.matches, byStrength)
	return r
}

// seeking are words that say nothing of what is sought. A phrase of them alone decides only where nothing else does.
var seeking = set("find search look for up show list get do we have any is there anything something")

// numberCounts is how many words a number counts for what finds a thing by it.
const numberCounts = 2

// withNumber returns the rivals where a question names one thing by its number; if none of them finds a thing by its number,
// those candidates that do join them.
func withNumber(rivals []rival, candidates []Candidate) []rival {
	found := false
	for i := range rivals {
		if rivals[i].findsByNumber() {
			rivals[i].covers += numberCounts
			found = true
		}
	}
	for _, c := range candidates {
		if r := (rival{Candidate: c, covers: numberCounts}); !found && r.findsByNumber() {
			rivals = append(rivals, r)
		}
	}
	return rivals
}

// findsByNumber reports whether the capability finds one thing by its number.
func (r rival) findsByNumber() bool { return slices.Contains(r.Takes, "numbers") }

func byStrength(a, b match) int {
	switch {
	case a.stronger(b):
		return -1
	case b.stronger(a):
		return 1
	}
	return 0
}

// begins reports whether a phrase of two words or more begins with the very verb at that place: then the capability is made
// for that command.
func (r rival) begins(at int, verb string) bool {
	return slices.ContainsFunc(r.matches, func(m match) bool {
		first, _, more := strings.Cut(strings.ToLower(m.text), " ")
		return m.i == at && more && first == verb
	})
}

// strongest returns the rivals that cover most of the question, and of those the ones whose best phrase no other's surpasses.
func strongest(rivals []rival) []rival {
	most := 0
	for _, r := range rivals {
		most = max(most, r.covers)
	}
	rivals = slices.DeleteFunc(slices.Clone(rivals), func(r rival) bool { return r.covers < most })
	best := rivals[0].best()
	for _, r := range rivals[1:] {
		if r.best().stronger(best) {
			best = r.best()
		}
	}
	return slices.DeleteFunc(rivals, func(r rival) bool { return best.stronger(r.best()) })
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

// best is the strongest phrase; one without words where only a number led here.
func (r rival) best() match {
	if len(r.matches) == 0 {
		return match{exact: true}
	}
	return r.matches[0]
}
