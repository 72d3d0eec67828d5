package integration_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/integration/integrationtest"
	"github.com/patchbay/patchbay/internal/problem"
)

// begin begins to connect and returns how long to wait when that is refused, 0 when it is not.
func begin(t *testing.T, w *integrationtest.World, owner *ent.User) time.Duration {
	t.Helper()
	_, err := w.Service.Connect(w.Ctx, w.ConnectInput(owner))
	if err == nil {
		return 0
	}
	p, ok := errors.AsType[*problem.Error](err)
	if !ok || p.Code != problem.TooManyAttempts || p.RetryAfter <= 0 {
		t.Fatalf("refused with %v", err)
	}
	return p.RetryAfter
}

func TestTooManyAttemptsOfOneUserSayWhenTheNextMayBe(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		for n := range 100 {
			if n == 50 {
				w.Wait(4 * time.Minute)
			}
			if begin(t, w, w.User) != 0 {
				t.Fatalf("attempt %d was refused", n+1)
			}
		}
		for range 200 {
			if wait := begin(t, w, w.User); wait != 6*time.Minute {
				t.Fatalf("wait = %v", wait)
			}
		}
		if begin(t, w, w.Other) != 0 {
			t.Error("another user was refused")
		}
		if n := w.Store.Client(w.Ctx).ConnectAttempt.Query().CountX(w.Ctx); n != 101 {
			t.Errorf("%d attempts are kept", n)
		}
		w.Wait(6*time.Minute + time.Second)
		for n := range 50 {
			if begin(t, w, w.User) != 0 {
				t.Fatalf("attempt %d of the next was refused", n+1)
			}
		}
		if begin(t, w, w.User) == 0 {
			t.Error("a hundred and one within ten minutes")
		}
	})
}

func TestCallersWhoComeAtTheSameMomentDoNotExceedTheLimit(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		var admitted atomic.Int64
		var callers sync.WaitGroup
		for range 200 {
			callers.Go(func() {
				_, err := w.Service.Connect(w.Ctx, w.ConnectInput(w.User))
				switch {
				case err == nil:
					admitted.Add(1)
				case !problem.Is(err, problem.TooManyAttempts):
					t.Error(err)
				}
			})
		}
		callers.Wait()
		if kept := w.Store.Client(w.Ctx).ConnectAttempt.Query().CountX(w.Ctx); kept != 100 || admitted.Load() != 100 {
			t.Errorf("%d of 200 were let in, %d are kept, want 100", admitted.Load(), kept)
		}
	})
}

func TestTooManyAttemptsOfOneCompanyAreBoundedAndPruned(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		now := w.Now()
		rows := w.Store.Client(w.Ctx).ConnectAttempt
		for part := range 50 {
			var some []*ent.ConnectAttemptCreate
			for n := range 100 {
				some = append(some, rows.Create().SetID(w.NewID(id.ConnectAttempt)).SetProvider(integrationtest.Provider).
					SetUserID(w.Other.ID).SetStateHash(fmt.Sprint(part, n)).SetRedirectURL("https://a.example.org").
					SetOwnPage(false).SetClientID("client-1").SetStatus("PENDING").
					SetCreatedAt(now).SetExpiresAt(now.Add(10*time.Minute)))
			}
			rows.CreateBulk(some...).ExecX(w.Ctx)
		}
		if wait := begin(t, w, w.User); wait != 10*time.Minute {
			t.Errorf("wait = %v", wait)
		}
		w.Wait(10*time.Minute + time.Second)
		if begin(t, w, w.User) != 0 {
			t.Error("refused ten minutes later")
		}
		w.Wait(24 * time.Hour)
		for steps := 0; ; steps++ {
			n, err := w.PruneAttempts(t.Context(), w.Now(), 500)
			if err != nil || n > 500 || steps > 11 {
				t.Fatalf("step %d pruned %d, %v", steps, n, err)
			}
			if n == 0 {
				break
			}
		}
		if n := rows.Query().CountX(w.Ctx); n != 0 {
			t.Errorf("%d attempts are left", n)
		}
	})
}
