package provider

import (
	"context"
	"errors"

	"github.com/patchbay/patchbay/internal/problem"
)

// Revocation gives an access token back by requests of the provider's own, where its authorization server has no
// endpoint for that (RFC 7009).
type Revocation struct {
	// Requests are sent in turn with the access token. Each works on {config, answer}, where answer is the body of the one
	// before, and yields null where nothing has to be sent.
	Requests []*Expression `yaml:"requests"`
	// OK must be true of the last answer's {status, headers, body}; nil means that the status decides.
	OK *Expression `yaml:"ok"`
}

// Revocable reports whether what was granted by authorization can be given back by a call; if not, RevokeReason says
// what a person must do.
func (p *Provider) Revocable() bool {
	return p.Auth.OAuth2 != nil && (p.Auth.Revoke != nil || p.Auth.OAuth2.Revoke.URL != "")
}

// Revoke gives an access token back by the manifest's own requests, which send sends with that token. The verdict is OK
// when it has been given back; Rejected and Revoked mean that the provider does not know the token any more. The provider
// must have auth.revoke. An error is send's, or says that the config makes no request.
func (p *Provider) Revoke(
	ctx context.Context, config map[string]any, send func(*Request) (Response, error),
) (Verdict, error) {
	document := map[string]any{"config": p.effective(config), "answer": nil}
	var last *Response
	for _, e := range p.Auth.Revoke.Requests {
		v, err := e.first(ctx, document, document, nil)
		if err != nil {
			return Verdict{}, problem.New(problem.Internal, "%s cannot be asked to take access back.", p.Title).Because(err)
		}
		if v == nil {
			continue
		}
		if last != nil {
			if verdict := p.Classify(*last); verdict.Kind != OK {
				return verdict, nil
			}
		}
		r, err := p.rendered(v, document)
		if err != nil {
			return Verdict{}, err
		}
		answer, err := send(r)
		if err != nil {
			return Verdict{}, err
		}
		last = &answer
		document["answer"], _ = decodeJSON(answer.Body)
	}
	if last == nil { // there was nothing to give back
		return Verdict{Kind: OK}, nil
	}
	return p.revoked(*last, document["answer"]), nil
}

func (p *Provider) revoked(r Response, body any) Verdict {
	v := p.Classify(r)
	ok := p.Auth.Revoke.OK
	switch {
	case ok == nil:
	case ok.holds(map[string]any{"status": r.Status, "headers": headersOf(r.Header), "body": body}):
		v = Verdict{Kind: OK}
	case v.Kind == OK:
		v = p.verdict(Failed, r, r.receivedAt())
	}
	return v
}

// revocation finds what is granted and cannot be given back, nor tells a person how to.
func (c *compiler) revocation() {
	server, own := c.Auth.OAuth2, c.Auth.Revoke
	switch {
	case server == nil && own != nil:
		c.fault("$.auth.revoke", "auth.revoke is for what auth.oauth2 grants, which is missing")
	case server == nil:
	case own != nil && len(own.Requests) == 0:
		c.fault("$.auth.revoke", "auth.revoke needs requests")
	case own != nil && (server.Revoke.URL != "" || server.Revoke.Reason != ""):
		c.fault("$.auth.revoke", "auth.revoke stands in place of the url and the reason of auth.oauth2.revoke")
	case own == nil && server.Revoke.URL == "" && server.Revoke.Reason == "":
		c.fault("$.auth.oauth2.revoke", "auth.oauth2: revoke: needs a url, or a reason why there is none; or auth.revoke "+
			"has requests of the provider's own")
	}
}

// replayRevocation answers the manifest's requests from the fixture: each from its own exchange, or the only one from the
// fixture itself.
func (p *Provider) replayRevocation(ctx context.Context, f Fixture) error {
	exchanges := f.Each
	if len(exchanges) == 0 {
		exchanges = []Fixture{f}
	}
	sent := 0
	var faults []error
	v, err := p.Revoke(ctx, f.Input.Config, func(r *Request) (Response, error) {
		if sent == len(exchanges) {
			return Response{}, errors.New("each: the revocation sends more requests than are described")
		}
		one := exchanges[sent]
		sent++
		faults = append(faults, one.compareRequest(r))
		return one.Answer.response(), nil
	})
	if err != nil {
		return err
	}
	if sent < len(exchanges) {
		faults = append(faults, errors.New("each: the revocation sends fewer requests than are described"))
	}
	return errors.Join(append(faults, f.judge(v))...)
}
