package question

import (
	"slices"
	"strings"
)

// roles are the words that stand before a person, and what the person then is.
var roles = map[string]string{"from": "from", "by": "from", "to": "to", "with": "with"}

var (
	// askers stand before the person who did something: "did sarah email me".
	askers = set("did has have does had if whether")
	// tells are what a sender does.
	tells = set(`email emailed mail mailed send sent write wrote written reply replied say said message messaged forward
		forwarded respond responded get got tell told ask asked mention mentioned share shared`)
	// crowds are words for whoever it was.
	crowds = set("people folks ppl colleagues coworkers customers clients users")
	// addressed are the words after which "to" names a receiver.
	addressed = set(`sent send wrote write written addressed forwarded replied reply respond responded emailed me i said
		going went`)
	// authored are the words after which "by" names a sender even if the name is also a month.
	authored = set("sent written wrote organized organised hosted made authored shared emailed")
)

// A verdict says whether the name of a month stands for a person.
type verdict int

const (
	aTime verdict = iota
	aPerson
	anyone // could be either
)

// called judges a stretch that is nothing but a month that people are called, like "april".
func (p *parser) called(s stretch) verdict {
	i := s.j - 1
	if !givenNames[p.at(i)] || s.j-s.i > 2 {
		return aTime
	}
	next := p.at(i + 1)
	if strings.HasSuffix(p.tokens[i].low, "'s") && mailNouns[next] {
		return aPerson
	}
	switch prev := p.at(i - 1); {
	case prev == "with", askers[prev] && tells[next]:
		return aPerson
	case prev == "to":
		return aPerson
	case prev == "by" && authored[p.at(i-2)]:
		return aPerson
	case prev != "from":
		return aTime
	case next == "about" || topicMarkers[next] || i+1 < len(p.tokens) && p.tokens[i+1].capital() && !p.timeAt(i+1):
		return aPerson
	}
	return anyone
}

func (p *parser) timeAt(i int) bool {
	_, ok := p.stretchAt(i)
	return ok
}

// people finds who is named, and marks the names.
func (p *parser) people() []Person {
	var out []Person
	for i := 0; i < len(p.tokens); i++ {
		w, next := p.said(i), p.said(i+1)
		role, k := "", i+1
		switch {
		case roles[w] != "" && p.rolePlausible(i):
			role = roles[w]
		case askers[w] && next != "" && !stops[next]:
			if j := p.nameEnd(i+1, true); j > i+1 && tells[p.said(j)] {
				role = "from"
				if crowds[next] { // "did people say": anybody may have
					p.mark(i+1, i+2, "")
					continue
				}
			}
		case p.at(i+1) != "" && tells[p.said(i+2)] && p.nameWord(i+1) && (mailNouns[w] || p.tokens[i+1].capital()):
			role = "from"
		case w == "meeting" || w == "meet":
			if prev := p.said(i - 1); prev == "i" || prev == "we" {
				role = "with"
			}
		case strings.HasSuffix(p.tokens[i].low, "'s") && w != "" && p.tokens[i].low != "what's" &&
			mailNouns[next] && !stops[p.tokens[i].low] && !stops[w] && p.at(i) != "":
			out = append(out, Person{Name: owner(p.tokens[i].raw), Role: "from"})
			p.mark(i, i+1, "person")
			continue
		}
		if role == "" || role == "with" && p.thing(k) {
			continue
		}
		i = p.names(k, role, askers[w] || role == "from" && roles[w] == "", &out) - 1
	}
	return out
}

// thing reports whether "with the wifi password" at i speaks of no person: a small word before a common one.
func (p *parser) thing(i int) bool {
	if !articles[p.at(i)] || p.is(i, "my") {
		return false
	}
	j := p.nameEnd(i+1, false)
	return j > i+1 && !p.tokens[i+1].capital() && subjects[p.at(j)]
}

// said returns the i-th word even if it is part of a trigger phrase.
func (p *parser) said(i int) string {
	if i >= 0 && i < len(p.tokens) && p.tokens[i].kind == "phrase" {
		return p.tokens[i].word
	}
	return p.at(i)
}

// rolePlausible keeps "need to review" and "how to" from naming people: "to" needs a verb of sending, a noun of mail, a
// sender before it, or a capital letter after it.
func (p *parser) rolePlausible(i int) bool {
	if p.at(i) != "to" || i == 0 {
		return true
	}
	prev := p.tokens[i-1]
	return mailNouns[prev.word] || addressed[prev.word] || prev.kind == "person" || prev.kind == "window" ||
		prev.kind == "state" || i+1 < len(p.tokens) && p.tokens[i+1].capital()
}

// names reads "bob", "the design team", "bob, alice and carol" at i and returns where they end.
func (p *parser) names(i int, role string, subject bool, out *[]Person) int {
	for i < len(p.tokens) {
		k := i
		if p.is(k, "the") || p.is(k, "my") || p.is(k, "our") || p.is(k, "a") {
			k++
		}
		j := p.nameEnd(k, subject)
		if j == k {
			return i
		}
		words := make([]string, 0, j-k)
		for _, t := range p.tokens[k:j] {
			words = append(words, t.raw)
		}
		*out = append(*out, Person{Name: strings.Join(words, " "), Role: role})
		p.mark(k, j, "person")
		i = j
		if !joiners[p.at(j)] && !(j < len(p.tokens) && p.tokens[j].comma) {
			return i
		}
		if joiners[p.at(j)] {
			i = j + 1
		}
		if _, other := roles[p.at(i)]; other {
			return i
		}
	}
	return i
}

// nameEnd returns where the name at i ends: up to three words that mean nothing else. After a capital only capitals follow;
// a name that a verb follows has one word unless it is capitalised.
func (p *parser) nameEnd(i int, subject bool) int {
	j := i
	for j < len(p.tokens) && j < i+3 {
		t := p.tokens[j]
		w := p.at(j)
		if w == "" || t.doubt || t.topic || !p.nameWord(j) {
			break
		}
		if w == "me" || w == "myself" {
			if j == i {
				j++
			}
			break
		}
		if j > i && (t.comma || p.tokens[i].capital() != t.capital() || subject && !t.capital() || strings.Contains(p.tokens[i].raw, "@")) {
			break
		}
		j++
	}
	return j
}

// owner returns the name in "Sarah's".
func owner(raw string) string {
	return strings.TrimRight(strings.TrimRight(raw, "sS"), "'’")
}

func (p *parser) nameWord(i int) bool {
	t := p.tokens[i]
	switch {
	case t.word == "me" || t.word == "myself":
		return true
	case t.word == "will" && (roles[p.at(i-1)] != "" || t.capital() && i > 0):
		return true
	case stops[t.word] || stops[t.low] || subjects[t.word] || tells[t.word] || topicMarkers[t.word] || t.word == "-":
		return false
	case mailNouns[t.word] || eventNouns[t.word] || units[t.low] != "":
		return false
	}
	return !slices.ContainsFunc([]rune(t.word[:1]), func(r rune) bool { return r >= '0' && r <= '9' })
}
