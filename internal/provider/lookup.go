package provider

import (
	"context"
	"errors"

	"github.com/patchbay/patchbay/internal/problem"
)

// maxLookupPages bounds how many pages are read in search of one thing.
const maxLookupPages = 5

// Lookup is a request before the request. It finds what the request needs and the question does not say, for example
// the id behind a name.
type Lookup struct {
	// Asks yields the request, or null when nothing has to be looked up.
	Asks *Expression `yaml:"request"`
	// Found works on an answer. The first value that is not null is what was looked for; it becomes .lookup.
	Found *Expression `yaml:"found"`
	// Next makes the token of the next page, which is read while nothing was found, five pages at most.
	Next *Expression `yaml:"next"`
	// Missing is told to the person when nothing was found. Without it the request is made all the same, with a .lookup
	// of null.
	Missing string `yaml:"missing"`

	provider *Provider
	name     string // of the capability
}

// ErrNotThere is what a send function given to LookUp fails with, somewhere in its chain, when the provider does not
// have what it was asked for.
var ErrNotThere = errors.New("the provider does not have it")

// First returns the first request that the capability sends: that of the lookup if there is anything to look up, else
// its own. Nothing is sent.
func (c *Capability) First(ctx context.Context, in Input) (*Request, error) {
	if c.Lookup != nil {
		if r, needed, err := c.Lookup.request(ctx, in); err != nil || needed {
			return r, err
		}
	}
	return c.Request(ctx, in)
}

// LookUp returns what goes into Input.Lookup: nil where the capability looks nothing up, or where nothing was found and
// that is no obstacle. Otherwise nothing found is a problem of code NotFound in the manifest's words. It calls send for
// every page, one after the other, and returns its errors as they are, save ErrNotThere, which means nothing found.
func (c *Capability) LookUp(
	ctx context.Context, in Input, send func(context.Context, *Request) (Response, error),
) (any, error) {
	l := c.Lookup
	if l == nil {
		return nil, nil
	}
	in.Page = ""
	for range maxLookupPages {
		r, needed, err := l.request(ctx, in)
		if err != nil || !needed {
			return nil, err
		}
		answer, err := send(ctx, r)
		if errors.Is(err, ErrNotThere) {
			break
		}
		if err != nil {
			return nil, err
		}
		found, next, err := l.read(ctx, in, answer)
		if err != nil || found != nil {
			return found, err
		}
		if in.Page = next; next == "" {
			break
		}
	}
	if l.Missing != "" {
		return nil, problem.New(problem.NotFound, "%s", l.Missing)
	}
	return nil, nil
}

// request renders the lookup's request, and returns false when nothing has to be looked up.
func (l *Lookup) request(ctx context.Context, in Input) (r *Request, needed bool, err error) {
	in.Capability, in.Lookup = l.name, nil
	document := l.provider.document(in)
	v, err := l.Asks.first(ctx, document, document, nil)
	if err != nil {
		return nil, false, l.provider.cannotAsk(err)
	}
	if v == nil {
		return nil, false, nil
	}
	r, err = l.provider.rendered(v, document)
	return r, true, err
}

// read returns what an answer holds of what is looked for, and the token of the next page.
func (l *Lookup) read(ctx context.Context, in Input, r Response) (found any, next string, err error) {
	body, err := decodeJSON(r.Body)
	if err != nil {
		return nil, "", l.provider.unreadable(r, err)
	}
	in.Capability = l.name
	document, headers := l.provider.document(in), headersOf(r.Header)
	if found, err = l.Found.firstFound(ctx, body, document, headers); err != nil {
		return nil, "", l.provider.unreadable(r, err)
	}
	if found == nil && l.Next != nil {
		v, err := l.Next.first(ctx, body, document, headers)
		if err != nil {
			return nil, "", l.provider.unreadable(r, err)
		}
		next, _ = scalar(v)
	}
	return found, next, nil
}
