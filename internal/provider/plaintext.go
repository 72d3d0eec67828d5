package provider

import (
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// maxHTML is how much of a page is read, in bytes: more than its text, since pictures may be written into it.
const maxHTML = 1 << 20

// What tags mean to a reader.
var (
	// unread holds elements whose content nobody sees.
	unread = atoms(atom.Script, atom.Style, atom.Title, atom.Template, atom.Noscript, atom.Svg, atom.Math, atom.Object,
		atom.Iframe, atom.Select, atom.Textarea)
	// closable are those of them that <name/> both begins and ends.
	closable = atoms(atom.Svg, atom.Math)
	// blocks begin and end on a line of their own.
	blocks = atoms(atom.P, atom.Div, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Ul, atom.Ol, atom.Li,
		atom.Dl, atom.Dt, atom.Dd, atom.Table, atom.Tr, atom.Thead, atom.Tbody, atom.Tfoot, atom.Caption, atom.Blockquote,
		atom.Pre, atom.Hr, atom.Section, atom.Article, atom.Header, atom.Footer, atom.Main, atom.Nav, atom.Aside,
		atom.Address, atom.Figure, atom.Figcaption, atom.Form, atom.Fieldset, atom.Center, atom.Body, atom.Details,
		atom.Summary)
)

// plainText returns what a person reads of HTML: blocks and <br> become line breaks, list items begin with a dash, cells
// of a row are parted by a blank; scripts, styles and comments are left out. White space is collapsed, with at most one
// empty line in a row, except inside <pre>. It is as long as maxText at most, and takes time in proportion to the input,
// of which it reads maxHTML, however broken or deep that is: the tags are read one after the other and no tree is built.
func plainText(source string) string {
	source = source[:min(len(source), maxHTML)]
	p := &page{}
	z := html.NewTokenizer(strings.NewReader(source))
	for p.out.Len() < maxText {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			return p.text()
		case html.TextToken:
			if p.hidden == 0 {
				p.write(string(z.Text()))
			}
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			p.tag(atom.Lookup(name), kind)
		}
	}
	return p.text()
}

// page is the text read so far.
type page struct {
	out     strings.Builder
	newline int  // line breaks that are due before the next word
	blank   bool // a blank is due before the next word
	hidden  atom.Atom
	depth   int // of the hidden element in others of its name
	pre     int
}

func (p *page) tag(name atom.Atom, kind html.TokenType) {
	switch {
	case p.hidden != 0:
		if name != p.hidden {
			return
		}
		switch kind {
		case html.StartTagToken:
			p.depth++
		case html.EndTagToken:
			if p.depth--; p.depth == 0 {
				p.hidden = 0
			}
		}
	case unread[name]:
		if kind == html.StartTagToken || kind == html.SelfClosingTagToken && !closable[name] {
			p.hidden, p.depth = name, 1
		}
	case name == atom.Br:
		p.newline++
	case name == atom.Td || name == atom.Th:
		p.blank = true
	case blocks[name]:
		p.newline = max(p.newline, 1)
		switch {
		case name == atom.Pre && kind == html.StartTagToken:
			p.pre++
		case name == atom.Pre && kind == html.EndTagToken:
			p.pre = max(0, p.pre-1)
		case name == atom.Li && kind == html.StartTagToken:
			p.word("-")
			p.blank = true
		}
	}
}

// write appends the text between two tags.
func (p *page) write(s string) {
	if p.pre > 0 {
		for i, line := range strings.Split(strings.ReplaceAll(s, "\r", ""), "\n") {
			if i > 0 {
				p.newline++
			}
			if line != "" {
				p.word(line)
			}
		}
		return
	}
	for s != "" {
		end := strings.IndexFunc(s, unicode.IsSpace)
		switch {
		case end < 0:
			p.word(s)
			return
		case end > 0:
			p.word(s[:end])
		}
		p.blank = true
		s = strings.TrimLeftFunc(s[end:], unicode.IsSpace)
	}
}

func (p *page) word(s string) {
	switch {
	case p.out.Len() == 0:
	case p.newline > 0:
		p.out.WriteString("\n\n"[:min(p.newline, 2)])
	case p.blank:
		p.out.WriteByte(' ')
	}
	p.newline, p.blank = 0, false
	p.out.WriteString(s)
}

func (p *page) text() string {
	s := p.out.String()
	if len(s) > maxText {
		s = s[:maxText]
	}
	return strings.ToValidUTF8(s, "")
}

func atoms(all ...atom.Atom) map[atom.Atom]bool {
	set := make(map[atom.Atom]bool, len(all))
	for _, a := range all {
		set[a] = true
	}
	return set
}
