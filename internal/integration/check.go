package integration

import (
	"context"
	"errors"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
)

// Refresh renews the tokens of an integration now, whether or not they are about to end. The stored ones stay in use
// until the new ones are stored, so a failure makes nothing worse.
func (s *Service) Refresh(ctx context.Context, integrationID string) (*ent.Integration, error) {
	if err := outside(ctx); err != nil {
		return nil, err
	}
	row, err := s.Get(ctx, integrationID, "input", "id")
	if err != nil {
		return nil, err
	}
	if row.AuthKind != provider.OAuth2 {
		return nil, problem.New(problem.Invalid, "This integration was not connected by authorization, so it has no tokens "+
			"to renew.").At("input", "id")
	}
	err = s.Credentials.Refresh(ctx, row.ID)
	if e, ok := errors.AsType[*problem.Error](err); ok && e.Code == problem.Invalid {
		return nil, e.At("input", "id")
	}
	if err != nil {
		return nil, err
	}
	return s.Get(ctx, row.ID, "input", "id")
}

// CheckHealth sends the provider's probe now and answers with what was proved: bad health is an answer, not an error. A
// definitive refusal counts at once, any other failure as one of three. A provider that has no probe is left as it is.
func (s *Service) CheckHealth(ctx context.Context, integrationID string) (*ent.Integration, error) {
	if err := outside(ctx); err != nil {
		return nil, err
	}
	row, err := s.Get(ctx, integrationID, "input", "id")
	if err != nil {
		return nil, err
	}
	p, err := s.providerOf(row)
	if err != nil {
		return nil, err
	}
	if StatusOf(row) == Incomplete || !p.Probe.Possible() {
		return row, nil
	}
	if _, err := s.probe(ctx, p, row); err != nil {
		return nil, err
	}
	return s.Get(ctx, row.ID, "input", "id")
}

// Probe does for one integration, by itself, what CheckHealth does for a caller. It is health.Prober's, and its viewer is
// the system.
func (s *Service) Probe(ctx context.Context, row *ent.Integration) (health.Probed, error) {
	p, ok := s.Catalog.Get(row.Provider)
	if !ok || StatusOf(row) == Incomplete || !p.Probe.Possible() {
		return health.Probed{}, nil
	}
	return s.probe(ctx, p, row)
}

// probeTimeout bounds the provider's answer to a probe.
const probeTimeout = 15 * time.Second

func (s *Service) probe(ctx context.Context, p *provider.Provider, row *ent.Integration) (health.Probed, error) {
	request, err := p.Probe.NewRequest(ctx, provider.Input{
		Config: row.Config, Account: AccountOf(row), Now: s.Now(), Limit: 1,
	})
	if err != nil {
		return s.probeFailed(ctx, row, err)
	}
	use := credential.Use{IntegrationID: row.ID, Revision: row.Revision, Config: row.Config, Timeout: probeTimeout}
	response, _, err := s.Credentials.Do(ctx, use, request)
	if err != nil {
		return s.probeFailed(ctx, row, err)
	}
	verdict := p.Probe.Read(response)
	if verdict.Kind == provider.OK {
		s.learnAccount(ctx, p, row)
		_, err = s.Health.Proved(ctx, row.ID, row.Revision)
		return health.Probed{Sent: true}, err
	}
	found := verdictFinding(verdict)
	found.Revision = row.Revision
	_, err = s.Health.ProbeFailed(ctx, row.ID, found)
	return health.Probed{Sent: true, Failed: true, RetryAfter: verdict.RetryAfter}, err
}

// probeFailed records a probe that had no answer. What a dead credential means has been recorded where it was proved;
// what is no fault of the provider or the settings is returned.
func (s *Service) probeFailed(ctx context.Context, row *ent.Integration, err error) (health.Probed, error) {
	if ctx.Err() != nil { // a caller who has gone proves nothing
		return health.Probed{}, err
	}
	if problem.Is(err, problem.ReauthorizationRequired) {
		return health.Probed{}, nil
	}
	found, ok := FindingOf(err)
	if !ok {
		return health.Probed{}, err
	}
	probed := health.Probed{Sent: true, Failed: true}
	if e, ok := errors.AsType[*problem.Error](err); ok {
		probed.RetryAfter = e.RetryAfter
	}
	found.Revision = row.Revision
	_, err = s.Health.ProbeFailed(ctx, row.ID, found)
	return probed, err
}

// FindingOf is what a request that failed says about the health of its integration, to be counted as one probe that
// failed. It returns false for what says nothing, or has been recorded where it was proved.
func FindingOf(err error) (health.Finding, bool) {
	e, ok := errors.AsType[*problem.Error](err)
	if !ok {
		return health.Finding{}, false
	}
	found := health.Finding{Message: clipBytes(e.Message, maxMessage)}
	switch e.Code {
	case problem.ProviderTimeout:
		found.Reason = health.ProviderUnreachable
	case problem.ProviderFailed:
		if found.Reason = health.ProviderError; e.HTTPStatus == 0 {
			found.Reason = health.ProviderUnreachable
		}
	case problem.ProviderRateLimited:
		found.Reason = health.RateLimited
	case problem.TargetRefused: // where a name leads can change without anybody touching the settings
		found.Reason, found.Action = health.ProviderUnreachable, health.UpdateConfig
	case problem.Invalid:
		found.Reason, found.Action = health.NotConfigured, health.UpdateConfig
	default:
		return health.Finding{}, false
	}
	return found, true
}

// maxMessage is how much is kept of a message, in bytes.
const maxMessage = 500

// verdictFinding is what an answer that proves nothing good means for the health.
func verdictFinding(v provider.Verdict) health.Finding {
	found := health.Finding{Reason: health.ProviderError, Message: clipBytes(v.Message, maxMessage)}
	switch v.Kind {
	case provider.MissingScope:
		found.Reason = health.ScopesMissing
	case provider.RateLimited:
		found.Reason = health.RateLimited
	}
	return found
}

// AccountOf returns the account that an integration is connected to; zero when it is unknown.
func AccountOf(row *ent.Integration) provider.Identity {
	var who provider.Identity
	if row.AccountID != nil {
		who.ID = *row.AccountID
	}
	if row.AccountName != nil {
		who.Name = *row.AccountName
	}
	return who
}
