package health_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/auditevent"
	"github.com/patchbay/patchbay/ent/healthchange"
	"github.com/patchbay/patchbay/internal/access"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
	"github.com/patchbay/patchbay/internal/viewer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a company with users and integrations, and the service under test.
type world struct {
	*health.Service
	ctx     context.Context
	company string
	users   []*ent.User
}

func newWorld(t *testing.T, s *store.Store) *world {
	t.Helper()
	now := func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
	newID := id.NewSource(now).New
	trail := &audit.Service{Store: s, Now: now, NewID: newID}
	company, err := (&access.Service{Store: s, Audit: trail, Now: now, NewID: newID}).CreateCompany(t.Context(), "Acme")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		Service: &health.Service{Store: s, Audit: trail, Now: now, NewID: newID},
		ctx:     viewer.With(t.Context(), viewer.Viewer{Company: company.ID, Actor: "key_test", Scopes: []viewer.Scope{viewer.Admin}}),
		company: company.ID,
	}
	for range 2 {
		u, err := s.Client(w.ctx).User.Create().SetID(newID(id.User)).SetCreatedAt(now()).SetUpdatedAt(now()).Save(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		w.users = append(w.users, u)
	}
	return w
}

func (w *world) integration(t *testing.T, owner *ent.User, provider string) *ent.Integration {
	t.Helper()
	now := w.Now()
	row, err := w.Store.Client(w.ctx).Integration.Create().SetID(w.NewID(id.Integration)).SetUserID(owner.ID).
		SetProvider(provider).SetAuthKind("OAUTH2").SetName(provider).SetCreatedAt(now).SetUpdatedAt(now).
		SetHealthStatus("HEALTHY").SetHealthReason("OK").SetHealthAction("NONE").Save(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func (w *world) report(t *testing.T, row *ent.Integration, reason health.Reason) bool {
	t.Helper()
	changed, err := w.Report(w.ctx, row.ID, health.Finding{Reason: reason})
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func TestBehaviour14FiftyReportersOfOneChangeMakeOneEvent(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		row := w.integration(t, w.users[0], "acme")
		var changes sync.Map
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				changed, err := w.Report(w.ctx, row.ID, health.Finding{Reason: health.CredentialRevoked})
				if err != nil {
					t.Error(err)
				}
				if changed {
					changes.Store(i, true)
				}
			})
		}
		all.Wait()
		said := 0
		changes.Range(func(any, any) bool { said++; return true })
		rows := w.Store.Client(w.ctx).HealthChange.Query().CountX(w.ctx)
		events := w.Store.Client(w.ctx).AuditEvent.Query().Where(auditevent.EventType("HEALTH_CHANGED")).CountX(w.ctx)
		if said != 1 || rows != 1 || events != 1 {
			t.Errorf("%d reporters changed it, %d change rows, %d audit events; want 1 of each", said, rows, events)
		}
	})
}

func TestBehaviour14ThreeFailedProbesDegradeAndOneSuccessRecovers(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		row := w.integration(t, w.users[0], "acme")
		for i, want := range []bool{false, false, true, false} {
			changed, err := w.ProbeFailed(w.ctx, row.ID, health.Finding{Reason: health.ProviderError})
			if err != nil || changed != want {
				t.Errorf("failure %d: changed = %v, %v; want %v", i+1, changed, err, want)
			}
		}
		if changed, err := w.Proved(w.ctx, row.ID, false); err != nil || !changed {
			t.Errorf("success: changed = %v, %v", changed, err)
		}
		if changed, err := w.ProbeFailed(w.ctx, row.ID, health.Finding{Reason: health.CredentialRejected}); err != nil || !changed {
			t.Errorf("a definitive rejection waited: changed = %v, %v", changed, err)
		}
	})
}

func TestASuccessDoesNotGrantMissingScopes(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		row := w.integration(t, w.users[0], "acme")
		w.report(t, row, health.ScopesMissing)
		if changed, err := w.Proved(w.ctx, row.ID, true); err != nil || changed {
			t.Errorf("Proved = %v, %v", changed, err)
		}
		got := health.Of(w.Store.Client(w.ctx).Integration.GetX(w.ctx, row.ID))
		if got.Reason != health.ScopesMissing || got.Action != health.GrantScopes || got.LastSucceededAt == nil {
			t.Errorf("health = %+v", got)
		}
	})
}

// An outage must not turn a dead credential into one that waiting mends, nor its end grant the missing scopes.
func TestWhatPassesByItselfDoesNotHideWhatSomebodyMustMend(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		for _, reason := range []health.Reason{health.ScopesMissing, health.CredentialRejected, health.SecretUnreadable} {
			row := w.integration(t, w.users[0], "acme")
			w.report(t, row, reason)
			for range 4 {
				if changed, err := w.ProbeFailed(w.ctx, row.ID, health.Finding{Reason: health.ProviderUnreachable}); err != nil || changed {
					t.Errorf("%s: a failed probe changed it: %v, %v", reason, changed, err)
				}
			}
			if w.report(t, row, health.RateLimited) {
				t.Errorf("%s: a slow-down changed it", reason)
			}
			if got := w.Store.Client(w.ctx).Integration.GetX(w.ctx, row.ID).HealthReason; got != string(reason) {
				t.Errorf("%s became %s", reason, got)
			}
			w.report(t, row, health.CredentialRevoked)
			if got := w.Store.Client(w.ctx).Integration.GetX(w.ctx, row.ID).HealthReason; got != string(health.CredentialRevoked) {
				t.Errorf("%s stays %s although the credential was revoked", reason, got)
			}
		}
	})
}

func TestNumbersHaveNoGapsAndARolledBackChangeLeavesNothing(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		rows := []*ent.Integration{w.integration(t, w.users[0], "acme"), w.integration(t, w.users[1], "acme")}
		boom := fmt.Errorf("boom")
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				// Each transaction changes both rows, in either order, and every fourth rolls back.
				err := w.Store.RetryTx(w.ctx, func(ctx context.Context) error {
					for j := range 2 {
						reason := []health.Reason{health.ProviderError, health.OK, health.RateLimited}[(i+j)%3]
						if _, err := w.Report(ctx, rows[j].ID, health.Finding{Reason: reason}); err != nil {
							return err
						}
					}
					if i%4 == 0 {
						return boom
					}
					return nil
				})
				if err != nil && err != boom {
					t.Error(err)
				}
			})
		}
		all.Wait()
		changes := w.Store.Client(w.ctx).HealthChange.Query().Order(healthchange.BySeq()).AllX(w.ctx)
		for i, c := range changes {
			if c.Seq != int64(i+1) {
				t.Fatalf("change %d has number %d", i+1, c.Seq)
			}
		}
		events := w.Store.Client(w.ctx).AuditEvent.Query().Where(auditevent.EventType("HEALTH_CHANGED")).CountX(w.ctx)
		if events != len(changes) {
			t.Errorf("%d audit events for %d changes", events, len(changes))
		}
	})
}

func next(t *testing.T, stream <-chan health.Event) health.Event {
	t.Helper()
	select {
	case e, open := <-stream:
		if !open {
			t.Fatal("the stream ended")
		}
		return e
	case <-time.After(20 * time.Second):
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
		case <-time.After(20 * time.Second):
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
