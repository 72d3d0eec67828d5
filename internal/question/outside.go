package question

import (
	"slices"

	"github.com/patchbay/patchbay/internal/problem"
)

// outside returns why a question is none for this service, whatever phrases it holds: it would change something, asks what no
// service holds, or names another service.
func (p *parser) outside(text string, rivals []rival, phrases []string, named []bool) error {
	if at, write := p.command(); write && !slices.ContainsFunc(rivals, func(r rival) bool { return r.begins(at, p.tokens[at].low) }) {
		return problem.New(problem.NoCapabilityMatched, "This asks to change something (%q), and questions only "+
			"read. Invoke the capability that does it by its name.", clip(p.tokens[at].raw))
	}
	if at, ok := p.general(named); ok && (slices.Contains(named, true) ||
		!slices.ContainsFunc(rivals, func(r rival) bool { return r.begins(at, p.tokens[at].low) })) {
		return problem.New(problem.NoCapabilityMatched, "This asks how something works, what it is, or for an opinion. "+
			"Questions read what the connected account holds.")
	}
	p.topics()
	if i, j, ok := p.addressed(rivals, named); ok {
		return problem.New(problem.NoCapabilityMatched, "This asks %s, which is not what this integration connects. Ask an "+
			"integration of it, or put the name in quotation marks to search for it here.",
			clip(text[p.tokens[i].start:p.tokens[j-1].end]))
	}
	return nil
}

// ownNames marks the words that are names of the service.
func (p *parser) ownNames(names []string) []bool {
	out := make([]bool, len(p.tokens))
	for _, name := range names {
		ph, ok := newPhrase(name)
		for i := range p.tokens {
			if m, found := ph.matchAt(i, p.tokens, p.norms); ok && found {
				for k := i; k < m.j; k++ {
					out[k] = true
				}
			}
		}
	}
	return out
}
