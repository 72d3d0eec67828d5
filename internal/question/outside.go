package question

import (
	"slices"
	"strings"

	"github.com/patchbay/patchbay/internal/problem"
)

// outside returns why a question is none for this service, whatever phrases it holds: it would change something, asks what no
// service holds, or names another service.
func (p *parser) outside(text string, writes []string, rivals []rival, named []bool) error {
	if at, write := p.command(); write && !slices.ContainsFunc(rivals, func(r rival) bool { return r.begins(at, p.tokens[at].low) }) {
		return problem.New(problem.NoCapabilityMatched, "This asks to change something (%q), and questions only "+
			"read. %s", clip(p.tokens[at].raw), changeable(writes))
	}
	if at, ok := p.general(named); ok && (slices.Contains(named, true) ||
		!slices.ContainsFunc(rivals, func(r rival) bool { return r.begins(at, p.tokens[at].low) })) {
		return problem.New(problem.NoCapabilityMatched, "This asks how something works, what it is, or for an opinion. "+
			"Questions read what the connected account holds: ask for something in it.")
	}
	p.topics()
	if i, j, ok := p.addressed(rivals, named); ok {
		return problem.New(problem.NoCapabilityMatched, "This asks %s, which is not what this integration connects. Ask an "+
			"integration of it, or put the name in quotation marks to search for it here.",
			clip(text[p.tokens[i].start:p.tokens[j-1].end]))
	}
	return nil
}

// changeable says what can be changed, and how.
func changeable(writes []string) string {
	if len(writes) == 0 {
		return "No capability of this integration changes anything."
	}
	most := min(len(writes), 6)
	names := strings.Join(writes[:most], ", ")
	if most < len(writes) {
		names += " and others"
	}
	return "What it can change is called by name, with integrationInvoke: " + names + "."
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
