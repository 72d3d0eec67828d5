package health_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/integration"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
)

// hanging is a prober whose "acme-mute" never answers.
type hanging struct {
	prober

	began time.Time
	mu    sync.Mutex
	last  time.Duration // when the last of the others had been probed
}

func (h *hanging) Probe(ctx context.Context, row *ent.Integration) (health.Probed, error) {
	if row.Provider == "acme-mute" {
		<-ctx.Done()
		return health.Probed{}, ctx.Err()
	}
	out, err := h.prober.Probe(ctx, row)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = max(h.last, time.Since(h.began))
	return out, err
}

// TestProbesThatAreNeverAnsweredEndInTheirTimeAndHoldUpNobody runs on a clock of its own.
func TestProbesThatAreNeverAnsweredEndInTheirTimeAndHoldUpNobody(t *testing.T) {
	t.Parallel()
	url := storetest.SQLite(t)
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(t.Context(), store.Options{URL: url, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		w := newWorld(t, s)
		w.Every = rhythm
		w.NewID = id.NewSource(time.Now).New
		w.many(t, 40, func(i int) string { return []string{"acme-mute", "acme"}[i%2] })
		h := &hanging{began: time.Now()}
		h.Service = w.Service
		for n := 1; n > 0; {
			if n, err = w.ProbeDue(t.Context(), h, 64); err != nil {
				t.Fatal(err)
			}
		}
		if h.last > 2*time.Minute || len(h.asked) != 20 {
			t.Errorf("the last of %d others was probed after %v", len(h.asked), h.last)
		}
		for _, row := range w.Store.Client(w.ctx).Integration.Query().Where(integration.Provider("acme-mute")).AllX(w.ctx) {
			if row.NextProbeAt == nil || !row.NextProbeAt.After(time.Now()) {
				t.Errorf("%s is due at %v, now is %v", row.ID, row.NextProbeAt, time.Now())
			}
		}
		if took := time.Since(h.began); took > 10*time.Minute {
			t.Errorf("it took %v", took)
		}
	})
}
