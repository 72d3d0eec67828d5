package question

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// token is a word of the question, or a whole quotation.
type token struct {
	start, end int
	raw        string // as typed
	low        string // lower case, one kind of apostrophe
	word       string // low without possessive, common misspellings of the grammar's own words put right
	kind       string // what it was recognised as: a Span's kind, phrase, or "" for a word that remains
	piece      int    // which recognised piece it belongs to; 0 is none
	hash       bool   // follows a #
	comma      bool   // follows a comma or another mark that ends a clause
	topic      bool   // stands behind "about" and the like
	number     bool   // counts as a number
	doubt      bool   // could be a name or a month: neither is taken
}

func (t token) capital() bool {
	r, _ := utf8.DecodeRuneInString(t.raw)
	return unicode.IsUpper(r)
}

// closers maps quotation marks that open to those that close.
var closers = map[rune]string{'"': `"`, '“': "”", '„': "“", '«': "»"}

// tokenise splits a question into words. Quotations become one token of kind quoted. Invalid UTF-8 separates words.
func tokenise(text string) []token {
	var out []token
	unclosed := map[string]bool{}
	comma := false
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if closer, ok := closers[r]; ok && !unclosed[closer] {
			n := strings.Index(text[i+size:], closer)
			if n < 0 {
				unclosed[closer] = true
			} else if inner := strings.TrimSpace(text[i+size : i+size+n]); inner != "" {
				end := i + size + n + len(closer)
				out = append(out, token{start: i, end: end, raw: inner, kind: "quoted"})
				i, comma = end, false
				continue
			}
		}
		switch {
		case r == '–' || r == '—':
			out = append(out, token{start: i, end: i + size, raw: text[i : i+size], low: "-", word: "-"})
			i += size
		case wordRune(r, size):
			end := wordEnd(text, i)
			n := len(out)
			out = appendWord(out, text, i, end)
			out[n].hash = i > 0 && text[i-1] == '#'
			out[n].comma, comma = comma, false
			i = end
		case r == '-' && spaced(text, i):
			out = append(out, token{start: i, end: i + 1, raw: "-", low: "-", word: "-"})
			i++
		default:
			honorific := r == '.' && len(out) > 0 && out[len(out)-1].end == i && honorifics[out[len(out)-1].low]
			comma = comma || !honorific && (r == ',' || r == ';' || r == '.' || r == '?' || r == '!' || r == ':')
			i += size
		}
	}
	return out
}

var honorifics = set("mr mrs ms dr prof st")

func spaced(text string, i int) bool {
	return i > 0 && i+1 < len(text) && text[i-1] == ' ' && text[i+1] == ' '
}

func wordRune(r rune, size int) bool {
	if r == utf8.RuneError && size <= 1 {
		return false
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == '_'
}

// wordEnd returns where the word at i ends. Apostrophes, dots, slashes and the like belong to a word between two of its
// letters: o'clock, bob@example.com, 1/22, follow-up.
func wordEnd(text string, i int) int {
	for i < len(text) {
		r, size := utf8.DecodeRuneInString(text[i:])
		if wordRune(r, size) {
			i += size
			continue
		}
		if !strings.ContainsRune("'’.:/@-+&", r) {
			return i
		}
		if next, n := utf8.DecodeRuneInString(text[i+size:]); !wordRune(next, n) {
			return i
		}
		i += size
	}
	return i
}

// appendWord adds the word text[start:end]; a hyphen between two words of time ("mon-wed", "2-4pm") separates them.
func appendWord(out []token, text string, start, end int) []token {
	raw := text[start:end]
	if a, b, ok := strings.Cut(raw, "-"); ok && timeWord(a) && timeWord(b) {
		mid := start + len(a)
		out = append(out, newToken(a, start), token{start: mid, end: mid + 1, raw: "-", low: "-", word: "-"})
		return append(out, newToken(b, mid+1))
	}
	return append(out, newToken(raw, start))
}

func newToken(raw string, start int) token {
	low := strings.ToLower(strings.ReplaceAll(raw, "’", "'"))
	word := strings.TrimSuffix(low, "'s")
	if w, ok := spellings[word]; ok {
		word = w
	} else if w, ok := respell(word); ok {
		word = w
	}
	return token{start: start, end: start + len(raw), raw: raw, low: low, word: word}
}

func timeWord(s string) bool {
	t := newToken(s, 0)
	_, weekday := weekdays[t.word]
	_, month := months[t.word]
	_, number := dayNumber(t.word)
	_, clock := clockWord(t.word)
	return weekday || month || number || clock
}

// respell returns the word of the grammar that a word of at least six letters misses by one edit.
func respell(word string) (string, bool) {
	if len(word) < 5 || len(word) > 12 || spelledWell[word] {
		return "", false
	}
	for _, w := range respelled {
		if w == word {
			return "", false
		}
	}
	for _, w := range respelled {
		if near(word, w) {
			return w, true
		}
	}
	return "", false
}

// near reports whether two words of the same first letter, the second of six letters or more, are one edit apart: a
// letter added, left out, replaced, or two neighbours swapped.
func near(a, b string) bool {
	if len(b) < 6 || a == "" || a[0] != b[0] || len(a)-len(b) > 1 || len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	ra, rb := a[i:], b[i:]
	switch {
	case len(ra) > len(rb):
		return ra[1:] == rb
	case len(ra) < len(rb):
		return ra == rb[1:]
	case ra == "":
		return true
	case ra[1:] == rb[1:]:
		return true
	}
	return len(ra) > 1 && ra[0] == rb[1] && ra[1] == rb[0] && ra[2:] == rb[2:]
}
