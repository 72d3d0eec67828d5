package access_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/access"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
	"github.com/patchbay/patchbay/internal/viewer"
)

// said is a log that tells when a line says something.
type said struct {
	what string
	once chan struct{}
}

func (s *said) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(s.what)) {
		select {
		case s.once <- struct{}{}:
		default:
		}
	}
	return len(p), nil
}

// TestRevocationsAreHeardAgainAfterAnOutage loses the connection that listens, at a moment when the keys cannot be read.
func TestRevocationsAreHeardAgainAfterAnOutage(t *testing.T) {
	t.Parallel()
	back := &said{what: "listens for changes is back", once: make(chan struct{}, 1)}
	s := storetest.Open(t, store.Options{URL: storetest.Postgres(t), Log: slog.New(slog.NewTextHandler(back, nil))})
	service, _, ctx := newService(t, s)
	limit, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	open := func() (keyID string, opened context.Context) {
		row, secret, err := service.CreateKey(ctx, access.CreateKeyInput{Name: "ci", Scopes: viewer.Scopes})
		if err != nil {
			t.Fatal(err)
		}
		opened, err = service.Authenticate(t.Context(), secret.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		return row.ID, opened
	}
	heard := func(keyID string, opened context.Context) {
		t.Helper()
		again := time.NewTicker(20 * time.Millisecond) // the first ones come too early, or are taken together with a loss
		defer again.Stop()
		for {
			if err := s.Notify(ctx, "api_keys", keyID); err != nil {
				t.Fatal(err)
			}
			select {
			case <-opened.Done():
				return
			case <-again.C:
			case <-limit.Done():
				t.Fatal("a revocation is not heard")
			}
		}
	}
	watching, stop := context.WithCancel(t.Context())
	watched := make(chan error, 1)
	go func() { watched <- service.Watch(watching) }()
	defer func() {
		stop()
		if err := <-watched; err != nil {
			t.Error(err)
		}
	}()
	heard(open())
	keyID, opened := open()
	for _, statement := range []string{
		`alter table api_keys rename to elsewhere`,
		`select pg_terminate_backend(pid) from pg_stat_activity where query like 'LISTEN%' and datname = current_database()`,
	} {
		if _, err := s.SQL(ctx).ExecContext(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-back.once:
	case <-limit.Done():
		t.Fatal("the connection that listens did not come back")
	}
	heard(keyID, opened)
}
