package integration

import (
	"context"
	"fmt"
	"sync"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/viewer"
)

// NotStopped is the outcome of an integration that could not even be stopped, because the database failed.
const NotStopped credential.Outcome = "NOT_STOPPED"

// Killed is one credential's end in an incident.
type Killed struct {
	Company, Provider string
	credential.Revocation
}

const (
	// stopPasses bounds how often Kill looks again for what was connected while it stopped the rest.
	stopPasses = 5
	// hopeless is how many revocations in a row a provider may fail before the rest is left to the background.
	hopeless = 8
)

var errIncident = problem.New(problem.Disabled,
	"An administrator has stopped this connection before it was finished. Start it again.")

// stopped is an integration that is no more, or a credential that waits for its revocation.
type stopped struct {
	removed
	company, provider string
}

// Kill ends everything that an incident matches: attempts to connect first, then all use of the credentials, and only
// then it tells the providers, a few calls at once for each of them, so that one that cannot be reached neither keeps
// another's credentials alive nor its own in use. It tells report about each credential as it goes, one at a time.
//
// It may be stopped at any time, or killed, and started again: what is left is what is still there. It goes on after a
// failure; the error says what failed last. It is an operator's: it asks for no viewer, and the trail names the
// incident.
func (s *Service) Kill(ctx context.Context, in Incident, atOnce int, report func(Killed)) error {
	if err := outside(ctx); err != nil {
		return err
	}
	var failed error
	var all []stopped
	known := map[string]bool{}
	for pass := range stopPasses {
		found, err := s.Affected(ctx, in)
		if err != nil {
			return err
		}
		for _, row := range found.Attempts {
			_ = s.failed(viewer.SystemFor(ctx, row.CompanyID), row, errIncident) // it logs what went wrong
		}
		if pass == 0 {
			for _, row := range found.Ending {
				all = append(all, stopped{removed{Ended: credential.Waiting(row)}, row.CompanyID, row.Provider})
			}
		}
		fresh := 0
		for _, row := range found.Integrations {
			if known[row.ID] {
				continue
			}
			known[row.ID], fresh = true, fresh+1
			gone, err := s.stopFor(ctx, in, row)
			switch {
			case problem.Is(err, problem.NotFound): // somebody else has just removed it
			case err != nil:
				failed = fmt.Errorf("stop %s: %w", row.ID, err)
				report(Killed{row.CompanyID, row.Provider, credential.Revocation{
					IntegrationID: row.ID, Outcome: NotStopped, Message: "It could not be stopped. Run this again.",
				}})
			default:
				all = append(all, stopped{gone, row.CompanyID, row.Provider})
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		if fresh == 0 {
			break
		}
	}
	s.revokeEach(ctx, all, atOnce, report)
	if failed == nil {
		failed = ctx.Err()
	}
	return failed
}

func (s *Service) stopFor(ctx context.Context, in Incident, row *ent.Integration) (gone removed, err error) {
	ctx = viewer.SystemFor(ctx, row.CompanyID)
	err = s.Store.RetryTx(ctx, func(ctx context.Context) error {
		now, err := s.locked(ctx, row.ID)
		if err != nil {
			return err
		}
		gone, err = s.remove(ctx, now, column.Object{"incident": in.String()})
		return err
	})
	return gone, err
}

// revokeEach tells the providers, each with at most atOnce calls at a time.
func (s *Service) revokeEach(ctx context.Context, all []stopped, atOnce int, report func(Killed)) {
	byProvider := map[string][]stopped{}
	for _, one := range all {
		byProvider[one.provider] = append(byProvider[one.provider], one)
	}
	var reporting sync.Mutex
	var providers sync.WaitGroup
	for _, own := range byProvider {
		providers.Go(func() {
			var calls sync.WaitGroup
			var mu sync.Mutex
			failures := 0 // in a row
			next := make(chan stopped)
			for range max(1, min(atOnce, len(own))) {
				calls.Go(func() {
					for one := range next {
						mu.Lock()
						ill := failures >= hopeless
						mu.Unlock()
						outcome := s.revokeFor(ctx, one, ill)
						mu.Lock()
						if failures++; outcome.Outcome != credential.Retrying {
							failures = 0
						}
						mu.Unlock()
						reporting.Lock()
						report(Killed{one.company, one.provider, outcome})
						reporting.Unlock()
					}
				})
			}
			for _, one := range own {
				next <- one
			}
			close(next)
			calls.Wait()
		})
	}
	providers.Wait()
}

// revokeFor tells the provider about one credential, unless it is ill or the operator has stopped the command: then the
// background of the servers does.
func (s *Service) revokeFor(ctx context.Context, one stopped, ill bool) credential.Revocation {
	left := credential.Revocation{IntegrationID: one.IntegrationID, Outcome: credential.Retrying}
	switch {
	case ill:
		left.Message = "The provider fails, and was not told about this one yet. The servers go on in the background."
	case ctx.Err() != nil:
		left.Message = "This command was stopped before the provider was told. The servers go on in the background."
	default:
		return s.revoke(viewer.SystemFor(ctx, one.company), one.removed)
	}
	return left
}
