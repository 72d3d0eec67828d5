package question

import "strconv"

// count is how many results a question asks for, and which.
type count struct {
	n      int
	latest bool
}

// counted finds "last 5 emails", "top 3", "next meeting". The next ones lie ahead of now and the last event behind it; that
// becomes a stretch of its own.
func (p *parser) counted(timed bool) (count, []stretch) {
	for i := range p.tokens {
		w := p.at(i)
		order, k := w, i+1
		switch {
		case w == "" || p.tokens[i].topic:
			continue
		case p.is(i, "most", "recent"):
			order, k = "latest", i+2
		case w == "newest":
			order = "latest"
		}
		n, j := p.howMany(k)
		if before, _ := p.howMany(i); before > 0 {
			n, j = before, i+1
			switch {
			case p.is(i+1, "most", "recent"):
				order, j = "latest", i+3
			case p.is(i+1, "latest"), p.is(i+1, "newest"), p.is(i+1, "last"):
				order, j = "latest", i+2
			case shown[p.at(i-1)]:
				order = "top"
			default:
				continue
			}
		}
		noun, found := p.nounSoon(j)
		one := found && n == 0 && noun[len(noun)-1] != 's'
		event := eventNouns[noun] && !mailNouns[noun]
		if one {
			n = 1
		}
		if !found && (n == 0 || j < len(p.tokens) && !stops[p.tokens[j].word] && p.tokens[j].kind == "") {
			continue
		}
		switch order {
		case "last", "latest":
			if order == "last" && n == 0 {
				continue
			}
			p.mark(i, j, "limit")
			if event && !timed {
				return count{n, true}, []stretch{{i: i, j: j, exact: true, end: &p.now}}
			}
			return count{n, true}, nil
		case "next", "upcoming":
			kind := "limit"
			if n == 0 {
				kind = "window"
			}
			p.mark(i, j, kind)
			return count{n: n}, []stretch{{i: i, j: j, exact: true, start: &p.now}}
		case "past", "previous":
			if !found {
				continue
			}
			p.mark(i, j, "window")
			return count{n: n, latest: true}, []stretch{{i: i, j: j, exact: true, end: &p.now}}
		case "top":
			if n == 0 {
				continue
			}
		case "first":
			if n == 0 || one && !event {
				continue
			}
		default:
			continue
		}
		p.mark(i, j, "limit")
		return count{n: n}, nil
	}
	return count{}, nil
}

// shown are words after which a bare number counts results: "show 5 emails".
var shown = set("show list give get find me display fetch pull")

// howMany reads a number of results at i; 0 when there is none.
func (p *parser) howMany(i int) (n, j int) {
	w := p.at(i)
	n, err := strconv.Atoi(w)
	if err != nil {
		n = numerals[w]
	}
	if n < 1 || n > 1000 || units[p.at(i+1)] != "" {
		return 0, i
	}
	return n, i + 1
}

// nounSoon returns what is counted: the first noun of mail or events among the next four words, states and names between.
func (p *parser) nounSoon(i int) (string, bool) {
	for k := i; k < len(p.tokens) && k < i+4; k++ {
		t := p.tokens[k]
		switch {
		case mailNouns[t.word] || eventNouns[t.word] || p.noun(k):
			return t.word, true
		case t.kind != "" || stops[t.word] || roles[t.word] != "":
			return "", false
		}
	}
	return "", false
}

// noun reports whether the word at k is a trigger phrase, one letter at most apart.
func (p *parser) noun(k int) bool {
	if p.nouns[p.norms[k]] {
		return true
	}
	for noun := range p.nouns {
		if misspelt(p.tokens[k].low, p.norms[k], noun) {
			return true
		}
	}
	return false
}
