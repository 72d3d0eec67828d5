package health_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent/healthchange"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/id"
)

func TestOldChangesArePrunedFromTheBeginningAlone(t *testing.T) {
	onClock(t, func(t *testing.T, w *world, c *clock) {
		start := c.now()
		if _, err := w.Audit.Append(w.ctx, audit.Event{Type: audit.Query}); err != nil {
			t.Fatal(err)
		}
		c.pass(24 * time.Hour)
		for seq, age := range []time.Duration{5, 4, 1, 4, 3, 0} { // the third was written by a clock that was ahead
			w.Store.Client(w.ctx).HealthChange.Create().SetID(w.NewID(id.HealthChange)).SetSeq(int64(seq + 1)).
				SetKind("CHANGE").SetIntegrationID(w.NewID(id.Integration)).SetProvider("acme").
				SetStatus(string(health.Healthy)).SetReason(string(health.OK)).SetOccurredAt(start.Add(-age * time.Hour)).
				ExecX(w.ctx)
		}
		left := func() string {
			var seqs []int64
			w.Store.Client(w.ctx).HealthChange.Query().Select(healthchange.FieldSeq).ScanX(w.ctx, &seqs)
			slices.Sort(seqs)
			return fmt.Sprint(seqs)
		}
		for _, step := range []struct {
			age, limit time.Duration
			pruned     int
			left       string
		}{
			{6, 10, 0, "[1 2 3 4 5 6]"}, {2, 1, 1, "[2 3 4 5 6]"}, {2, 10, 1, "[3 4 5 6]"}, {2, 10, 0, "[3 4 5 6]"},
			{-1, 10, 4, "[]"},
		} {
			n, err := w.Prune(t.Context(), start.Add(-step.age*time.Hour), int(step.limit))
			if err != nil || n != step.pruned || left() != step.left {
				t.Errorf("older than %d hours: pruned %d, %v, left %s", step.age, n, err, left())
			}
		}
		if events := w.Store.Client(w.ctx).AuditEvent.Query().CountX(w.ctx); events != 1 {
			t.Error("the audit trail was pruned")
		}
	})
}
