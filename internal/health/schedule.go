package health

import (
	"math/rand/v2"
	"time"

	"github.com/patchbay/patchbay/ent"
)

const (
	// probesMissed is how many probes in a row must not have come before green is stale. It is more than the failures
	// that degrade, so that a failing provider is called failing and not stale.
	probesMissed = 4
	// unprobedFresh is how long green lasts where only use can prove it.
	unprobedFresh = 7 * 24 * time.Hour
	// soon is when something that nothing has proved yet is probed at the latest.
	soon = time.Minute
	// maxRest is how many doublings the time between two probes that fail may grow by.
	maxRest = 2
)

// StaleAt returns when a state of a provider's integration turns stale: a few probes after it was proved, or a week where
// nothing can be probed. It is nil for what is not healthy.
func (s *Service) StaleAt(provider string, state State) *time.Time {
	if state.Status != Healthy || state.CheckedAt == nil {
		return nil
	}
	lasts := unprobedFresh
	if every := s.every(provider); every > 0 {
		lasts = probesMissed * every
	}
	at := state.CheckedAt.Add(lasts)
	return &at
}

// FirstProbe returns when an integration that has just come into a state is probed: any time within one interval when
// that state is proved, so that what was connected together is not probed together, and soon when it is not. It is nil
// when there is no probe, or nothing yet to probe with.
func (s *Service) FirstProbe(provider string, state State) *time.Time {
	within := s.every(provider)
	if within <= 0 || state.Reason == NotConfigured {
		return nil
	}
	if state.Reason == NotYetChecked {
		within = min(within, soon)
	}
	at := s.Now().Add(jitter(within))
	return &at
}

func (s *Service) every(provider string) time.Duration {
	if s.Every == nil {
		return 0
	}
	return s.Every(provider)
}

// nextProbe returns when to probe again after so many failures in a row, at least what the vendor asked for. It is varied
// by a quarter each time, so that bunches dissolve.
func (s *Service) nextProbe(every time.Duration, failures int, asked time.Duration) time.Time {
	wait := max(every<<min(max(failures-failuresToDegrade+1, 0), maxRest), asked)
	return s.Now().Add(wait - wait/4 + jitter(wait/2))
}

// plan sets when the state that a row moves to goes stale, and when to probe it. Use proves as well as a probe does, so
// it puts the next one off.
func (s *Service) plan(update *ent.IntegrationUpdate, row *ent.Integration, after State) {
	if after.StaleAt == nil {
		update.ClearStaleAt()
	} else {
		update.SetStaleAt(*after.StaleAt)
	}
	every := s.every(row.Provider)
	switch {
	case every <= 0 || after.Reason == NotConfigured:
		update.ClearNextProbeAt()
	case after.Reason == OK:
		update.SetNextProbeAt(s.nextProbe(every, 0, 0))
	case after.Reason == NotYetChecked || row.NextProbeAt == nil:
		update.SetNillableNextProbeAt(s.FirstProbe(row.Provider, after))
	}
}

func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d).Truncate(time.Microsecond)
}
