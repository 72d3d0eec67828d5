package app_test

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/store/storetest"
)

// shift makes a database's clock differ from the machine's by some hours, for every connection from now on: a function
// of the same name stands before the database's own.
func shift(t *testing.T, db *sql.DB, hours int) {
	t.Helper()
	for _, statement := range []string{
		`create schema shifted`,
		fmt.Sprintf(`create function shifted.clock_timestamp() returns timestamptz language sql volatile as
			'select pg_catalog.clock_timestamp() + interval ''%d hours'''`, hours),
		`do $$ begin
			execute format('alter database %I set search_path = public, shifted, pg_catalog', current_database());
		end $$`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAReplicaWhoseClockIsHoursOffBehavesLikeTheOthers runs two replicas whose machine is hours away from the database,
// which is as good as the other way round: tokens, leases, attempts and staleness go by the database's clock.
func TestAReplicaWhoseClockIsHoursOffBehavesLikeTheOthers(t *testing.T) {
	t.Parallel()
	for name, hours := range map[string]int{"behind": 6, "ahead": -6} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database := storetest.Postgres(t)
			db := openBeside(t, database)
			defer db.Close()
			shift(t, db, hours)
			s := newSealedServer(t, database)
			other := s.start(t)
			there := func() time.Time { return time.Now().Add(time.Duration(hours) * time.Hour) }
			near := func(what string, v any, want time.Time) {
				t.Helper()
				text, _ := v.(string)
				if got, err := time.Parse(time.RFC3339, text); err != nil || got.Sub(want).Abs() > 5*time.Minute {
					t.Errorf("%s is %v, want about %v", what, v, want)
				}
			}

			calendar := s.calendar("ada")
			ask := func(r *running) {
				t.Helper()
				got := r.attempt("integrationQuery", "result { results { title } }", map[string]any{
					"integrationId": calendar, "query": "meetings today",
				})
				if at(got, "result") == nil {
					t.Errorf("asked: %s", text(got))
				}
			}
			tokens := func(want int) {
				t.Helper()
				s.vendor.mu.Lock()
				defer s.vendor.mu.Unlock()
				if s.vendor.issued != want {
					t.Errorf("the vendor has issued %d tokens, want %d", s.vendor.issued, want)
				}
			}
			ask(s.running)
			ask(other)
			tokens(1) // nobody takes a good token for an expired one
			if _, err := db.ExecContext(t.Context(), fmt.Sprintf(
				`update credentials set expires_at = now() + interval '%d hours' - interval '1 minute'`, hours)); err != nil {
				t.Fatal(err)
			}
			ask(other)
			ask(s.running)
			tokens(2)

			got := s.ask(`query($id: ID!) { integration(id: $id) { health { status checkedAt } }
				auditEvents(first: 1) { nodes { timestamp } } }`, map[string]any{"id": calendar})
			near("the proof", at(got, "integration", "health", "checkedAt"), there())
			near("the trail", at(got, "auditEvents", "nodes", 0, "timestamp"), there())
			if at(got, "integration", "health", "status") != "HEALTHY" {
				t.Errorf("health: %s", text(got))
			}
			begun := s.mutate("integrationConnect", "state expiresAt", map[string]any{
				"provider": "google_calendar", "redirectUrl": "http://127.0.0.1:9/done",
			})
			near("the attempt's end", begun["expiresAt"], there().Add(10*time.Minute))
			pending := other.ask(`query($s: String!) { connectAttempt(state: $s) { status } }`,
				map[string]any{"s": begun["state"]})
			if at(pending, "connectAttempt", "status") != "PENDING" {
				t.Errorf("the attempt: %s", text(pending))
			}
			held := column(t, db, `select count(*)::text from credentials where lease_owner is not null`)
			if held[0] != "0" {
				t.Errorf("%s leases are left", held[0])
			}
		})
	}
}
