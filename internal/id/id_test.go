package id_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/id"
)

func TestIdentifiersSortInTheOrderTheyWereMade(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 20, 14, 22, 0, 0, time.UTC)
	src := id.NewSource(func() time.Time { return at })
	made := make([]string, 0, 10_000)
	for i := range 10_000 {
		if i == 5_000 {
			at = at.Add(-time.Hour) // a clock that jumps back
		}
		made = append(made, src.New(id.User))
	}
	if !slices.IsSorted(made) {
		t.Error("identifiers are out of order")
	}
}

func TestIdentifiersMadeSideBySideAreDistinct(t *testing.T) {
	t.Parallel()
	src := id.NewSource(time.Now)
	var mu sync.Mutex
	seen := map[string]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1_000 {
				s := src.New(id.Integration)
				mu.Lock()
				seen[s] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seen) != 8_000 {
		t.Errorf("got %d distinct identifiers, want 8000", len(seen))
	}
}

func TestCheckAcceptsOnlyItsOwnKind(t *testing.T) {
	t.Parallel()
	user := id.NewSource(time.Now).New(id.User)
	if err := id.Check(id.User, user); err != nil {
		t.Errorf("Check(%q) = %v", user, err)
	}
	for name, s := range map[string]string{
		"another kind":      "int_" + user[len("user_"):],
		"an unknown kind":   "foo_" + user[len("user_"):],
		"no kind":           user[len("user_"):],
		"empty":             "",
		"too short":         user[:20],
		"too long":          user + "0",
		"a foreign letter":  user[:30] + "u",
		"upper case":        strings.ToUpper(user),
		"more than 128 bit": "user_8" + user[len("user_")+1:],
		"SQL":               "user_' OR 1=1 --",
	} {
		if err := id.Check(id.User, s); err == nil {
			t.Errorf("%s: Check accepted %q", name, s)
		}
	}
}

func TestAFloorPartsWhatWasMadeBeforeATimeFromWhatWasMadeAfter(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	now := at.Add(-time.Millisecond)
	ids := id.NewSource(func() time.Time { return now })
	before := ids.New(id.User)
	now = at
	after := ids.New(id.User)
	if floor := id.Floor(id.User, at); before >= floor || floor >= after {
		t.Errorf("%s, %s, %s", before, floor, after)
	}
	if floor := id.Floor(id.User, time.Unix(-5, 0)); floor >= before {
		t.Errorf("before all time: %s", floor)
	}
}
