package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// MaxNameRequests is how many requests one question may cost for names alone.
const MaxNameRequests = 10

// Naming comes after the request. It finds the names behind the ids in an answer; where it fails, the ids stay.
type Naming struct {
	// Scopes are needed as a capability's are; without them nothing is asked.
	Scopes []string `yaml:"scopes"`
	// Asks works on an answer and yields the requests: one for each id, or one for all, or none where none is needed.
	Asks *Expression `yaml:"request"`
	// Found works on the answer to such a request and yields objects from ids to names, which become .names.
	Found *Expression `yaml:"found"`

	provider *Provider
	name     string // of the capability
}

// Inquiry is what one Naming asks about the answers to a question. When the first of its requests is refused, the others
// would be too.
type Inquiry struct {
	Requests []*Request

	naming *Naming
}

// Inquiries returns the requests that tell the names behind the ids in the answers to a question: each but once, and
// MaxNameRequests in all. A Naming whose scopes are not granted has none; a granted of nil grants everything. Errors, of
// answers that cannot be asked about, are joined, and there are inquiries about the others all the same.
func (c *Capability) Inquiries(
	ctx context.Context, in Input, answers []Response, granted func(scopes []string) bool,
) ([]Inquiry, error) {
	var out []Inquiry
	var faults []error
	seen := map[string]bool{}
	for _, n := range c.Names {
		if granted != nil && !granted(n.Scopes) {
			continue
		}
		q := Inquiry{naming: n}
		for _, answer := range answers {
			requests, err := n.requests(ctx, in, answer)
			faults = append(faults, err)
			for _, r := range requests {
				if key := r.Summary() + "\n" + string(r.Body); !seen[key] && len(seen) < MaxNameRequests {
					seen[key] = true
					q.Requests = append(q.Requests, r)
				}
			}
		}
		if len(q.Requests) > 0 {
			out = append(out, q)
		}
	}
	return out, errors.Join(faults...)
}

func (n *Naming) requests(ctx context.Context, in Input, r Response) ([]*Request, error) {
	in.Capability = n.name
	document := n.provider.document(in)
	values, err := n.values(ctx, n.Asks, document, r)
	if err != nil {
		return nil, err
	}
	var out []*Request
	for _, v := range values {
		if v == nil {
			continue
		}
		one, err := n.provider.rendered(v, document)
		if err != nil {
			return out, err
		}
		out = append(out, one)
	}
	return out, nil
}

// Read returns the names, by their ids, that the answer to one of the requests holds. The answer must have been
// classified as OK.
func (q Inquiry) Read(ctx context.Context, in Input, r Response) (map[string]string, error) {
	in.Capability = q.naming.name
	values, err := q.naming.values(ctx, q.naming.Found, q.naming.provider.document(in), r)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, v := range values {
		some, _ := v.(map[string]any)
		for id, name := range some {
			if s, ok := name.(string); ok && strings.TrimSpace(s) != "" {
				out[id] = s
			}
		}
	}
	return out, nil
}

func (n *Naming) values(ctx context.Context, e *Expression, document map[string]any, r Response) ([]any, error) {
	body, err := decodeJSON(r.Body)
	if err != nil {
		return nil, n.provider.unreadable(r, err)
	}
	values, err := e.all(ctx, body, document, headersOf(r.Header))
	if err != nil {
		return nil, n.provider.unreadable(r, err)
	}
	return values, nil
}

// naming checks what a capability says of names.
func (c *compiler) naming(one *Capability, where string) {
	if len(one.Names) > 0 && (one.Effect != Read || one.Each != nil) {
		c.fault(where+".names", "names are for reads without each")
	}
	for i, n := range one.Names {
		at := fmt.Sprintf("%s.names[%d]", where, i)
		if n == nil || n.Asks == nil || n.Found == nil {
			c.fault(at, "each of the names has a request and found")
			continue
		}
		n.provider, n.name = c.Provider, one.Name
		c.scopesOf(n.Scopes, at)
	}
}
