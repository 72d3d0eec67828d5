package credential

import (
	"math/rand/v2"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/provider"
)

const (
	// callLimit bounds one call to an authorization server, which begins at most startLimit after its lease was written.
	// Together they are shorter than leaseFor: no call outlasts its lease, even where that cannot be renewed meanwhile,
	// so a lease that is over means a process that died, stood still or cannot reach the database.
	callLimit  = 20 * time.Second
	startLimit = 5 * time.Second
	leaseFor   = 30 * time.Second
	// longestLease is more than any lease lasts.
	longestLease = 10 * time.Minute
	// holdEvery is how often a lease is renewed while the call and the storing of its answer take.
	holdEvery = 5 * time.Second
	// watchFor is how long a lease that is over must have stood under the eyes of whoever takes it. After an outage of the
	// database its holder comes first: it renews, or stores what it has, within that time.
	watchFor = 10 * time.Second
	// writeLimit bounds one write, keepLimit all the attempts to store what a one-time token was spent for.
	writeLimit = 5 * time.Second
	keepLimit  = 2 * time.Minute
	// keepPause is the longest wait between two attempts; with its jitter it is shorter than watchFor.
	keepPause = 3 * time.Second
	// Settles is how long after a change of the key ring a value may still be stored that was sealed before it; it is
	// longer than callLimit and keepLimit together.
	Settles = 5 * time.Minute
	// flightLimit bounds a renewal with all its waiting for others.
	flightLimit = leaseFor + watchFor + startLimit + callLimit
	// skew is how much earlier than it says a token is taken to end.
	skew = 5 * time.Second

	defaultMargin = 5 * time.Minute
	firstBackoff  = 5 * time.Second
	longBackoff   = 15 * time.Minute
	longest       = 10 // after so many failures the wait does not grow any more

	// RevocationLimit is how long a revocation is tried before the ciphertext is destroyed all the same.
	RevocationLimit = 7 * 24 * time.Hour
)

// expiry returns when a token ends and how long it lives. An answer that does not say keeps the last lifetime, or else
// the manifest's; with neither the token does not end, and expiry is nil.
func expiry(now time.Time, said, last, usual time.Duration) (*time.Time, time.Duration) {
	lifetime := said
	if lifetime == 0 {
		lifetime = last
	}
	if lifetime == 0 {
		lifetime = usual
	}
	if lifetime == 0 {
		return nil, 0
	}
	at := now.Add(lifetime)
	return &at, lifetime
}

// refreshTime returns when to renew a token: a margin before its end, at most a third of its lifetime, and up to a
// quarter of the margin later, so that what was granted together is not renewed together. Where nothing can be renewed
// early it is the end.
func refreshTime(ends *time.Time, lifetime time.Duration, rules oauth.Refresh) *time.Time {
	if ends == nil {
		return nil
	}
	if rules.Early == oauth.EarlyRefused {
		at := ends.Add(jitter(skew))
		return &at
	}
	margin := rules.Margin
	if margin == 0 {
		margin = defaultMargin
	}
	margin = min(margin, lifetime/3)
	at := ends.Add(-margin + jitter(margin/4))
	return &at
}

// backoff returns the wait after n failures in a row, at least what the vendor asked for.
func backoff(n int, asked time.Duration) time.Duration {
	wait := longBackoff
	if n < longest {
		wait = min(firstBackoff<<max(n-1, 0), longBackoff)
	}
	wait = max(wait, asked)
	return wait + jitter(wait/4)
}

func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d)
}

// rules are how the provider of a credential renews tokens.
func (s *Service) rules(row *ent.Credential) oauth.Refresh {
	if p, ok := s.Provider(row.Provider); ok && p.Auth.OAuth2 != nil && row.AuthKind == provider.OAuth2 {
		return p.Auth.OAuth2.Refresh
	}
	return oauth.Refresh{}
}

// renewable reports whether another token can be had without the person: for the refresh token, or by minting one.
func (s *Service) renewable(row *ent.Credential) bool {
	return len(row.RefreshToken) > 0 || len(row.AccessToken) > 0 && s.rules(row).Mint != ""
}

// due reports whether the token should be renewed ahead of its end.
func (s *Service) due(row *ent.Credential, now time.Time) bool {
	return row.RefreshAt != nil && !row.RefreshAt.After(now) || !s.valid(row, now)
}

// valid reports whether the access token can still be used. It is taken to end a little early, unless the provider would
// then refuse to renew it.
func (s *Service) valid(row *ent.Credential, now time.Time) bool {
	if s.rules(row).Early != oauth.EarlyRefused {
		now = now.Add(skew)
	}
	return len(row.AccessToken) > 0 && (row.ExpiresAt == nil || row.ExpiresAt.After(now))
}

// perhapsLost reports whether the one-time token of a row whose lease was over but never released may have been spent by
// a process that could not say so, and works no more.
func (s *Service) perhapsLost(row *ent.Credential) bool {
	if row.LeaseOwner == nil || row.LeaseUntil == nil || len(row.RefreshToken) == 0 {
		return false
	}
	return s.rules(row).Lost(row.LeaseUntil.Add(-leaseFor), s.Now())
}

// resting reports whether the last attempt failed so recently that another must wait, and how long.
func resting(row *ent.Credential, now time.Time) (time.Duration, bool) {
	if row.NextAttemptAt == nil || !row.NextAttemptAt.After(now) {
		return 0, false
	}
	return row.NextAttemptAt.Sub(now), true
}
