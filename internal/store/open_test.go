package store_test

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
)

const password = "hunter2"

// refused opens a URL that must be refused and returns the error's text, which must be one line without the password.
func refused(t *testing.T, o store.Options) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := store.Open(ctx, o)
	if err == nil {
		_ = s.Close()
		t.Fatal("opened")
	}
	if strings.Contains(err.Error(), password) || strings.Contains(err.Error(), "\n") {
		t.Errorf("not one line without secrets: %q", err)
	}
	return err.Error()
}

func TestAWrongURLIsExplained(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, c := range map[string]struct{ url, listen, want string }{
		"empty":            {"", "", "must begin with sqlite: or postgres://"},
		"another database": {"mysql://root:hunter2@localhost/x", "", "must begin with"},
		"no path":          {"sqlite:", "", "names no file"},
		"memory":           {"sqlite::memory:", "", "names no file"},
		"no folder":        {"sqlite:" + filepath.Join(dir, "none", "p.db"), "", "the folder " + filepath.Join(dir, "none")},
		"a folder":         {"sqlite:" + dir, "", "it is a folder"},
		"listens":          {"sqlite:" + filepath.Join(dir, "p.db"), "postgres://localhost/x", "SQLite needs none"},
		"raw password":     {"postgres://u:hunter2#/?%zz@localhost/x", "", "percent-encoded"},
		"bad port":         {"postgres://u:hunter2@localhost:port/x", "", "percent-encoded"},
		"bad sslmode":      {"postgres://u:hunter2@localhost/x?sslmode=maybe", "", "sslmode"},
		"bad pooler":       {"postgres://u:hunter2@localhost/x?pooler=statement", "", "session or transaction"},
		"bad pool":         {"postgres://u:hunter2@localhost/x?pool_max_conns=many", "", "a number of at least 2"},
		"pooler alone":     {"postgres://u:hunter2@localhost/x?pooler=transaction", "", "a listen URL is needed"},
		"pooled listener": {"postgres://u:hunter2@localhost/x", "postgres://u:hunter2@localhost/x?pooler=transaction",
			"without a pooler"},
		"no server": {"postgres://u:hunter2@127.0.0.1:1/x?sslmode=disable", "", "cannot reach PostgreSQL at 127.0.0.1:1/x"},
		"no socket": {"postgres://u:hunter2@/x?host=" + dir, "", "cannot reach PostgreSQL at " + dir + "/x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := refused(t, store.Options{URL: c.url, ListenURL: c.listen}); !strings.Contains(got, c.want) {
				t.Errorf("got %q, want it to say %q", got, c.want)
			}
		})
	}
}

func TestADatabaseThatIsNotThereIsNamed(t *testing.T) {
	t.Parallel()
	url := strings.Replace(storetest.Postgres(t), "/test_", "/absent_", 1)
	if got := refused(t, store.Options{URL: url}); !strings.Contains(got, "create the database first") {
		t.Errorf("got %q", got)
	}
}

// fake answers the first packet of every connection with the same bytes; nil never answers.
func fake(t *testing.T, answer []byte) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 1024))
			_, _ = c.Write(answer)
			if answer != nil {
				_ = c.Close()
				continue
			}
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}
	}()
	return "postgres://u:hunter2@" + l.Addr().String() + "/x"
}

func failed(code, message string) []byte {
	body := "SFATAL\x00VFATAL\x00C" + code + "\x00M" + message + "\x00\x00"
	return append([]byte{'E', 0, 0, 0, byte(len(body) + 4)}, body...)
}

func TestAServerThatRefusesIsExplained(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer            []byte
		parameters, words string
	}{
		"no TLS": {[]byte("N"), "", "add sslmode=disable"},
		"wrong password": {failed("28P01", "password authentication failed for user u"), "?sslmode=disable",
			"refuses the user or password"},
		"too many":         {failed("53300", "sorry, too many clients already"), "?sslmode=disable", "too many clients"},
		"another database": {[]byte("J\x00\x00\x00\x0a8.0.36\x00"), "?sslmode=disable", "cannot reach"},
		"silence":          {nil, "?sslmode=disable&connect_timeout=1", "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := refused(t, store.Options{URL: fake(t, c.answer) + c.parameters}); !strings.Contains(got, c.words) {
				t.Errorf("got %q, want it to say %q", got, c.words)
			}
		})
	}
}

func TestADamagedSQLiteFileIsNamed(t *testing.T) {
	t.Parallel()
	url := storetest.SQLite(t)
	path := strings.TrimPrefix(url, "sqlite:")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	schema := append([]byte{}, good...)
	for i := 100; i < 4096; i++ { // the page that lists the tables
		schema[i] = 0xff
	}
	text := []byte(strings.Repeat("not a database ", 100))
	for name, content := range map[string][]byte{"text": text, "schema": schema} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "p.db")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			got := refused(t, store.Options{URL: "sqlite:" + path})
			if !strings.Contains(got, path) || !strings.Contains(got, "restore it from a backup") {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestANewSQLiteFileIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "with space % and ?.db")
	s := storetest.Open(t, store.Options{URL: "sqlite:" + path})
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + "-wal"} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

func TestTheStoreNamesItsDatabaseWithoutThePassword(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	s := storetest.Open(t, store.Options{URL: strings.Replace(url, "postgres@", "postgres:hunter2@", 1)})
	if got := s.String(); strings.Contains(got, password) || !strings.HasPrefix(got, "PostgreSQL at /") {
		t.Errorf("got %q", got)
	}
}
