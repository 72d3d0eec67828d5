package app_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// victim is patchbay in a process of its own that is going to be killed.
type victim struct {
	*exec.Cmd
	said     *output
	database string
}

// sessions is how a victim's connections are called at PostgreSQL.
const sessions = "victim"

func newVictim(t *testing.T, database string, args ...string) *victim {
	t.Helper()
	v := &victim{Cmd: exec.Command("patchbay", args...), said: newOutput(), database: database} //nolint:noctx // killed
	v.Env = append(os.Environ(), "PGAPPNAME="+sessions)
	v.Stdout, v.Stderr = v.said, v.said
	if err := v.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Process.Kill() })
	return v
}

// kill kills the process, and returns when nothing of what it has sent to the database is under way any more:
// PostgreSQL finishes a statement before it notices that its client is gone.
func (v *victim) kill(t *testing.T) {
	t.Helper()
	connected := func() int { return 0 }
	if !strings.HasPrefix(v.database, "sqlite:") {
		db := openBeside(t, v.database)
		defer db.Close()
		connected = func() int {
			return len(column(t, db, `select pid::text from pg_stat_activity
				where datname = current_database() and application_name = '`+sessions+`'`))
		}
		if connected() == 0 {
			t.Fatalf("no session of the process is called %s", sessions)
		}
	}
	_ = v.Process.Kill()
	_ = v.Wait()
	wait(t, "the sessions of a dead process to end", func() bool { return connected() == 0 })
}
