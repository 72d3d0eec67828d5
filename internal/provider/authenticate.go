package provider

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/seal"
)

// Credential is what a request is authenticated with. Its secrets live for the call.
type Credential struct {
	// Kind is the way to authenticate: OAuth2, APIKey, Basic or None.
	Kind string
	// Access is the OAuth access token.
	Access seal.Secret
	// Secrets are those of SplitSecrets and those that fill placeholders, by name.
	Secrets map[string]seal.Secret
	// Config is the integration's, without secrets.
	Config map[string]any
	// SigningKey signs requests where the manifest says so.
	SigningKey seal.Secret
	// Now is when the request is signed.
	Now time.Time
}

// sent is what auth.send yields.
type sent struct{ headers, query, basic map[string]any }

var errSend = errors.New("auth.send yielded something else than headers, query and basic")

// Authenticate puts the credential onto a request, as the manifest says, and signs it. Errors are problem.Errors and
// hold no secret. The request's body is read through GetBody and stays unread.
func (p *Provider) Authenticate(req *http.Request, c Credential) error {
	s, err := p.send(req, c)
	if err != nil {
		return err
	}
	for name, value := range s.headers {
		text, ok := scalar(value)
		if !ok || !isHeader(name, text) {
			return p.unsendable("The credential cannot be sent as a header: it has characters that none may have.")
		}
		req.Header.Set(name, text)
	}
	if s.query != nil {
		values := req.URL.Query()
		for name, value := range s.query {
			text, ok := scalar(value)
			if !ok {
				return p.unsendable("The credential is not complete.")
			}
			values.Set(name, text)
		}
		req.URL.RawQuery = values.Encode()
	}
	if s.basic != nil {
		username, named := scalar(s.basic["username"])
		password, known := scalar(s.basic["password"])
		if !named || !known {
			return p.unsendable("The credential is not complete.")
		}
		if strings.Contains(username, ":") { // RFC 7617 section 2
			return p.unsendable("The user name must not contain a colon.")
		}
		req.SetBasicAuth(username, password)
	}
	if p.Sign != nil {
		return p.Sign.sign(req, c.SigningKey, c.Now)
	}
	return nil
}

func (p *Provider) send(req *http.Request, c Credential) (sent, error) {
	if p.Auth.Send == nil {
		if c.Kind != OAuth2 {
			return sent{}, nil
		}
		if c.Access.IsZero() {
			return sent{}, p.unsendable("The credential is not complete.")
		}
		return sent{headers: map[string]any{"Authorization": "Bearer " + c.Access.Reveal()}}, nil
	}
	plain := make(map[string]string, len(c.Secrets))
	for name, secret := range c.Secrets {
		plain[name] = secret.Reveal()
	}
	config := p.effective(p.JoinSecrets(c.Config, plain))
	secret := func(name string) (string, bool) { v, ok := plain[name]; return v, ok && v != "" }
	if err := fillPlaceholders(config, p.Placeholders, secret); err != nil {
		return sent{}, err
	}
	document := map[string]any{
		"kind": c.Kind, "access": orNull(c.Access.Reveal()), "config": config, "path": req.URL.Path,
	}
	v, err := p.Auth.Send.first(req.Context(), document, nil, nil)
	if err != nil {
		return sent{}, p.unsendable("The credential is not complete.")
	}
	fields, ok := v.(map[string]any)
	if !ok {
		return sent{}, p.unsendable("The credential is not complete.")
	}
	var s sent
	for name, value := range fields {
		m, ok := object(value)
		switch {
		case ok && name == "headers":
			s.headers = m
		case ok && name == "query":
			s.query = m
		case ok && name == "basic":
			s.basic = m
		default:
			return sent{}, problem.New(problem.Internal, "The manifest of %s is faulty.", p.Title).Because(errSend)
		}
	}
	return s, nil
}

func (p *Provider) unsendable(message string) error {
	return problem.New(problem.Invalid, "%s: %s", p.Title, message).At("config")
}

// hopByHop are headers that a manifest or a config must not set: they belong to the connection.
var hopByHop = []string{"Host", "Connection", "Content-Length", "Transfer-Encoding", "Trailer", "Te", "Upgrade",
	"Keep-Alive", "Proxy-Authorization", "Proxy-Connection"}

// isHeader reports whether a name and value can be sent (RFC 9110 section 5).
func isHeader(name, value string) bool {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"(),/:;<=>?@[\\]{}", r)
	}) {
		return false
	}
	for _, h := range hopByHop {
		if strings.EqualFold(h, name) {
			return false
		}
	}
	return !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}
