package credential

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/egress"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
)

// Use is what a request is sent for.
type Use struct {
	IntegrationID string
	// Revision is that of the integration as the caller has read it: what a refusal proves is told of that one alone.
	Revision int64
	// Config is the integration's, without secrets.
	Config map[string]any
	// MaxBytes and Timeout bound each answer; 0 means the door's own limits.
	MaxBytes int64
	Timeout  time.Duration
	// Aside says that the request is sent besides another, which the provider has just honoured. Its refusal then says
	// something of what is asked for and nothing of the credential: it comes back as a verdict, and settles nothing.
	Aside bool
}

const (
	// freshFor is how young a token must be for its refusal to end the credential: older ones are renewed first.
	freshFor = time.Minute
	// maxSends is how often a request is sent, each time with another token: a second time after a renewal, a third when
	// what was adopted has been replaced as well.
	maxSends = 3
)

// ErrUnanswered is among the causes of a failure when the request may have reached the provider and no whole answer
// came: what it asks for may have been done. Any other failure of Do means that nothing was done.
var ErrUnanswered = errors.New("the request left, and no whole answer came")

// Do sends a request with an integration's credential and returns the answer, read whole and judged. It renews the
// token first when that is about to end. When the provider refuses the credential it adopts a newer token or renews,
// and sends the request again only if that gave another token.
//
// It fails with ReauthorizationRequired when the credential has ended or has just been proved dead, and then health has
// been told. But for Use.Aside a refusal never comes back as a verdict: it is an error, and what it proves has been
// settled. Any other verdict is the caller's to handle. It must not be called inside a transaction.
func (s *Service) Do(ctx context.Context, u Use, r *provider.Request) (provider.Response, provider.Verdict, error) {
	if err := outside(ctx); err != nil {
		return provider.Response{}, provider.Verdict{}, err
	}
	system := inside(ctx)
	row, err := s.Rows.Of(system, u.IntegrationID)
	if err != nil {
		return provider.Response{}, provider.Verdict{}, err
	}
	p, ok := s.Provider(row.Provider)
	if !ok {
		return provider.Response{}, provider.Verdict{}, problem.New(problem.Unavailable,
			"The provider of this integration is not installed here. The operator has to add its manifest.")
	}
	began := s.Now()
	if row, err = s.fresh(system, row); err != nil {
		return provider.Response{}, provider.Verdict{}, err
	}
	for sends := 1; ; sends++ {
		c, err := s.credential(system, row, u)
		if err != nil {
			return provider.Response{}, provider.Verdict{}, err
		}
		res, v, err := s.Send(ctx, p, c, u, r)
		if err != nil || u.Aside || v.Kind != provider.Rejected && v.Kind != provider.Revoked {
			return res, v, err
		}
		young := row.RefreshedAt != nil && row.RefreshedAt.After(began.Add(-freshFor))
		next, err := s.afterRefusal(system, row, u, v, sends > 1 && young || !s.renewable(row))
		if err == nil && sends == maxSends {
			err = s.unsettled(row)
		}
		if err != nil {
			return res, v, err
		}
		row = next
	}
}

// Send sends a request with a credential that is in hand, as during a connect, and returns the answer, read whole and
// judged. It stores nothing and renews nothing.
func (s *Service) Send(
	ctx context.Context, p *provider.Provider, c provider.Credential, u Use, r *provider.Request,
) (provider.Response, provider.Verdict, error) {
	fail := func(err error) (provider.Response, provider.Verdict, error) {
		return provider.Response{}, provider.Verdict{}, err
	}
	if err := outside(ctx); err != nil {
		return fail(err)
	}
	req, err := r.HTTP(ctx)
	if err != nil {
		return fail(err)
	}
	c.Now = s.Now()
	if err := p.Authenticate(req, c); err != nil {
		return fail(err)
	}
	policy := egress.Policy{Hosts: p.HostsFor(u.Config), MaxBytes: u.MaxBytes, Timeout: u.Timeout}
	if req.Method == http.MethodGet || req.Method == http.MethodHead {
		policy.MaxRedirects = 3
	}
	var connected atomic.Bool
	req = req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	}))
	res, err := s.HTTP(policy).Do(req)
	switch {
	case err != nil && connected.Load():
		return fail(unanswered(named(p, err)))
	case err != nil:
		return fail(named(p, err))
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return fail(unanswered(named(p, err)))
	}
	answer := provider.Response{Status: res.StatusCode, Header: res.Header, Body: body, Received: s.Now()}
	return answer, p.Classify(answer), nil
}

// named turns an error of the door into a problem that names the provider.
func named(p *provider.Provider, err error) error {
	err = egress.Failure(err)
	if e, ok := err.(*problem.Error); ok { //nolint:errorlint // Failure returns it bare
		c := *e
		c.Provider = p.Name
		return &c
	}
	return err
}

// unanswered adds ErrUnanswered to the causes of a failure.
func unanswered(err error) error {
	if e, ok := err.(*problem.Error); ok { //nolint:errorlint // named returns it bare
		return e.Because(errors.Join(ErrUnanswered, e.Err))
	}
	return errors.Join(ErrUnanswered, err)
}

// credential opens what a row holds, for one request.
func (s *Service) credential(
	ctx context.Context, row *ent.Credential, u Use,
) (provider.Credential, error) {
	access, err := s.openAccess(row)
	if err != nil {
		return provider.Credential{}, s.unreadable(ctx, row, u.Revision, err)
	}
	secrets, key, err := s.openBundle(row)
	if err != nil {
		return provider.Credential{}, s.unreadable(ctx, row, u.Revision, err)
	}
	return provider.Credential{
		Kind: row.AuthKind, Access: access, Secrets: secrets, SigningKey: key, Config: u.Config,
	}, nil
}

// newKey says what mends a typed-in key: there is no consent to give again.
const newKey = "The provider refuses the credential. Put a new one into the settings of the integration."

// afterRefusal returns a row with another token to send the request again with, or why there is none: the credential
// has ended, or cannot be renewed now. A refusal that is final ends it, unless somebody is just renewing it: a vendor
// may end a token, however fresh, as soon as it has issued the next.
func (s *Service) afterRefusal(
	ctx context.Context, row *ent.Credential, u Use, v provider.Verdict, final bool,
) (*ent.Credential, error) {
	reason := health.CredentialRejected
	if v.Kind == provider.Revoked {
		reason = health.CredentialRevoked
	}
	now, err := s.Rows.Get(ctx, row.ID)
	switch {
	case err != nil:
		return nil, err
	case now.State != Active:
		return nil, s.ended(now)
	case now.Generation != row.Generation:
		return now, nil
	case row.AuthKind != provider.OAuth2:
		// A typed-in key is judged by its answers alone: it is not marked, so that it works again when the vendor
		// takes it again.
		err := within(ctx, writeLimit, func(ctx context.Context) error {
			return s.report(ctx, row, health.Finding{
				Reason: reason, Action: health.UpdateConfig, Message: newKey, Revision: u.Revision,
			})
		})
		return nil, cmp.Or(err, error(&problem.Error{
			Code: problem.ReauthorizationRequired, IntegrationID: integrationOf(row), Provider: row.Provider, Message: newKey,
		}))
	case final:
		owner := rand.Text()
		taken, err := s.Rows.Lease(ctx, now, owner, leaseFor)
		if err != nil {
			return nil, err
		}
		if taken {
			return s.expire(ctx, now, owner, end{reason: reason, code: string(v.Kind)})
		}
	}
	return s.renew(ctx, row, false)
}
