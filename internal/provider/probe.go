package provider

import (
	"context"
	"strings"

	"github.com/patchbay/patchbay/internal/problem"
)

// Possible reports whether there is a request that proves a credential; if not, None says why.
func (p *Probe) Possible() bool { return !p.isZero() }

// Possible reports whether there is a request that tells the account; if not, None says why.
func (a *Account) Possible() bool { return !a.isZero() }

// NewRequest renders the call. It must be Possible.
func (c *Call) NewRequest(ctx context.Context, in Input) (*Request, error) {
	return c.provider.render(ctx, *c, in)
}

// Read judges the answer to a probe: OK proves the credential. So does a refusal for want of a scope that the manifest's
// ok takes for a proof: a connection that was only allowed to send is no illness.
func (p *Probe) Read(r Response) Verdict {
	v := p.provider.Classify(r)
	if v.Kind != OK && v.Kind != MissingScope || p.OK == nil {
		return v
	}
	body, err := decodeJSON(r.Body)
	if err != nil || !p.OK.holds(map[string]any{"status": r.Status, "headers": headersOf(r.Header), "body": body}) {
		if v.Kind == MissingScope {
			return v
		}
		return p.provider.verdict(Failed, r, r.receivedAt())
	}
	return Verdict{Kind: OK}
}

// Read returns whose account answered. The answer must have been classified as OK. One without an id is a problem of
// code ProviderFailed; a name may be absent, and then the id stands in for it.
func (a *Account) Read(ctx context.Context, in Input, r Response) (Identity, error) {
	body, err := decodeJSON(r.Body)
	if err != nil {
		return Identity{}, a.provider.unreadable(r, err)
	}
	document, headers := a.provider.document(in), headersOf(r.Header)
	text := func(e *Expression) string {
		if e == nil {
			return ""
		}
		v, err := e.first(ctx, body, document, headers)
		if err != nil {
			return ""
		}
		s, _ := scalar(v)
		if strings.ContainsRune(s, 0) { // no database keeps it
			return ""
		}
		return s
	}
	who := Identity{ID: text(a.ID), Name: text(a.Name)}
	if who.ID == "" {
		e := problem.New(problem.ProviderFailed, "%s did not say whose account this is.", a.provider.Title)
		e.Provider, e.HTTPStatus = a.provider.Name, r.Status
		return Identity{}, e
	}
	if who.Name == "" {
		who.Name = who.ID
	}
	return who, nil
}
