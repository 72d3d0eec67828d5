package question

import "strings"

// phrase is a trigger phrase, ready to be looked for.
type phrase struct {
	text  string
	words []string // normal forms, and shapes
	extra int      // how many words it counts beyond those it holds
}

// newPhrase returns ok false for a phrase without a word.
func newPhrase(text string) (phrase, bool) {
	ph := phrase{text: text}
	for _, t := range tokenise(text) {
		if shape := shapeAt(text, t); shape != "" {
			ph.words = append(ph.words, shape)
			ph.extra += shapes[shape]
		} else if w := normals([]token{t})[0]; w != "" {
			ph.words = append(ph.words, w)
		}
	}
	return ph, len(ph.words) > 0
}

// decisive is how many words a decisive phrase counts beyond its own.
const decisive = 4

// weight is how much the phrase says: one for each word, and what it counts beyond.
func (ph phrase) weight() int { return len(ph.words) + ph.extra }

// letters counts the letters of the phrase in normal form.
func (ph phrase) letters() int { return len(strings.Join(ph.words, "")) }

// singular are words whose last s is no plural.
var singular = set("whats hows wheres whens whos thats does this was has news plus yes")

var bare = strings.NewReplacer("'", "", "-", "")

// normal returns a lower-case word without apostrophe, hyphen and plural.
func normal(low string) string {
	w := bare.Replace(low)
	switch {
	case len(w) < 4 || !strings.HasSuffix(w, "s") || singular[w]:
	case strings.HasSuffix(w, "ss"), strings.HasSuffix(w, "us"), strings.HasSuffix(w, "is"):
	case strings.HasSuffix(w, "ies") && len(w) > 4:
		return strings.TrimSuffix(w, "ies") + "y"
	case strings.HasSuffix(w, "xes"), strings.HasSuffix(w, "ches"), strings.HasSuffix(w, "shes"), strings.HasSuffix(w, "sses"):
		return strings.TrimSuffix(w, "es")
	default:
		return strings.TrimSuffix(w, "s")
	}
	return w
}

// match is a phrase found in a question.
type match struct {
	phrase
	i, j  int
	exact bool // no letter differs
	weak  bool // is nothing but the service's own name, or words that say nothing
}

// stronger reports whether m says more than o: more weight, then more letters, then fewer misspellings. A weak one says least.
func (m match) stronger(o match) bool {
	switch {
	case m.weak != o.weak:
		return o.weak
	case m.weak:
		return false
	case m.weight() != o.weight():
		return m.weight() > o.weight()
	case m.letters() != o.letters():
		return m.letters() > o.letters()
	}
	return m.exact && !o.exact
}

// normals returns the normal forms of the words; "" for quotations.
func normals(tokens []token) []string {
	out := make([]string, len(tokens))
	for i, t := range tokens {
		if long, ok := shortForms[t.low]; ok {
			out[i] = normal(long)
		} else {
			out[i] = normal(t.low)
		}
	}
	return out
}

// find returns the first place of the phrase in the question, an exact one if there is any.
func (ph phrase) find(tokens []token, norms []string) (match, bool) {
	var best match
	found := false
	for i := range tokens {
		m, ok := ph.matchAt(i, tokens, norms)
		if ok && (!found || m.exact && !best.exact) {
			best, found = m, true
		}
		if found && best.exact {
			break
		}
	}
	return best, found
}

// matchAt looks for the phrase at i. An article or a possessive may stand between its words.
func (ph phrase) matchAt(i int, tokens []token, norms []string) (match, bool) {
	m := match{phrase: ph, i: i, exact: true}
	for n, w := range ph.words {
		if n > 0 && i < len(tokens) && articles[tokens[i].word] && norms[i] != w {
			i++
		}
		if i >= len(tokens) || norms[i] == "" {
			return m, false
		}
		if shapes[w] > 0 {
			if !fits(w, tokens[i]) {
				return m, false
			}
		} else if norms[i] != w {
			if !misspelt(tokens[i].low, norms[i], w) {
				return m, false
			}
			m.exact = false
		}
		i++
	}
	m.j = i
	return m, true
}

// misspelt reports whether a word of the question is a long word of a phrase with one mistake.
func misspelt(low, norm, want string) bool {
	if norm == "" || norm[0] != want[0] || len(want) < 5 || spelledWell[low] || spelledWell[norm] {
		return false
	}
	return near(norm, want) || near(low, want+"s")
}
