package question_test

import (
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/question"
)

func TestWhatHasHappenedAlreadyIsLookedForInThePast(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC) // a Wednesday
	for ask, want := range map[string]struct{ past, otherwise string }{
		"orders on friday":                {"2026-11-20", "2026-11-27"},
		"what orders do we have monday":   {"2026-11-23", "2026-11-30"},
		"visits in september":             {"2026-09-01", "2027-09-01"},
		"orders on april 3":               {"2026-04-03", "2027-04-03"},
		"which invoices are due friday":   {"2026-11-27", "2026-11-27"},
		"orders that will arrive friday":  {"2026-11-27", "2026-11-27"},
		"orders that were placed friday":  {"2026-11-20", "2026-11-20"},
		"orders of next friday":           {"2026-12-04", "2026-12-04"},
		"orders of last friday":           {"2026-11-20", "2026-11-20"},
		"orders since tuesday":            {"2026-11-24", "2026-11-24"},
		"orders today":                    {"2026-11-25", "2026-11-25"},
		"which orders came in on tuesday": {"2026-11-24", "2026-11-24"},
	} {
		t.Run(ask, func(t *testing.T) {
			t.Parallel()
			for past, want := range map[bool]string{true: want.past, false: want.otherwise} {
				r := question.Read(ask, question.Options{Now: now, Phrases: []string{"order", "invoice", "visit"}, Past: past})
				if r.Window == nil || r.Window.Start == nil || r.Window.Start.Format(time.DateOnly) != want {
					t.Errorf("past %t: %v, want %s", past, window(r.Window), want)
				}
			}
		})
	}
}
