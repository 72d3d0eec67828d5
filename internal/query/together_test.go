package query_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/store"
)

func TestAskingAndDisconnectingNeverWaitForEachOther(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		var log bytes.Buffer
		w.Service.Log = slog.New(slog.NewTextHandler(&log, nil))
		for range 5 {
			w.row = w.Connect(t, w.User)
			w.must(t, "meetings") // the day's counter is there
			var all sync.WaitGroup
			for range 6 {
				all.Go(func() {
					_, err := w.ask("meetings")
					if err != nil && !problem.Is(err, problem.NotFound) && !problem.Is(err, problem.ReauthorizationRequired) {
						t.Error(err)
					}
				})
			}
			all.Go(func() {
				if _, err := w.Disconnect(w.Ctx, w.row.ID); err != nil {
					t.Error(err)
				}
			})
			all.Wait()
		}
		if strings.Contains(log.String(), "deadlock") {
			t.Error(log.String())
		}
	})
}

func TestNoSecretIsStoredAsItIs(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		hooked := w.Webhook(t)
		attempt, err := w.World.Service.Connect(w.Ctx, w.ConnectInput(w.Other))
		if err != nil {
			t.Fatal(err)
		}
		w.must(t, "meetings")
		dump := everything(t, w.World.Store, w)
		for what, secret := range map[string]string{
			"access token": "access-1", "refresh token": "refresh-1", "webhook's token": "hook-token",
			"signing key": hooked.SigningSecret.Reveal(), "state": attempt.State.Reveal(), "code": "code-1",
			"client's secret": "client-secret",
			"verifier":        w.Vendor.Calls("login.example.com/token")[0].Form.Get("code_verifier"),
		} {
			if strings.Contains(dump, secret) {
				t.Errorf("the database holds the %s", what)
			}
		}
		if !strings.Contains(dump, w.row.ID) {
			t.Error("the dump is empty")
		}
	})
}

// everything returns what all tables hold, as text.
func everything(t *testing.T, s *store.Store, w *world) string {
	t.Helper()
	var out strings.Builder
	for _, table := range []string{
		"integrations", "credentials", "connect_attempts", "audit_events", "health_changes", "usage_counters", "users",
	} {
		rows, err := s.SQL(w.Ctx).QueryContext(w.Ctx, "select * from "+table) //nolint:gosec // the names stand above
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			if err := rows.Scan(values...); err != nil {
				t.Fatal(err)
			}
			for _, v := range values {
				switch v := (*v.(*any)).(type) {
				case []byte:
					out.Write(v)
				default:
					fmt.Fprint(&out, v)
				}
				out.WriteByte(' ')
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		_ = rows.Close()
	}
	return out.String()
}
