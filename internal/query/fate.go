package query

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
)

// fate is what became of a call at the provider.
type fate int

const (
	untouched fate = iota // nothing was done
	refused               // the provider answered that it does not do this
	unknown               // it may have been done
	done
)

// Causes of a problem that tell the fate of a request.
var (
	errRefused = errors.New("the provider refused the request")
	errUnsure  = errors.New("the provider failed over the request")
)

// fateOf returns what became of the call, given how it ended. What never left, what the provider put off, and what it
// did not let the credential do was not done.
func (a *asking) fateOf(err error) fate {
	switch {
	case err == nil:
		return done
	case !a.asked:
		return untouched
	case a.accepted, errors.Is(err, credential.ErrUnanswered), errors.Is(err, errUnsure):
		return unknown
	case errors.Is(err, errRefused), errors.Is(err, provider.ErrNotThere):
		return refused
	}
	return untouched
}

// pauseBefore is how long a call by name waits before it is sent again, varied by half so that callers spread.
const pauseBefore = 200 * time.Millisecond

// again reports whether a request that failed may be sent once more, and waits before that: that of a call by name,
// when it does no harm or certainly did not arrive, and the provider asks for no longer pause. A question is not sent
// again: whoever asks may do so.
func (a *asking) again(ctx context.Context, err error) bool {
	e, ok := errors.AsType[*problem.Error](err)
	if a.invocation == nil || !ok || !e.Retryable || e.RetryAfter > 0 || e.Code == problem.ProviderRateLimited {
		return false
	}
	if !a.capability.MayRepeat() && a.fateOf(err) != untouched {
		return false
	}
	timer := time.NewTimer(pauseBefore/2 + rand.N(pauseBefore)) //nolint:gosec // spreads callers, keeps no secret
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
