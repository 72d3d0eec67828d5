package app_test

import (
	"crypto/rand"
	"database/sql"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// victim is patchbay in a process of its own, so that it can be killed.
type victim struct {
	*exec.Cmd
	said     *output
	ended    chan struct{} // closed when the process has
	sessions string        // how its connections are called at PostgreSQL
}

func newVictim(t *testing.T, args ...string) *victim {
	t.Helper()
	v := &victim{said: newOutput(), ended: make(chan struct{}), sessions: rand.Text()}
	v.Cmd = exec.Command("patchbay", args...) //nolint:noctx // ends with the test, or is killed
	v.Env = append(os.Environ(), "PGAPPNAME="+v.sessions)
	v.Stdout, v.Stderr = v.said, v.said
	if err := v.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { defer close(v.ended); _ = v.Wait() }()
	t.Cleanup(func() { _ = v.Process.Kill(); <-v.ended })
	return v
}

// kill kills the process, and returns when nothing that it has sent to the database is under way any more: PostgreSQL
// finishes a statement before it notices that its client is gone.
func (v *victim) kill(t *testing.T, database string) {
	t.Helper()
	connected := func() int { return 0 }
	if !strings.HasPrefix(database, "sqlite:") {
		db := openBeside(t, database)
		defer db.Close()
		connected = func() int { return v.connected(t, db) }
		if connected() == 0 {
			t.Fatal("the process has no session by its name")
		}
	}
	_ = v.Process.Kill()
	<-v.ended
	wait(t, "the sessions of a dead process to end", func() bool { return connected() == 0 })
}

func (v *victim) connected(t *testing.T, db *sql.DB) int {
	t.Helper()
	return len(column(t, db, `select pid::text from pg_stat_activity
		where datname = current_database() and application_name = '`+v.sessions+`'`))
}
