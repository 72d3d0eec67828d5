package sandbox

import (
	"context"
	"time"
)

// graced is a ledger in which a refresh token that was replaced goes on working for a while.
type graced struct {
	*ledger
	grace time.Duration
}

// RemoveByRefresh forgets a refresh token, at once or when its grace is over. (oauth2.TokenStore)
func (l graced) RemoveByRefresh(ctx context.Context, refresh string) error {
	if l.grace == 0 {
		return l.ledger.RemoveByRefresh(ctx, refresh)
	}
	return l.change(func(st *state) {
		if r, ok := st.Refresh[digest(refresh)]; ok && r.Until.IsZero() {
			r.Until = l.now().Add(l.grace)
			st.Refresh[digest(refresh)] = r
		}
	})
}

// opens reports whether a grant has an access token that works.
func (l *ledger) opens(grant string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for _, a := range l.state.Access {
		if a.Grant == grant && now.Before(a.Expires) {
			return true
		}
	}
	return false
}
