package question

import (
	"strings"
	"unicode"
)

// beforeNumber are words between a noun and the number that names one of its kind: "order no. 1001".
var beforeNumber = set("no nr num number id")

// numbered reports whether a question names one thing by its number: with a hash ("#1001"), behind a trigger phrase ("order
// 1001", "ticket number 7") or the service's name, or in a form that only such numbers have ("S00042", "INV/2026/7"). Amounts ("orders over 500"),
// times and limits are no such numbers.
func numbered(tokens []token, named []bool, rivals []rival, r Reading) bool {
	if len(rivals) == 0 && standsAlone(r.Text) {
		return true
	}
	remains := set(r.Text)
	for _, p := range r.People { // "what is wrong with S00042"
		remains[p.Name] = true
	}
	behind := map[int]bool{}
	for _, one := range rivals {
		if len(one.Takes) > 0 && !one.findsByNumber() {
			continue
		}
		for _, m := range one.matches {
			behind[m.j] = true
			if m.j < len(tokens) && beforeNumber[tokens[m.j].low] {
				behind[m.j+1] = true
			}
		}
	}
	for i, t := range tokens {
		if t.kind == "quoted" || !remains[t.raw] || !strings.ContainsAny(t.raw, "0123456789") || strings.Contains(t.raw, "@") {
			continue
		}
		if behind[i] || i > 0 && named[i-1] || t.hash || isReference(t.low) {
			return true
		}
	}
	return false
}

// standsAlone reports whether a text is a number of four digits or more, with one word more at most: "is 3391 closed yet".
func standsAlone(text string) bool {
	words := strings.Fields(text)
	if len(words) == 0 || len(words) > 2 || len(words[0]) < 4 {
		return false
	}
	_, year := yearNumber(words[0])
	return !year && strings.Trim(words[0], "0123456789") == ""
}

// isReference reports whether a word begins with a letter and holds three digits or more, or some behind a dash or slash.
func isReference(low string) bool {
	digits := 0
	for _, r := range low {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	joined := strings.ContainsAny(low, "-/") && digits > 0 && unicode.IsDigit(rune(low[len(low)-1]))
	return unicode.IsLetter([]rune(low)[0]) && (digits >= 3 || joined)
}
