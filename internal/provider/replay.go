package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"time"

	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/seal"
)

// Replay runs a fixture through the engine, and through the OAuth wire for the exchanges that are the wire's, without a
// network. It returns every difference between what must come out and what did.
func (p *Provider) Replay(ctx context.Context, f Fixture) error {
	switch f.Shows {
	case ShowsAuthorize, ShowsToken, ShowsRefresh, ShowsRefreshRejected, ShowsRevoke:
		if p.Auth.OAuth2 == nil {
			return errors.New("the provider has no auth.oauth2")
		}
		if f.Shows == ShowsRevoke && p.Auth.Revoke != nil {
			return p.replayRevocation(ctx, f)
		}
		return p.replayOAuth(ctx, f)
	case ShowsRevokedToken, ShowsRateLimit, ShowsError:
		return f.judge(p.Classify(f.Answer.response()))
	case ShowsCredential:
		return p.replayCredential(ctx, f)
	case ShowsAccount:
		return p.replayAccount(ctx, f)
	case ShowsProbeGood, ShowsProbeBad:
		return p.replayProbe(ctx, f)
	}
	for _, c := range p.CapabilitiesFor(f.Input.Config, nil) {
		if c.Name == f.Shows {
			return c.replay(ctx, f)
		}
	}
	return fmt.Errorf("there is no capability named %q", f.Shows)
}

func (p *Provider) replayAccount(ctx context.Context, f Fixture) error {
	r, err := p.Account.NewRequest(ctx, f.Input.Build())
	if err != nil {
		return err
	}
	who, err := p.Account.Read(ctx, f.Input.Build(), f.Answer.response())
	if err != nil {
		return err
	}
	if f.Identity == nil {
		return errors.New("identity is missing")
	}
	return errors.Join(f.compareRequest(r), differs("identity", *f.Identity, who))
}

func (p *Provider) replayProbe(ctx context.Context, f Fixture) error {
	r, err := p.Probe.NewRequest(ctx, f.Input.Build())
	if err != nil {
		return err
	}
	v := p.Probe.Read(f.Answer.response())
	if f.Shows == ShowsProbeBad && v.Kind == OK {
		return errors.New("the probe takes this for a good credential")
	}
	return errors.Join(f.compareRequest(r), f.judge(v))
}

// replayOAuth answers the wire from the fixture.
func (p *Provider) replayOAuth(ctx context.Context, f Fixture) error {
	client := oauth.Client{ID: "client-id", Secret: seal.NewSecret("client-secret")}
	verifier := seal.NewSecret(f.Input.Verifier)
	server, err := p.OAuthFor(f.Input.Config)
	if err != nil {
		return err
	}
	if f.Shows == ShowsAuthorize {
		got, err := server.AuthorizeURL(client, oauth.AuthorizeRequest{
			State: f.Input.State, Verifier: verifier, RedirectURL: f.Input.RedirectURL, Scopes: f.Input.Scopes,
		})
		if err != nil {
			return err
		}
		return differs("request", f.Request, got)
	}
	seen := &recorder{answer: f.Answer}
	wire := oauth.Wire{
		Server: server, Client: client, HTTP: &http.Client{Transport: seen},
		Now: func() time.Time { return time.Unix(0, 0) },
	}
	var token *oauth.Token
	switch f.Shows {
	case ShowsToken:
		token, err = wire.Exchange(ctx, "code", verifier, f.Input.RedirectURL)
	case ShowsRevoke:
		err = wire.Revoke(ctx, seal.NewSecret("token"))
	default:
		if f.mints() {
			token, err = wire.Mint(ctx, f.Input.Scopes)
		} else {
			token, err = wire.Refresh(ctx, seal.NewSecret("refresh-token"))
		}
	}
	faults := []error{differs("request", f.Request, seen.request), seen.compareSent(f)}
	if failed, ok := errors.AsType[*oauth.Error](err); ok {
		return errors.Join(append(faults, differs("verdict", f.Verdict, VerdictKind(failed.Kind)))...)
	} else if err != nil {
		return err
	}
	if f.Verdict != "" && f.Verdict != OK {
		faults = append(faults, fmt.Errorf("verdict: want %s, got ok", f.Verdict))
	}
	if token != nil && f.Token != nil {
		faults = append(faults, differs("grant.expires_in", f.Token.ExpiresIn, token.ExpiresIn),
			differs("grant.refresh", f.Token.Refresh, !token.Refresh.IsZero()),
			differs("grant.scopes", slices.Sorted(slices.Values(f.Token.Scopes)),
				slices.Sorted(slices.Values(token.Scopes))))
	}
	return errors.Join(faults...)
}

// mints reports whether the exchange asks for another token with the client's own proof.
func (f Fixture) mints() bool {
	body, _ := f.Body.(map[string]any)
	return f.Form["grant_type"] == string(oauth.MintClientCredentials) ||
		body["grant_type"] == string(oauth.MintClientCredentials)
}

// recorder is a transport that keeps what was sent and answers from a fixture.
type recorder struct {
	answer  Answer
	request string
	body    []byte
}

// RoundTrip keeps the request and returns the answer.
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.request = req.Method + " " + req.URL.String()
	if req.Body != nil {
		r.body, _ = io.ReadAll(req.Body)
		_ = req.Body.Close()
	}
	a := r.answer.response()
	return &http.Response{
		StatusCode: a.Status, Header: a.Header, Body: io.NopCloser(bytes.NewReader(a.Body)), Request: req,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(a.Body)),
	}, nil
}

// compareSent compares what was sent with the fixture's form, or with its body where it is JSON: all of it, so that a
// client which proves itself elsewhere, or another encoding, is a difference too.
func (r *recorder) compareSent(f Fixture) error {
	if f.Body != nil {
		got, err := decodeJSON(r.body)
		if err != nil {
			return fmt.Errorf("body: %w", err)
		}
		return differs("body", jsonValue(f.Body), got)
	}
	if f.Form == nil {
		return nil
	}
	values, err := url.ParseQuery(string(r.body))
	if err != nil || len(r.body) > 0 && r.body[0] == '{' {
		return errors.New("form: what is sent is JSON, for which a fixture has body")
	}
	got := make(map[string]string, len(values))
	for name := range values {
		got[name] = values.Get(name)
	}
	return differs("form", f.Form, got)
}

func (a Answer) response() Response {
	r := Response{Status: a.Status, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(a.Text)}
	if r.Status == 0 {
		r.Status = http.StatusOK
	}
	for name, value := range a.Headers {
		r.Header.Set(name, value)
	}
	if a.Body != nil {
		r.Body, _ = json.Marshal(jsonValue(a.Body))
	}
	return r
}

func (f Fixture) judge(v Verdict) error {
	want := f.Verdict
	if want == "" {
		want = OK
	}
	return errors.Join(differs("verdict", want, v.Kind), differs("retry_after", f.RetryAfter, v.RetryAfter))
}

func (f Fixture) compareRequest(r *Request) error {
	if f.Request == "" {
		return errors.New("request is missing: write the method and the address that must come out")
	}
	faults := []error{differs("request", f.Request, r.Summary())}
	if f.Body != nil {
		got, err := decodeJSON(r.Body)
		if err != nil {
			return fmt.Errorf("body: %w", err)
		}
		faults = append(faults, differs("body", jsonValue(f.Body), got))
	}
	return errors.Join(faults...)
}

func (f Fixture) compareResults(got []Result) error {
	if len(got) != len(f.Results) {
		return fmt.Errorf("results: want %d, got %d", len(f.Results), len(got))
	}
	var faults []error
	for i, want := range f.Results {
		at := fmt.Sprintf("results[%d].", i)
		for _, one := range []struct {
			name string
			want *string
			got  string
		}{
			{"title", want.Title, got[i].Title}, {"content", want.Content, got[i].Content}, {"url", want.URL, got[i].URL},
		} {
			if one.want != nil {
				faults = append(faults, differs(at+one.name, *one.want, one.got))
			}
		}
		faults = append(faults, compareSome(at+"fields.", want.Fields, got[i].Fields),
			compareSome(at+"data.", want.Data, got[i].Data))
	}
	return errors.Join(faults...)
}

func compareSome(at string, want, got map[string]any) error {
	var faults []error
	for name, value := range want {
		faults = append(faults, differs(at+name, jsonValue(value), jsonValue(got[name])))
	}
	return errors.Join(faults...)
}

func differs(what string, want, got any) error {
	if reflect.DeepEqual(want, got) {
		return nil
	}
	return fmt.Errorf("%s: want %v, got %v", what, want, got)
}
