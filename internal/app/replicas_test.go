package app_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/patchbay/patchbay/internal/app"
	"github.com/patchbay/patchbay/internal/store/storetest"
)

// TestReplicasMigrateOnceBeforeTheyServe starts as a deployment does: serve refuses a schema that is behind, four replicas
// bring it up at once, then it serves.
func TestReplicasMigrateOnceBeforeTheyServe(t *testing.T) {
	t.Parallel()
	database, ring := storetest.EmptyPostgres(t), keyRing(t)
	serve := []string{"serve", "--database", database, "--listen", "127.0.0.1:0"}
	fails(t, "run patchbay migrate", append(serve, "--key-ring-file", ring)...)
	fails(t, "run patchbay migrate", "apikey", "create", "--database", database, "--company", "Acme")

	said := make([]bytes.Buffer, 4)
	var all sync.WaitGroup
	for i := range said {
		all.Go(func() {
			if code := app.Main(t.Context(), []string{"migrate", "--database", database}, &said[i], &said[i]); code != 0 {
				t.Errorf("migrate ended with code %d: %s", code, &said[i])
			}
		})
	}
	all.Wait()
	db := openBeside(t, database)
	defer db.Close()
	steps := column(t, db, `select version_id::text from goose_db_version where version_id > 0 order by id`)
	worked := 0
	for i := range said {
		if !strings.Contains(said[i].String(), ": 0 migrations applied") {
			worked++
			if !strings.Contains(said[i].String(), fmt.Sprintf(": %d migrations applied", len(steps))) {
				t.Errorf("migrate said %s", &said[i])
			}
		}
	}
	if worked != 1 || len(steps) == 0 {
		t.Errorf("%d replicas migrated, the steps were %v", worked, steps)
	}

	fails(t, "key-ring-file", serve...)
	fails(t, "key ring", append(serve, "--key-ring-file", ring+".missing")...) // PostgreSQL never gets a new one
	key := strings.TrimSpace(command(t, "apikey", "create", "--database", database, "--company", "Acme"))
	r := replica(t, database, ring, key)
	if name := at(r.ask(`{ viewer { company { name } } }`, nil), "viewer", "company", "name"); name != "Acme" {
		t.Errorf("the company is %v", name)
	}
}
