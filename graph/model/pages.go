package model

import "github.com/patchbay/patchbay/graph/page"

// Ask is what a nested connection asks of its parent. It is comparable.
type Ask struct {
	page.Request
	// Filter is the filter as JSON with sorted keys; empty without one.
	Filter string
}

// Pages holds the pages of one parent that were read together with those of its siblings: a document may ask for
// several, under other names and with other arguments.
type Pages[C any] struct {
	asks  []Ask
	pages []C
}

// Put keeps a page.
func (p *Pages[C]) Put(a Ask, c C) {
	p.asks = append(p.asks, a)
	p.pages = append(p.pages, c)
}

// Get returns the page that was read for a, and false when none was.
func (p *Pages[C]) Get(a Ask) (c C, ok bool) {
	for i := range p.asks {
		if p.asks[i] == a {
			return p.pages[i], true
		}
	}
	return c, false
}
