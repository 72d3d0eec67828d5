package question

import (
	"slices"
	"strconv"
	"strings"
)

// Read reads a question. It never fails: what it does not understand stays out of the Reading or remains in Text, and what
// has several meanings is reported as unclear. The time it takes grows in proportion to the length of the text.
func Read(text string, o Options) Reading {
	p := &parser{calendar: newCalendar(o), tokens: tokenise(text), nouns: map[string]bool{}}
	p.norms = normals(p.tokens)
	var phrases []phrase
	for _, s := range slices.Concat(o.Names, o.Phrases) {
		if ph, ok := newPhrase(s); ok {
			phrases = append(phrases, ph)
			if len(ph.words) == 1 {
				p.nouns[ph.words[0]] = true
			}
		}
	}
	slices.SortStableFunc(phrases, func(a, b phrase) int { return len(b.words) - len(a.words) })
	var r Reading
	if at, ok := p.command(); ok {
		r.Write = p.tokens[at].raw
	}
	p.topics()
	p.lean = leaning(p.tokens, o.Past)
	stretches := p.times()
	p.topics()
	c, extra := p.counted(len(stretches) > 0)
	r.Limit, r.Latest = c.n, c.latest
	r.Window = p.window(append(stretches, extra...))
	r.States = p.states()
	p.dropPhrases(phrases)
	r.People = p.people()
	p.exclusions()
	p.rest(&r)
	p.spans(text, &r)
	return r
}

// topics marks the words that say what something is about: those behind "about" and the like, up to the next comma, time or
// person.
func (p *parser) topics() {
	inside := false
	for i := range p.tokens {
		t := &p.tokens[i]
		switch {
		case topicMarkers[t.word] && t.kind == "":
			inside, t.topic = true, false
			continue
		case t.kind != "" || t.comma || roles[t.word] != "" && t.word != "to":
			inside = false
		}
		t.topic = inside
	}
}

// dropPhrases marks the trigger phrases, which say what is asked for. Behind "about" they are the subject, unless the
// question names nothing else.
func (p *parser) dropPhrases(phrases []phrase) {
	for _, wanted := range []bool{false, true} {
		dropped := false
		for _, ph := range phrases {
			for i := 0; i < len(p.tokens); i++ {
				m, ok := ph.matchAt(i, p.tokens, p.norms)
				if !ok || p.tokens[i].topic != wanted || p.at(i) == "" && p.tokens[i].kind != "phrase" {
					continue
				}
				for k := i; k < m.j; k++ {
					if p.tokens[k].kind == "" {
						p.tokens[k].kind = "phrase"
					}
				}
				dropped = true
			}
		}
		if dropped {
			return
		}
	}
}

// exclusions sets words apart that a negation keeps out ("and not alice"): searching for them would find the opposite.
func (p *parser) exclusions() {
	for i := range p.tokens {
		if excluders[p.at(i)] && p.at(i+1) != "" && !stops[p.at(i+1)] {
			p.mark(i, i+2, "unclear")
		}
	}
}

// rest collects quotations and numbers, and the words that remain.
func (p *parser) rest(r *Reading) {
	var b strings.Builder
	end := -1
	for i, t := range p.tokens {
		if t.kind == "quoted" {
			r.Quoted = append(r.Quoted, t.raw)
		}
		if t.kind != "" || stops[t.word] || stops[t.low] || p.modal(i) || p.is(i-1, "what", "time") {
			continue
		}
		hyphen := t.word == "-"
		if hyphen && (t.start != end || i+1 == len(p.tokens) || p.tokens[i+1].start != t.end || p.tokens[i+1].kind != "") {
			continue
		}
		if n, err := strconv.ParseFloat(t.raw, 64); err == nil && t.raw[0] >= '0' && t.raw[0] <= '9' {
			r.Numbers = append(r.Numbers, n)
			p.tokens[i].number = true
			if p.is(i-1, "at") {
				continue
			}
		}
		if b.Len() > 0 && t.start != end {
			b.WriteByte(' ')
		}
		b.WriteString(t.raw)
		end = t.end
	}
	r.Text = b.String()
}

// modal reports whether "may" at i asks for leave: "may i see".
func (p *parser) modal(i int) bool {
	return p.is(i, "may") && (p.is(i+1, "i") || p.is(i+1, "we") || p.is(i+1, "you"))
}

// spans reports the recognised pieces.
func (p *parser) spans(text string, r *Reading) {
	add := func(kind string, start, end int) {
		r.Spans = append(r.Spans, Span{Kind: kind, Start: start, End: end, Words: text[start:end]})
	}
	piece := 0
	for i, t := range p.tokens {
		switch {
		case t.kind == "quoted":
			add("quoted", t.start, t.end)
		case t.number:
			add("number", t.start, t.end)
		case t.doubt:
			add("unclear", t.start, t.end)
		case t.piece > 0 && t.piece == piece && i > 0:
			s := &r.Spans[len(r.Spans)-1]
			s.End = t.end
			s.Words = text[s.Start:s.End]
		case t.piece > 0:
			add(t.kind, t.start, t.end)
		}
		piece = t.piece
	}
}
