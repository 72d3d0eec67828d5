package health_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/healthchange"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
	"github.com/patchbay/patchbay/internal/viewer"
)

func next(t *testing.T, stream <-chan health.Event) health.Event {
	t.Helper()
	select {
	case e, open := <-stream:
		if !open {
			t.Fatal("the stream ended")
		}
		return e
	case <-time.After(time.Minute):
		t.Fatal("no event came")
	}
	panic("unreachable")
}

func TestAStreamTellsTheStateThenEveryChangeInOrder(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		a, b := w.integration(t, w.users[0], "acme"), w.integration(t, w.users[1], "acme")
		ctx, cancel := context.WithCancel(w.ctx)
		defer cancel()
		stream, err := w.Follow(ctx, health.Filter{Snapshot: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range []*ent.Integration{a, b} {
			if e := next(t, stream); e.Kind != health.Snapshot || e.IntegrationID != row.ID || e.Health.Status != health.Healthy {
				t.Errorf("snapshot = %+v", e)
			}
		}
		w.report(t, a, health.CredentialRevoked)
		w.report(t, b, health.RateLimited)
		w.report(t, a, health.OK)
		want := []struct {
			id     string
			before health.Status
			reason health.Reason
		}{{a.ID, health.Healthy, health.CredentialRevoked}, {b.ID, health.Healthy, health.RateLimited}, {a.ID, health.Disconnected, health.OK}}
		var first health.Event
		for i, x := range want {
			e := next(t, stream)
			if e.Kind != health.Change || e.IntegrationID != x.id || *e.PreviousStatus != x.before || e.Health.Reason != x.reason {
				t.Errorf("event %d = %+v", i, e)
			}
			if i == 0 {
				first = e
			}
		}
		cancel()
		for range stream { //nolint:revive // until it closes
		}

		again, stop := context.WithCancel(w.ctx)
		defer stop()
		resumed, err := w.Follow(again, health.Filter{After: &first.Cursor, Snapshot: true})
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range want[1:] {
			if e := next(t, resumed); e.Kind != health.Change || e.IntegrationID != x.id || e.Health.Reason != x.reason {
				t.Errorf("resumed event %d = %+v", i, e)
			}
		}
		stop()
		for range resumed { //nolint:revive // until it closes
		}
	})
}

func TestAReaderCutOffInsideASnapshotResumesInsideIt(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		var rows []*ent.Integration
		for range 5 {
			rows = append(rows, w.integration(t, w.users[0], "acme"))
		}
		ctx, cancel := context.WithCancel(w.ctx)
		stream, err := w.Follow(ctx, health.Filter{Snapshot: true})
		if err != nil {
			t.Fatal(err)
		}
		next(t, stream)
		second := next(t, stream)
		cancel()
		for range stream { //nolint:revive // until it closes
		}
		w.report(t, rows[0], health.RateLimited)       // was told: must come as a change
		w.report(t, rows[4], health.CredentialRevoked) // was not: comes with the rest of the snapshot

		ctx, cancel = context.WithCancel(w.ctx)
		defer cancel()
		stream, err = w.Follow(ctx, health.Filter{After: &second.Cursor})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for range 4 {
			e := next(t, stream)
			got = append(got, fmt.Sprint(e.Kind, " ", slices.IndexFunc(rows, func(r *ent.Integration) bool { return r.ID == e.IntegrationID }), " ", e.Health.Reason))
		}
		want := []string{"SNAPSHOT 2 OK", "SNAPSHOT 3 OK", "SNAPSHOT 4 CREDENTIAL_REVOKED", "CHANGE 0 RATE_LIMITED"}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		cancel()
		for range stream { //nolint:revive // until it closes
		}
	})
}

func TestALongSnapshotIsReadInPagesAndTellsNothingTwice(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		var rows []*ent.Integration
		for range 405 {
			rows = append(rows, w.integration(t, w.users[0], "acme"))
		}
		ctx, cancel := context.WithCancel(w.ctx)
		defer cancel()
		stream, err := w.Follow(ctx, health.Filter{Snapshot: true})
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range rows {
			if i == 199 { // the last one of the first page is not taken yet, so the second page is not read
				w.report(t, rows[0], health.RateLimited)
				w.report(t, rows[300], health.CredentialRevoked)
				w.report(t, rows[1], health.ProviderError)
			}
			e := next(t, stream)
			if e.Kind != health.Snapshot || e.IntegrationID != row.ID {
				t.Fatalf("event %d = %+v", i, e)
			}
			if want := map[bool]health.Reason{true: health.CredentialRevoked, false: health.OK}[i == 300]; e.Health.Reason != want {
				t.Errorf("event %d: %s, want %s", i, e.Health.Reason, want)
			}
		}
		for i := range 2 {
			if e := next(t, stream); e.Kind != health.Change || e.IntegrationID != rows[i].ID {
				t.Errorf("change %d = %+v", i, e)
			}
		}
		w.report(t, rows[300], health.OK)
		if e := next(t, stream); e.IntegrationID != rows[300].ID || e.Health.Reason != health.OK {
			t.Errorf("last = %+v", e)
		}
		cancel()
		for range stream { //nolint:revive // until it closes
		}
	})
}

// lines is a log that tells when something was written.
type lines chan struct{}

func (l lines) Write(p []byte) (int, error) {
	select {
	case l <- struct{}{}:
	default:
	}
	return len(p), nil
}

func TestAStreamOutlastsADatabaseThatCannotBeRead(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		said := make(lines, 1)
		w.Log = slog.New(slog.NewTextHandler(said, nil))
		row := w.integration(t, w.users[0], "acme")
		ctx, cancel := context.WithCancel(w.ctx)
		defer cancel()
		stream, err := w.Follow(ctx, health.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		w.report(t, row, health.RateLimited)
		next(t, stream)
		alter := func(statement string) {
			if _, err := s.SQL(w.ctx).ExecContext(w.ctx, statement); err != nil {
				t.Fatal(err)
			}
		}
		alter("ALTER TABLE company_sequences RENAME TO elsewhere")
		if err := s.Notify(w.ctx, "health", w.company); err != nil {
			t.Fatal(err)
		}
		select {
		case <-said:
		case <-time.After(time.Minute):
			t.Fatal("nothing was said of the outage")
		}
		alter("ALTER TABLE elsewhere RENAME TO company_sequences")
		w.report(t, row, health.OK)
		if e := next(t, stream); e.Kind != health.Change || e.Health.Reason != health.OK {
			t.Errorf("after the outage: %+v", e)
		}
		cancel()
		for range stream { //nolint:revive // until it closes
		}
	})
}

func TestAResumeBehindWhatIsKeptIsAGapAndASnapshot(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		row := w.integration(t, w.users[0], "acme")
		ctx, cancel := context.WithCancel(w.ctx)
		defer cancel()
		stream, err := w.Follow(ctx, health.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		w.report(t, row, health.RateLimited)
		old := next(t, stream).Cursor
		w.report(t, row, health.OK)
		next(t, stream)
		w.report(t, row, health.ProviderError)
		next(t, stream)
		cancel()
		for range stream { //nolint:revive // until it closes
		}
		system := viewer.SystemFor(t.Context(), w.company)
		w.Store.Client(system).HealthChange.Delete().Where(healthchange.SeqLTE(2)).ExecX(system)

		ctx, cancel = context.WithCancel(w.ctx)
		defer cancel()
		stream, err = w.Follow(ctx, health.Filter{After: &old})
		if err != nil {
			t.Fatal(err)
		}
		gap := next(t, stream)
		if gap.Kind != health.Gap || gap.Health != nil || gap.IntegrationID != "" {
			t.Errorf("first = %+v, want GAP", gap)
		}
		if e := next(t, stream); e.Kind != health.Snapshot || e.Health.Reason != health.ProviderError {
			t.Errorf("second = %+v, want a snapshot", e)
		}
		cancel()
		for range stream { //nolint:revive // until it closes
		}

		ctx, cancel = context.WithCancel(w.ctx) // a reader that was cut off right behind the gap has no snapshot yet
		defer cancel()
		stream, err = w.Follow(ctx, health.Filter{After: &gap.Cursor})
		if err != nil {
			t.Fatal(err)
		}
		if e := next(t, stream); e.Kind != health.Snapshot || e.Health.Reason != health.ProviderError {
			t.Errorf("behind the gap = %+v, want a snapshot", e)
		}
		cancel()
		for range stream { //nolint:revive // until it closes
		}
	})
}

func TestAStreamKeepsToItsFilterAndItsViewer(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		mine, other := w.integration(t, w.users[0], "acme"), w.integration(t, w.users[1], "umbrella")
		foreign := newWorld(t, s)
		theirs := foreign.integration(t, foreign.users[0], "acme")

		asUser := viewer.With(w.ctx, viewer.Viewer{Company: w.company, User: w.users[0].ID, Actor: w.users[0].ID})
		streams := map[string]struct {
			ctx    context.Context
			filter health.Filter
		}{
			"by user":        {w.ctx, health.Filter{UserID: &w.users[0].ID}},
			"by provider":    {w.ctx, health.Filter{Providers: []string{"acme"}}},
			"by integration": {w.ctx, health.Filter{IntegrationIDs: []string{mine.ID, theirs.ID}}},
			"as the user":    {asUser, health.Filter{}},
		}
		open := map[string]<-chan health.Event{}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for name, s := range streams {
			v, _ := viewer.From(s.ctx)
			stream, err := w.Follow(viewer.With(ctx, v), s.filter)
			if err != nil {
				t.Fatal(err)
			}
			open[name] = stream
		}
		foreign.report(t, theirs, health.RateLimited)
		w.report(t, other, health.RateLimited)
		w.report(t, mine, health.RateLimited)
		for name, stream := range open {
			if e := next(t, stream); e.IntegrationID != mine.ID {
				t.Errorf("%s: got an event of %s", name, e.IntegrationID)
			}
		}
		cancel()
		for _, stream := range open {
			for e := range stream {
				t.Errorf("more came: %+v", e)
			}
		}
	})
}

func TestAMalformedCursorIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		for _, c := range []string{"", "x", "aDEuMQ", "aDEuLTEu", "aDEuMS5pbnRfeA", "' OR 1=1 --"} {
			if _, err := w.Follow(w.ctx, health.Filter{After: &c}); !problem.Is(err, problem.BadInput) {
				t.Errorf("Follow after %q = %v", c, err)
			}
		}
	})
}
