package seal_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/patchbay/patchbay/internal/seal"
)

func with(t *testing.T, r *seal.Ring) (*seal.Ring, uint32) {
	t.Helper()
	made, key, err := r.With()
	if err != nil {
		t.Fatal(err)
	}
	return made, key
}

func promote(t *testing.T, r *seal.Ring, key uint32) *seal.Ring {
	t.Helper()
	made, err := r.Promote(key)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func sealed(t *testing.T, r *seal.Ring) seal.Sealed {
	t.Helper()
	s, err := r.Seal(seal.NewSecret(mark), home)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func keyOf(t *testing.T, s seal.Sealed) uint32 {
	t.Helper()
	key, ok := s.KeyID()
	if !ok {
		t.Fatal("the value names no key")
	}
	return key
}

func opens(t *testing.T, r *seal.Ring, s seal.Sealed) {
	t.Helper()
	if got, err := r.Open(s, home); err != nil || got.Reveal() != mark {
		t.Errorf("Open = %v", err)
	}
}

func TestANewKeyOpensBeforeItSealsAndAnOldOneAfter(t *testing.T) {
	t.Parallel()
	first := newRing(t)
	old := first.Primary()
	two, key := with(t, first)
	if len(first.Keys()) != 1 || len(two.Keys()) != 2 || two.Primary() != old || !two.Holds(key) {
		t.Errorf("keys %v, then %v", first.Keys(), two.Keys())
	}
	promoted := promote(t, two, key)
	before, after := sealed(t, two), sealed(t, promoted)
	if keyOf(t, before) != old || keyOf(t, after) != key {
		t.Errorf("sealed with %d and %d", keyOf(t, before), keyOf(t, after))
	}
	opens(t, two, after) // a replica that knows the key and not yet the promotion
	opens(t, promoted, before)
	if _, err := promoted.Without(key); err == nil || !strings.Contains(err.Error(), "promote another") {
		t.Errorf("the primary was dropped: %v", err)
	}
	last, err := promoted.Without(old)
	if err != nil {
		t.Fatal(err)
	}
	opens(t, last, after)
	if _, err := last.Open(before, home); !errors.Is(err, seal.ErrUnknownKey) {
		t.Errorf("a dropped key: %v", err)
	}
	for name, try := range map[string]func(uint32) (*seal.Ring, error){"promote": last.Promote, "drop": last.Without} {
		if _, err := try(old); err == nil || !strings.Contains(err.Error(), "holds no key") {
			t.Errorf("%s a key that is not there: %v", name, err)
		}
	}
}

// ringFile writes a ring of one key and follows it.
func ringFile(t *testing.T) (path string, following *seal.Ring, log *bytes.Buffer) {
	t.Helper()
	path, log = filepath.Join(t.TempDir(), "keyring.json"), &bytes.Buffer{}
	if err := seal.WriteRingFile(path, newRing(t)); err != nil {
		t.Fatal(err)
	}
	following, err := seal.FollowRingFile(path, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return path, following, log
}

func change(t *testing.T, path string, do func(*seal.Ring) (*seal.Ring, error)) {
	t.Helper()
	if err := seal.ChangeRingFile(path, do); err != nil {
		t.Fatal(err)
	}
}

func TestARingFollowsItsFile(t *testing.T) {
	t.Parallel()
	path, following, log := ringFile(t)
	before := sealed(t, following)
	var key uint32
	change(t, path, func(r *seal.Ring) (made *seal.Ring, err error) { made, key, err = r.With(); return made, err })
	if got := keyOf(t, sealed(t, following)); got == key {
		t.Error("a key that was only added seals")
	}
	change(t, path, func(r *seal.Ring) (*seal.Ring, error) { return r.Promote(key) })
	elsewhere, err := seal.ReadRingFile(path)
	if err != nil {
		t.Fatal(err)
	}
	opens(t, following, sealed(t, elsewhere))
	if got := keyOf(t, sealed(t, following)); got != key {
		t.Errorf("after the promotion %d seals, want %d", got, key)
	}
	opens(t, following, before)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v", info.Mode(), err)
	}
	if n := strings.Count(log.String(), "was read again"); n != 2 {
		t.Errorf("%d changes told, want 2:\n%s", n, log)
	}
}

func TestAnUnknownKeyMakesTheRingLookAtItsFile(t *testing.T) {
	t.Parallel()
	path, following, _ := ringFile(t)
	change(t, path, func(r *seal.Ring) (*seal.Ring, error) {
		made, key, err := r.With()
		if err != nil {
			return nil, err
		}
		return made.Promote(key)
	})
	elsewhere, err := seal.ReadRingFile(path)
	if err != nil {
		t.Fatal(err)
	}
	foreign := sealed(t, elsewhere)
	var callers sync.WaitGroup
	for range 20 {
		callers.Go(func() { opens(t, following, foreign) })
	}
	callers.Wait()
	if _, err := following.Open(sealed(t, newRing(t)), home); !errors.Is(err, seal.ErrUnknownKey) {
		t.Errorf("a key that nobody has: %v", err)
	}
}

func TestARingStaysAsItIsWhenItsFileIsDamagedOrGone(t *testing.T) {
	t.Parallel()
	path, following, log := ringFile(t)
	before := sealed(t, following)
	for _, harm := range []func() error{
		func() error { return os.WriteFile(path, []byte(`{"key":"`+mark+`"}`), 0o600) },
		func() error { return os.Chmod(path, 0o644) },
		func() error { return os.Remove(path) },
	} {
		if err := harm(); err != nil {
			t.Fatal(err)
		}
		opens(t, following, before)
		opens(t, following, sealed(t, following))
		opens(t, following, sealed(t, following))
	}
	if n := strings.Count(log.String(), "level=WARN"); n == 0 || n > 3 || strings.Contains(log.String(), mark) {
		t.Errorf("%d warnings:\n%s", n, log)
	}
}

func TestAChangeOfTheRingFileIsWholeOrNothing(t *testing.T) {
	t.Parallel()
	path, _, _ := ringFile(t)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	same := func(what string) {
		t.Helper()
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, before) {
			t.Errorf("%s: the ring has changed (%v)", what, err)
		}
	}
	stop := errors.New("no")
	if err := seal.ChangeRingFile(path, func(*seal.Ring) (*seal.Ring, error) { return nil, stop }); !errors.Is(err, stop) {
		t.Errorf("err = %v", err)
	}
	same("a change that was given up")
	err = seal.ChangeRingFile(path, func(r *seal.Ring) (*seal.Ring, error) {
		inner := seal.ChangeRingFile(path, func(r *seal.Ring) (*seal.Ring, error) { return r, nil })
		if inner == nil || !strings.Contains(inner.Error(), path+".new") {
			t.Errorf("a second change at the same time: %v", inner)
		}
		return nil, stop
	})
	if !errors.Is(err, stop) {
		t.Errorf("err = %v", err)
	}
	same("two changes at once")
	if left, _ := filepath.Glob(path + "?*"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
