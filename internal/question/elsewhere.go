package question

import (
	_ "embed"
	"slices"
	"strings"
)

//go:embed elsewhere.txt
var elsewhereTable string

// elsewhere are the services that a question may name, whatever it is put to.
var elsewhere = readElsewhere(elsewhereTable)

// other is a service by one of its names, with the nouns that it holds.
type other struct {
	name  phrase
	nouns map[string]bool
}

func readElsewhere(table string) []other {
	var out []other
	for line := range strings.Lines(table) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		name, nouns, _ := strings.Cut(line, "|")
		if ph, ok := newPhrase(name); ok {
			out = append(out, other{ph, set(nouns)})
		}
	}
	return out
}

// addons are what a service's name is part of rather than a place.
var addons = set("integration app bot plugin connector sync api import export notification migration confirmation receipt")

// beforePlace are words before the name of a service that is to be looked into.
var beforePlace = set("in on into inside via check search open my our using")

// beforeAny are those that stand before any noun: behind "our acme" more may come that makes it a topic.
var beforeAny = set("open my our")

// addressed returns the first name of another service that the question is put to: one that stands where a place stands ("in acme",
// "search acme for"), or before a noun of its own ("acme issues"). The service's own names are marked in named.
// What a question is about, or whom it comes from, is no place, and a trigger phrase of this service that holds the name
// says that it is here.
func (p *parser) addressed(rivals []rival, named []bool) (at, end int, ok bool) {
	for i := range p.tokens {
		if p.tokens[i].topic {
			continue
		}
		for _, o := range elsewhere {
			m, found := o.name.matchAt(i, p.tokens, p.norms)
			if !found || !m.exact || !slices.Contains(named[i:m.j], false) || slices.ContainsFunc(rivals, m.within) {
				continue
			}
			before := p.at(i - 1)
			if before == "from" || before == "by" || before == "about" || before == "with" {
				continue
			}
			if p.looksInto(i, m.j) || m.j < len(p.norms) && o.nouns[p.norms[m.j]] && !p.adds(o, m.j+1) {
				return i, m.j, true
			}
		}
	}
	return 0, 0, false
}

// looksInto reports whether the name from i to j stands where a place stands, and nothing is added to it: "in acme", not "in
// acme integration".
func (p *parser) looksInto(i, j int) bool {
	k := i - 1
	if articles[p.at(k)] && !beforePlace[p.at(k)] {
		k--
	}
	if !beforePlace[p.at(k)] {
		return false
	}
	if j >= len(p.tokens) || p.tokens[j].comma {
		return true
	}
	return !addons[p.norms[j]] && !p.nouns[p.norms[j]] && (!beforeAny[p.at(k)] || stops[p.at(j)])
}

// adds reports whether a noun at j that is none of the service's own makes its name a topic: "acme message bug", "acme
// order confirmation".
func (p *parser) adds(o other, j int) bool {
	return j < len(p.tokens) && !p.tokens[j].comma && (p.nouns[p.norms[j]] && !o.nouns[p.norms[j]] || addons[p.norms[j]])
}

// within reports whether the match lies in a phrase of the rival.
func (m match) within(r rival) bool {
	return slices.ContainsFunc(r.matches, func(own match) bool { return own.i <= m.i && m.j <= own.j })
}
