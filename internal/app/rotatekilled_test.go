package app_test

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
	"github.com/patchbay/patchbay/internal/viewer"
)

// TestARotationThatIsKilledGoesOnWithItsCountsEqual kills patchbay keys rotate while it writes, and runs it again.
func TestARotationThatIsKilledGoesOnWithItsCountsEqual(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		const rows = 6000
		ringFile := newRingFile(t)
		command(t, "apikey", "create", "--database", database, "--company", "Acme")
		db := storetest.Open(t, store.Options{URL: database})
		system := viewer.System(t.Context())
		company := db.Client(system).Company.Query().OnlyIDX(system)
		places := sealMany(t, db, ringFile, company, rows)

		added := strings.TrimSpace(command(t, "keys", "add", "--key-ring-file", ringFile))
		command(t, "keys", "promote", "--key-ring-file", ringFile, added)
		key, err := strconv.ParseUint(added, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		rotate := []string{"keys", "rotate", "--database", database, "--key-ring-file", ringFile}
		process := newVictim(t, rotate...)
		// sealedAnew counts what the new key has sealed: its id is the four bytes behind the first.
		sealedAnew := func() (n int) {
			t.Helper()
			query := `select count(*) from credentials where substr(secrets, 2, 4) = ` + map[string]string{
				store.SQLite: "x'%08x'", store.Postgres: "'\\x%08x'::bytea",
			}[db.Dialect()]
			all, err := db.SQL(system).QueryContext(system, fmt.Sprintf(query, key))
			if err != nil {
				t.Fatal(err)
			}
			defer all.Close()
			if all.Next(); all.Scan(&n) != nil || all.Err() != nil {
				t.Fatal(all.Err())
			}
			return n
		}
		wait(t, "the first values", func() bool { return sealedAnew() > 0 })
		process.kill(t, database)
		done := sealedAnew()
		if done == rows {
			t.Skipf("this machine has rotated %d values before they could be counted", rows)
		}
		t.Logf("killed after %d of %d values", done, rows)

		out := command(t, rotate...)
		for _, want := range []string{
			fmt.Sprintf(`credentials.secrets +%s +%d +%d\b`, added, done, rows),
			fmt.Sprintf(`credentials.secrets +all +%d +%d +equal`, rows, rows),
			fmt.Sprintf(`%d values sealed again with key %s`, rows-done, added),
		} {
			if !regexp.MustCompile(want).MatchString(out) {
				t.Errorf("rotate lacks %q:\n%s", want, out)
			}
		}
		if n := sealedAnew(); n != rows {
			t.Errorf("%d of %d are sealed with the new key", n, rows)
		}
		ring, err := seal.ReadRingFile(ringFile)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range db.Client(system).Credential.Query().AllX(system) {
			plain, err := ring.Open(row.Secrets, places[row.ID])
			if err != nil || plain.Reveal() != mark+row.ID {
				t.Fatalf("%s does not open: %v", row.ID, err)
			}
		}
	})
}

// sealMany writes credentials of a company with a sealed secret each, and returns their places.
func sealMany(t *testing.T, db *store.Store, ringFile, company string, n int) map[string]seal.Place {
	t.Helper()
	ring, err := seal.ReadRingFile(ringFile)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	ids := id.NewSource(time.Now)
	places := map[string]seal.Place{}
	inside := viewer.SystemFor(t.Context(), company)
	err = db.InTx(inside, func(ctx context.Context) error {
		for part := 0; part < n; part += 500 {
			var some []*ent.CredentialCreate
			for range min(500, n-part) {
				row := ids.New(id.Credential)
				places[row] = seal.Place{Company: company, Table: "credentials", Row: row, Column: "secrets"}
				sealed, err := ring.Seal(seal.NewSecret(mark+row), places[row])
				if err != nil {
					return err
				}
				some = append(some, db.Client(ctx).Credential.Create().SetID(row).SetCompanyID(company).
					SetIntegrationID(ids.New(id.Integration)).SetProvider("custom_webhook").SetAuthKind("API_KEY").SetState("active").
					SetScopes([]string{}).SetSecrets(sealed).SetCreatedAt(now).SetUpdatedAt(now))
			}
			if err := db.Client(ctx).Credential.CreateBulk(some...).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return places
}
