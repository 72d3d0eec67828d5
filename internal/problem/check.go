package problem

import (
	"strings"
	"unicode/utf8"
)

// CheckLength returns nil when text, without the blanks around it, has from least to most characters, and otherwise an
// INVALID problem at the given field. What names the text for people, as in "The name".
func CheckLength(what, text string, least, most int, field ...string) error {
	switch n := utf8.RuneCountInString(strings.TrimSpace(text)); {
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return New(Invalid, "%s holds bytes that are not text.", what).At(field...)
	case n == 0 && least > 0:
		return New(Invalid, "%s is empty.", what).At(field...)
	case n < least:
		return New(Invalid, "%s has %d characters; at least %d are needed.", what, n, least).At(field...)
	case n > most:
		return New(Invalid, "%s has %d characters; at most %d are allowed.", what, n, most).At(field...)
	}
	return nil
}
