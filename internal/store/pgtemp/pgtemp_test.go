package pgtemp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/patchbay/patchbay/internal/store/pgtemp"
)

// TestMain serves as the process that dies in TestAServerEndsWithItsProcess.
func TestMain(m *testing.M) {
	if os.Getenv("PGTEMP_START") == "" {
		os.Exit(m.Run())
	}
	s, err := pgtemp.Start(context.Background())
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println(s.URL("postgres"))
	select {}
}

func ping(t *testing.T, url string) error {
	t.Helper()
	c, err := pq.NewConnector(url)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := c.Connect(t.Context())
	if err != nil {
		return err
	}
	return conn.Close()
}

// gone waits until a server's folder is removed.
func gone(t *testing.T, raw string) {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	limit := time.NewTimer(time.Minute)
	defer limit.Stop()
	for {
		if _, err := os.Stat(u.Query().Get("host")); errors.Is(err, fs.ErrNotExist) {
			return
		}
		select {
		case <-look.C:
		case <-limit.C:
			t.Fatalf("%s is still there", u.Query().Get("host"))
		}
	}
}

func TestAServerStartsAndStops(t *testing.T) {
	t.Parallel()
	s, err := pgtemp.Start(t.Context())
	if errors.Is(err, pgtemp.ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := ping(t, s.URL("postgres")); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := s.Down(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := ping(t, s.URL("postgres")); err == nil {
			t.Error("a server that is down answers")
		}
		if err := s.Up(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := ping(t, s.URL("postgres")); err != nil {
		t.Error(err)
	}
	s.Stop()
	gone(t, s.URL("postgres"))
}

// TestAServerEndsWithItsProcess kills the process that started a server, as this user and, when this one is root, as an
// ordinary one too.
func TestAServerEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	users := map[string]*syscall.Credential{"this user": nil}
	if os.Geteuid() == 0 {
		users["an ordinary user"] = &syscall.Credential{Uid: 65534, Gid: 65534}
	}
	binary := copyOfThis(t)
	for name, credential := range users {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(binary)
			cmd.Dir = "/"
			cmd.Env = append(os.Environ(), "PGTEMP_START=1", "TMPDIR=/tmp")
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			lines.Scan()
			if lines.Text() == "error: "+pgtemp.ErrNotInstalled.Error() {
				_ = cmd.Wait()
				t.Skip(lines.Text())
			}
			if err := ping(t, lines.Text()); err != nil {
				t.Errorf("%s: %v", lines.Text(), err)
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			gone(t, lines.Text())
		})
	}
}

// copyOfThis puts this test's binary where every user may run it.
func copyOfThis(t *testing.T) string {
	t.Helper()
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Skip(err)
	}
	dir, err := os.MkdirTemp("/tmp", "pgtemp-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "pgtemp")
	if err := os.WriteFile(path, self, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWithoutBinariesTheErrorSaysWhatToInstall(t *testing.T) {
	if matches, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); len(matches) > 0 {
		t.Skip("the package is installed")
	}
	t.Setenv("PG_BIN", "")
	t.Setenv("PATH", "")
	t.Chdir(t.TempDir())
	if _, err := pgtemp.Start(t.Context()); !errors.Is(err, pgtemp.ErrNotInstalled) {
		t.Errorf("got %v", err)
	}
}
