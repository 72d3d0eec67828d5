package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/patchbay/patchbay/internal/access"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/viewer"
)

// foundation is what every command that touches the database stands on.
type foundation struct {
	store  *store.Store
	clock  *store.Clock
	audit  *audit.Service
	access *access.Service
	now    func() time.Time // the clock's
	newID  func(id.Kind) string
}

// open opens the database. The caller closes the foundation's store.
func (s databaseSettings) open(ctx context.Context, log *slog.Logger) (*foundation, error) {
	db, err := store.Open(ctx, store.Options{
		URL: s.Database.Reveal(), ListenURL: s.ListenDatabase.Reveal(), Log: log,
	})
	if err != nil {
		return nil, err
	}
	clock, err := db.Clock(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	f := &foundation{store: db, clock: clock, now: clock.Now, newID: id.NewSource(clock.Now).New}
	f.audit = &audit.Service{Store: db, Now: f.now, NewID: f.newID}
	f.access = &access.Service{Store: db, Audit: f.audit, Now: f.now, NewID: f.newID}
	return f, nil
}

// sealed reports whether the database holds a credential, which only the key ring that sealed it can open.
func (f *foundation) sealed(ctx context.Context) (bool, error) {
	return f.store.Client(ctx).Credential.Query().Exist(viewer.System(ctx))
}

// with runs fn on a database whose schema is current, and closes it.
func (s databaseSettings) with(ctx context.Context, fn func(context.Context, *foundation) error) error {
	f, err := s.open(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer f.store.Close()
	if err := f.store.CheckSchema(ctx); err != nil {
		return err
	}
	return fn(ctx, f)
}
