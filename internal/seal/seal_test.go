package seal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/seal"
)

const mark = "MARKED-SECRET-7f3a"

var home = seal.Place{Company: "co_1", Table: "credentials", Row: "cred_1", Column: "access_token"}

func newRing(t *testing.T) *seal.Ring {
	t.Helper()
	r, err := seal.NewRing()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestBehaviour19ASealedValueOpensOnlyInItsOwnPlace(t *testing.T) {
	t.Parallel()
	ring := newRing(t)
	sealed, err := ring.Seal(seal.NewSecret(mark), home)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ring.Open(sealed, home); err != nil || got.Reveal() != mark {
		t.Errorf("Open at home = %q, %v", got.Reveal(), err)
	}
	for name, p := range map[string]seal.Place{
		"another company": {Company: "co_2", Table: home.Table, Row: home.Row, Column: home.Column},
		"another table":   {Company: home.Company, Table: "users", Row: home.Row, Column: home.Column},
		"another row":     {Company: home.Company, Table: home.Table, Row: "cred_2", Column: home.Column},
		"another column":  {Company: home.Company, Table: home.Table, Row: home.Row, Column: "refresh_token"},
	} {
		if got, err := ring.Open(sealed, p); !errors.Is(err, seal.ErrUnreadable) || !got.IsZero() {
			t.Errorf("%s: Open = %v, want ErrUnreadable", name, err)
		}
	}
	if _, err := newRing(t).Open(sealed, home); !errors.Is(err, seal.ErrUnknownKey) {
		t.Errorf("another ring: Open = %v, want ErrUnknownKey", err)
	}
	sealed[len(sealed)-1] ^= 1
	if _, err := ring.Open(sealed, home); !errors.Is(err, seal.ErrUnreadable) {
		t.Errorf("damaged: Open = %v, want ErrUnreadable", err)
	}
}

func TestSecretsNeverPrintThemselves(t *testing.T) {
	t.Parallel()
	sealed, err := newRing(t).Seal(seal.NewSecret(mark), home)
	if err != nil {
		t.Fatal(err)
	}
	type holder struct {
		Secret seal.Secret
		Sealed seal.Sealed
		Ptr    *seal.Secret
	}
	secret := seal.NewSecret(mark)
	h := holder{secret, sealed, &secret}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+" "+verb+" "+verb+"\n", h, secret, sealed)
	}
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("x", "secret", secret, "sealed", sealed, "holder", h)
	if err := json.NewEncoder(&out).Encode(h); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(&out, fmt.Errorf("wrapped: %v", secret))
	for _, leak := range []string{mark, string(sealed), fmt.Sprintf("%x", mark), fmt.Sprintf("%x", []byte(sealed))} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("output holds the secret:\n%s", out.String())
		}
	}
}

func TestAPlainSecretCannotBeStored(t *testing.T) {
	t.Parallel()
	if _, err := seal.NewSecret(mark).Value(); err == nil || strings.Contains(err.Error(), mark) {
		t.Errorf("Value = %v", err)
	}
}

func TestARingFileIsPrivateAndNeverReplaced(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keyring.json")
	ring := newRing(t)
	if err := seal.WriteRingFile(path, ring); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v", info.Mode(), err)
	}
	if err := seal.WriteRingFile(path, newRing(t)); err == nil {
		t.Error("a second ring replaced the first")
	}
	sealed, err := ring.Seal(seal.NewSecret(mark), home)
	if err != nil {
		t.Fatal(err)
	}
	again, err := seal.ReadRingFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Open(sealed, home); err != nil || got.Reveal() != mark {
		t.Errorf("Open with the ring read back = %v", err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.ReadRingFile(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a ring that others can read: %v", err)
	}
}

func TestADamagedRingIsRefusedWithoutQuotingIt(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{}", mark, `{"key": "` + mark + `"}`, `{"primaryKeyId":1,"key":[]}`} {
		if _, err := seal.ParseRing(text); err == nil || strings.Contains(err.Error(), mark) {
			t.Errorf("ParseRing(%q) = %v", text, err)
		}
	}
}
