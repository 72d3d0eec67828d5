package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/patchbay/patchbay/internal/problem"
)

// Request is a call to a provider, without its credential.
type Request struct {
	Method string
	URL    string
	Header http.Header
	Body   []byte
}

// HTTP returns the request for an HTTP client. Its body can be read again, for a redirect or a signature.
func (r *Request) HTTP(ctx context.Context) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	req.Header = r.Header.Clone()
	return req, nil
}

// Summary returns the method and the address, for the plan that a caller sees. There is no credential in it.
func (r *Request) Summary() string { return r.Method + " " + r.URL }

// asked is what a request expression yields.
type asked struct {
	method, path, url string
	query, form       map[string]any
	headers           map[string]any
	body              any
}

var methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE"}

// Request renders the request. The error is a problem.Error when the input cannot be turned into one, for example when
// the config lacks a part of the address.
func (o *Operation) Request(ctx context.Context, in Input) (*Request, error) {
	in.Capability = o.name
	return o.provider.render(ctx, Call{Asks: o.Asks}, in)
}

func (p *Provider) render(ctx context.Context, c Call, in Input) (*Request, error) {
	document := p.document(in)
	if c.Asks == nil {
		return p.put(asked{method: http.MethodGet, path: c.Get}, document)
	}
	v, err := c.Asks.first(ctx, document, document, nil)
	if err != nil {
		return nil, p.cannotAsk(err)
	}
	return p.rendered(v, document)
}

// rendered turns what a request expression yielded into a request.
func (p *Provider) rendered(v any, document map[string]any) (*Request, error) {
	a := asked{method: http.MethodGet}
	if err := a.read(v); err != nil {
		return nil, p.cannotAsk(err)
	}
	return p.put(a, document)
}

// put makes the request.
func (p *Provider) put(a asked, document map[string]any) (*Request, error) {
	config, _ := document["config"].(map[string]any)
	target, err := p.target(a, config)
	if err != nil {
		return nil, err
	}
	r := &Request{Method: a.method, URL: target, Header: http.Header{"Accept": {"application/json"}}}
	if err := a.content(r); err != nil {
		return nil, p.cannotAsk(err)
	}
	for name, value := range a.headers {
		s, ok := scalar(value)
		if !ok || !isHeader(name, s) {
			return nil, p.cannotAsk(errors.New("a header is not text"))
		}
		r.Header.Set(name, s)
	}
	return r, nil
}

// maxWords bounds what error("words") tells the person who asks, in characters.
const maxWords = 300

// cannotAsk says that an input makes no request: in the words of the expression where it has some.
func (p *Provider) cannotAsk(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if said, ok := errors.AsType[*saidError](err); ok {
		words := []rune(strings.ToValidUTF8(said.words, "\uFFFD"))
		return problem.New(problem.Invalid, "%s", string(words[:min(len(words), maxWords)]))
	}
	return problem.New(problem.Invalid, "This cannot be turned into a request to %s.", p.Title).Because(err)
}

func (a *asked) read(v any) error {
	fields, ok := v.(map[string]any)
	if !ok {
		return errors.New("the request expression did not yield an object")
	}
	var bad string
	for name, value := range fields {
		ok := true
		switch name {
		case "method":
			a.method, ok = value.(string)
			ok = ok && slices.Contains(methods, a.method)
		case "path":
			a.path, ok = value.(string)
		case "url":
			a.url, ok = value.(string)
		case "query":
			a.query, ok = object(value)
		case "form":
			a.form, ok = object(value)
		case "headers":
			a.headers, ok = object(value)
		case "body":
			a.body = value
		default:
			ok = false
		}
		if !ok {
			bad = name
		}
	}
	if bad != "" {
		return fmt.Errorf("the request expression yielded a %q that is not understood", bad)
	}
	return nil
}

// target puts the address together and refuses one outside the provider's hosts.
func (p *Provider) target(a asked, config map[string]any) (string, error) {
	raw := a.url
	if raw == "" {
		base, err := fill(p.BaseURL, config)
		if err != nil {
			return "", problem.New(problem.Invalid, "The config lacks what the address of %s is made from.",
				p.Title).Because(err).At("config")
		}
		if strings.Contains(p.BaseURL, "{") && a.path == "" {
			raw = base
		} else {
			raw = strings.TrimSuffix(base, "/") + a.path
		}
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return "", problem.New(problem.TargetRefused, "The address of %s is not a web address.", p.Title)
	}
	if u.Scheme == "http" && !p.unprotected(config) {
		return "", problem.New(problem.TargetRefused, "The request would go to %s without encryption.", p.Title)
	}
	if u.User != nil {
		return "", problem.New(problem.TargetRefused, "The address of %s must not carry a name or password.", p.Title)
	}
	if !slices.Contains(p.HostsFor(config), strings.ToLower(u.Hostname())) {
		return "", problem.New(problem.TargetRefused, "The request would leave the hosts of %s.", p.Title)
	}
	if values := encode(a.query); values != "" {
		if u.RawQuery != "" {
			values = u.RawQuery + "&" + values
		}
		u.RawQuery = values
	}
	u.Fragment = ""
	return u.String(), nil
}

// unprotected reports whether all of the provider is called over plain http, as on an operator's own machine.
func (p *Provider) unprotected(config map[string]any) bool {
	base, err := fill(p.BaseURL, config)
	u, bad := url.Parse(base)
	return err == nil && bad == nil && u.Scheme == "http"
}

// content sets the body and its type: an object or array goes as JSON, form as a web form, text as it is.
func (a *asked) content(r *Request) error {
	switch body := a.body.(type) {
	case nil:
		if a.form != nil {
			r.Body = []byte(encode(a.form))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		return nil
	case string:
		r.Body = []byte(body)
		r.Header.Set("Content-Type", "text/plain; charset=utf-8")
		return nil
	default:
		var buf bytes.Buffer
		e := json.NewEncoder(&buf)
		e.SetEscapeHTML(false)
		if err := e.Encode(body); err != nil {
			return errors.New("the body is not JSON")
		}
		r.Body = bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
		r.Header.Set("Content-Type", "application/json")
		return nil
	}
}

// encode writes parameters by name; a list repeats its parameter and null leaves it out.
func encode(parameters map[string]any) string {
	values := url.Values{}
	for name, value := range parameters {
		many, ok := value.([]any)
		if !ok {
			many = []any{value}
		}
		for _, one := range many {
			if s, ok := scalar(one); ok {
				values.Add(name, s)
			}
		}
	}
	return values.Encode()
}

// scalar writes text, a number or a boolean as a parameter, and returns false for anything else.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case int:
		return strconv.Itoa(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case fmt.Stringer:
		return v.String(), true
	}
	return "", false
}

func object(v any) (map[string]any, bool) {
	if v == nil {
		return nil, true
	}
	m, ok := v.(map[string]any)
	return m, ok
}
