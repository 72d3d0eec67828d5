package access

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/patchbay/patchbay/ent/apikey"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/viewer"
)

// channel is what the revocation of an API key wakes; the payload is the key's id.
const channel = "api_keys"

// revoked is the cause with which the context of a key that was revoked ends.
var revoked = problem.New(problem.Unauthenticated, "The API key has been revoked.")

// opened knows the contexts that API keys have opened in this process, so that a revocation ends them.
type opened struct {
	mu    sync.Mutex
	byKey map[string]map[*context.CancelCauseFunc]struct{}
	// over are the keys that are known to be revoked: a look-up that was faster than the revocation opens nothing after.
	over map[string]struct{}
}

// add keeps end until ctx is over, and reports false when the key was revoked meanwhile.
func (o *opened) add(ctx context.Context, keyID string, end context.CancelCauseFunc) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, over := o.over[keyID]; over {
		return false
	}
	if o.byKey == nil {
		o.byKey = map[string]map[*context.CancelCauseFunc]struct{}{}
	}
	if o.byKey[keyID] == nil {
		o.byKey[keyID] = map[*context.CancelCauseFunc]struct{}{}
	}
	own := &end
	o.byKey[keyID][own] = struct{}{}
	context.AfterFunc(ctx, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.byKey[keyID], own)
		if len(o.byKey[keyID]) == 0 {
			delete(o.byKey, keyID)
		}
	})
	return true
}

// end ends everything that a key has opened.
func (o *opened) end(keyID string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over == nil {
		o.over = map[string]struct{}{}
	}
	o.over[keyID] = struct{}{}
	for end := range o.byKey[keyID] {
		(*end)(revoked)
	}
}

func (o *opened) keys() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Collect(maps.Keys(o.byKey))
}

// Watch ends what a revoked key has opened here as soon as any replica revokes it. It blocks until ctx ends or the
// store is closed. What it cannot hear, such as a command line beside an SQLite server or what happened while the
// database was gone, EndRevoked finds, which has to be called now and then.
func (s *Service) Watch(ctx context.Context) error {
	sub, err := s.Store.Listen(ctx, channel)
	if err != nil {
		return fmt.Errorf("listen for revoked API keys: %w", err)
	}
	for range sub.C() {
		keys, missed := sub.Take()
		for _, keyID := range keys {
			s.opened.end(keyID)
		}
		if missed {
			_ = s.EndRevoked(ctx) // what cannot be read now, it finds when it is called next
		}
	}
	return nil
}

// askedAtOnce bounds the values of one statement.
const askedAtOnce = 500

// EndRevoked looks for revoked keys among those that have something open here, and ends it.
func (s *Service) EndRevoked(ctx context.Context) error {
	system := viewer.System(ctx)
	for ids := range slices.Chunk(s.opened.keys(), askedAtOnce) {
		over, err := s.Store.Client(system).APIKey.Query().Where(apikey.IDIn(ids...), apikey.RevokedAtNotNil()).IDs(system)
		if err != nil {
			return fmt.Errorf("look for revoked API keys: %w", err)
		}
		for _, keyID := range over {
			s.opened.end(keyID)
		}
	}
	return nil
}
