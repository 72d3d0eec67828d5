package integration

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
)

// grant is what came out of a consent page.
type grant struct {
	provider *provider.Provider
	wire     *oauth.Wire
	token    *oauth.Token
	// scopes were granted; missing were asked for and not granted.
	scopes, missing []string
	// lacking says that without what is missing the integration is of no use.
	lacking bool
	// account is zero when the provider has none to tell, or did not tell it.
	account provider.Identity
}

// grant exchanges the code and stores what it brings. It returns the integration's id. A token that cannot be kept is
// given back to the provider.
func (s *Service) grant(ctx context.Context, row *ent.ConnectAttempt, said answer) (string, error) {
	p, err := s.providerNamed(row.Provider)
	if err != nil {
		return "", err
	}
	server, err := oauthFor(p, row.Config)
	if err != nil {
		return "", err
	}
	if !server.AnsweredBy(said.issuer) { // the code is another server's, and would be shown to this one
		return "", problem.New(problem.StateMismatch,
			"The answer came from another server than that of %s. Start the connection again.", p.Title).At("input", "parameters")
	}
	if said.refusal != "" {
		return "", refusal(p, said.refusal)
	}
	wire, err := s.Credentials.Wire(p, row.Config)
	if err != nil {
		return "", err
	}
	if wire.Client.ID != row.ClientID {
		return "", problem.New(problem.StateMismatch,
			"The OAuth client was changed since this connection was started. Start it again.").At("input", "state")
	}
	verifier, err := s.openVerifier(row)
	if err != nil {
		return "", err
	}
	token, err := wire.Exchange(ctx, said.code, verifier, row.RedirectURL)
	if err != nil {
		return "", exchangeProblem(p, err)
	}
	g := &grant{provider: p, wire: wire, token: token}
	g.compare(row.Scopes)
	integrationID, err := "", s.identify(ctx, g, row.Config)
	if err == nil {
		integrationID, err = s.keep(ctx, g, row)
	}
	if err != nil {
		s.giveBack(ctx, g, row.Config)
		return "", err
	}
	return integrationID, nil
}

// compare sets what was granted of what was asked for. A server that names no scopes granted all of them (RFC 6749
// section 5.1).
func (g *grant) compare(asked []string) {
	g.scopes = g.token.Scopes
	if g.scopes == nil {
		g.scopes = asked
	}
	for _, name := range asked {
		if !slices.Contains(g.scopes, name) {
			g.missing = append(g.missing, name)
		}
	}
	required := slices.ContainsFunc(g.provider.Auth.OAuth2.Scopes, func(scope oauth.Scope) bool {
		return scope.Required && slices.Contains(g.missing, scope.Name)
	})
	usable := slices.ContainsFunc(g.provider.Capabilities, func(c *provider.Capability) bool {
		return c.Granted(g.scopes)
	})
	g.lacking = required || len(g.missing) > 0 && !usable
}

var plainCode = regexp.MustCompile(`^[a-z_]{1,64}$`)

// refusal is what a provider's error parameter means (RFC 6749 section 4.1.2.1).
func refusal(p *provider.Provider, code string) error {
	if code == "access_denied" || code == "user_denied" || code == "consent_required" {
		return problem.New(problem.ConsentDenied, "The person did not agree to connect %s.", p.Title)
	}
	if !plainCode.MatchString(code) {
		code = "an error of its own"
	}
	return &problem.Error{
		Code: problem.ProviderFailed, Provider: p.Name,
		Retryable: code == "temporarily_unavailable" || code == "server_error",
		Message:   fmt.Sprintf("%s did not go along and answered with %s. Start the connection again.", p.Title, code),
	}
}

// exchangeProblem says what became of a code, in words for whoever must act.
func exchangeProblem(p *provider.Provider, err error) error {
	e, ok := errors.AsType[*oauth.Error](err)
	if !ok {
		if errors.Is(err, context.DeadlineExceeded) {
			return timedOut(p, err)
		}
		return err
	}
	out := &problem.Error{Code: problem.ProviderFailed, Provider: p.Name, HTTPStatus: e.HTTPStatus, Err: err}
	switch {
	case e.Kind == oauth.Rejected:
		return problem.New(problem.Invalid,
			"%s does not accept the code: it was used already, is too old, or was made for somebody else. "+
				"Start the connection again.", p.Title).At("input", "code").Because(err)
	case e.Kind == oauth.Misconfigured:
		out.Message = p.Title + " refuses Patchbay's own registration there. The operator has to check the OAuth client."
	case e.HTTPStatus == 429:
		out.Code, out.Retryable, out.RetryAfter = problem.ProviderRateLimited, true, e.RetryAfter
		out.Message = p.Title + " receives too many requests at the moment. Start the connection again later."
	case errors.Is(err, context.DeadlineExceeded):
		return timedOut(p, err)
	default:
		out.Retryable = true
		out.Message = p.Title + " gave no usable answer to the code. Start the connection again."
	}
	return out
}

func timedOut(p *provider.Provider, err error) error {
	return &problem.Error{
		Code: problem.ProviderTimeout, Provider: p.Name, Retryable: true, Err: err,
		Message: p.Title + " did not answer in time. Start the connection again.",
	}
}
