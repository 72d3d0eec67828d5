package audit_test

import (
	"context"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent/auditevent"
	"github.com/patchbay/patchbay/internal/access"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/house/leak"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
	"github.com/patchbay/patchbay/internal/viewer"
)

func TestMain(m *testing.M) { leak.Main(m) }

func newTrail(t *testing.T, s *store.Store, company string) (*audit.Service, context.Context) {
	t.Helper()
	now := func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
	newID := id.NewSource(now).New
	trail := &audit.Service{Store: s, Now: now, NewID: newID, Look: time.Hour} // whoever follows is woken
	if company == "" {
		row, err := (&access.Service{Store: s, Audit: trail, Now: now, NewID: newID}).CreateCompany(t.Context(), "Acme")
		if err != nil {
			t.Fatal(err)
		}
		company = row.ID
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return trail, viewer.With(ctx, viewer.Viewer{Company: company, Actor: "key_test", Scopes: viewer.Scopes})
}

func add(t *testing.T, ctx context.Context, trail *audit.Service, kind audit.Type) string { //nolint:revive // t first
	t.Helper()
	eventID, err := trail.Append(ctx, audit.Event{Type: kind})
	if err != nil {
		t.Fatal(err)
	}
	return eventID
}

func next(t *testing.T, stream <-chan audit.Delivery) audit.Delivery {
	t.Helper()
	select {
	case d, open := <-stream:
		if !open {
			t.Fatal("the stream ended")
		}
		return d
	case <-time.After(time.Minute):
		t.Fatal("no event came")
	}
	panic("unreachable")
}

// reaches reads up to this event. A stream that begins at the present end may tell of some that were written just before.
func reaches(t *testing.T, stream <-chan audit.Delivery, eventID string) {
	t.Helper()
	for {
		d := next(t, stream)
		if d.Event == nil || d.Event.ID > eventID {
			t.Fatalf("got %+v, want %s", d, eventID)
		}
		if d.Event.ID == eventID {
			return
		}
	}
}

func TestEventsAreToldInOrderAndAgainBehindACursor(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, url string) {
		here, ctx := newTrail(t, storetest.Open(t, store.Options{URL: url}), "")
		v, _ := viewer.From(ctx)
		foreign, elsewhere := newTrail(t, here.Store, "")
		there := here
		if here.Store.Dialect() == store.Postgres { // as another replica
			there, _ = newTrail(t, storetest.Open(t, store.Options{URL: url}), v.Company)
		}
		before := add(t, ctx, here, audit.Created) // told only while another transaction of the server is under way
		stream, err := there.Follow(ctx, audit.Filter{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		queries, err := there.Follow(ctx, audit.Filter{Types: []string{string(audit.Query)}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var want, asked []string
		for i := range 400 { // more than a page and than a buffer: nobody reads meanwhile
			kind := []audit.Type{audit.Updated, audit.Query}[i%2]
			want = append(want, add(t, ctx, here, kind))
			if kind == audit.Query {
				asked = append(asked, want[i])
			}
			if i%50 == 0 {
				add(t, elsewhere, foreign, audit.Query)
			}
		}
		var middle string
		for i, eventID := range want {
			d := next(t, stream)
			if i == 0 && d.Event != nil && d.Event.ID == before {
				d = next(t, stream)
			}
			if d.Event == nil || d.Event.ID != eventID {
				t.Fatalf("event %d = %+v, want %s", i, d, eventID)
			}
			if i == 200 {
				middle = d.Cursor
			}
		}
		for i, eventID := range asked {
			if d := next(t, queries); d.Event == nil || d.Event.ID != eventID {
				t.Fatalf("query %d = %+v, want %s", i, d, eventID)
			}
		}
		again, err := here.Follow(ctx, audit.Filter{}, &middle)
		if err != nil {
			t.Fatal(err)
		}
		for i, eventID := range want[201:] {
			if d := next(t, again); d.Event == nil || d.Event.ID != eventID {
				t.Fatalf("resumed event %d = %+v", i, d)
			}
		}

		system := viewer.SystemFor(t.Context(), v.Company)
		here.Store.Client(system).AuditEvent.Delete().Where(auditevent.IDLT(want[300])).ExecX(system)
		lost, err := here.Follow(ctx, audit.Filter{}, &middle)
		if err != nil {
			t.Fatal(err)
		}
		gap := next(t, lost)
		if gap.Event != nil {
			t.Errorf("resumed behind what is gone: %+v", gap)
		}
		newest := add(t, ctx, here, audit.Deleted)
		reaches(t, lost, newest)
		behind, err := here.Follow(ctx, audit.Filter{}, &gap.Cursor)
		if err != nil {
			t.Fatal(err)
		}
		reaches(t, behind, newest)
		if _, err := here.Follow(ctx, audit.Filter{}, new("x")); !problem.Is(err, problem.BadInput) {
			t.Errorf("a cursor that is none: %v", err)
		}
	})
}

// A transaction that began first and commits last must not be passed over, nor be told out of order.
func TestAnEventThatIsCommittedLateIsNotPassedOver(t *testing.T) {
	t.Parallel()
	trail, ctx := newTrail(t, storetest.Open(t, store.Options{URL: storetest.Postgres(t)}), "")
	stream, err := trail.Follow(ctx, audit.Filter{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	early := add(t, ctx, trail, audit.Created)
	reaches(t, stream, early)
	var late, quick string
	err = trail.Store.InTx(ctx, func(inside context.Context) error {
		late = add(t, inside, trail, audit.Updated)
		quick = add(t, store.Outside(inside), trail, audit.Query)
		select {
		case d := <-stream:
			t.Errorf("told while an earlier one was on its way: %+v", d)
		case <-time.After(time.Second):
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{late, quick} {
		if d := next(t, stream); d.Event.ID != want {
			t.Errorf("got %s, want %s", d.Event.ID, want)
		}
	}
}

// What holds an event back may end without anything to tell, and then nobody says so.
func TestAnEventThatWaitsForATransactionIsToldSoonAfterItsEnd(t *testing.T) {
	t.Parallel()
	trail, ctx := newTrail(t, storetest.Open(t, store.Options{URL: storetest.Postgres(t)}), "")
	stream, err := trail.Follow(ctx, audit.Filter{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var held string
	err = trail.Store.InTx(ctx, func(inside context.Context) error {
		if _, err := trail.Store.SQL(inside).ExecContext(inside, "select pg_current_xact_id()"); err != nil {
			return err
		}
		held = add(t, store.Outside(inside), trail, audit.Query)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	reaches(t, stream, held)
}

// A replica that is killed between a commit and telling of it leaves an event that nobody was woken for.
func TestAnEventThatNobodyWasWokenForIsFound(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		trail, ctx := newTrail(t, s, "")
		trail.Look = 20 * time.Millisecond
		stream, err := trail.Follow(ctx, audit.Filter{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		silent := s.Client(ctx).AuditEvent.Create().SetID(trail.NewID(id.AuditEvent)).SetEventType(string(audit.Query)).
			SetTimestamp(trail.Now()).SetActor("key_test").SetSucceeded(true).SetDetails(nil)
		if s.Dialect() == store.SQLite {
			silent.SetTx(1000)
		}
		reaches(t, stream, silent.SaveX(ctx).ID)
	})
}
