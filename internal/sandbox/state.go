package sandbox

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/patchbay/patchbay/internal/problem"
)

// stateVersion is written to the state file, so that a later sandbox knows what it reads.
const stateVersion = 1

// state is what outlives a restart. Codes and tokens are kept as their SHA-256; the root key, from which clients' ids
// and secrets are derived, and the authority's key are kept as they are: the file's mode guards them.
type state struct {
	Version     int                      `json:"version"`
	Root        []byte                   `json:"root"`
	Certificate string                   `json:"certificate"`
	Key         string                   `json:"key"`
	Grants      map[string]*Grant        `json:"grants"`
	Codes       map[string]codeRecord    `json:"codes"`
	Access      map[string]accessRecord  `json:"access"`
	Refresh     map[string]refreshRecord `json:"refresh"`
}

// ledger guards the state and writes it down after each change.
type ledger struct {
	now  func() time.Time
	path string

	mu    sync.Mutex
	state state
}

// openLedger reads the state at path, or makes a new one there; an empty path keeps it in memory.
func openLedger(path string, now func() time.Time) (*ledger, error) {
	l := &ledger{now: now, path: path}
	if path != "" {
		raw, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, problem.New(problem.Unavailable, "The sandbox cannot read its state file %s.", path).Because(err)
		default:
			return l, l.read(raw)
		}
	}
	cert, key, err := newAuthority()
	if err != nil {
		return nil, problem.New(problem.Internal, "The sandbox cannot make its certificate authority.").Because(err)
	}
	l.state = state{
		Version: stateVersion, Root: randomBytes(32), Certificate: string(cert), Key: string(key),
		Grants: map[string]*Grant{}, Codes: map[string]codeRecord{},
		Access: map[string]accessRecord{}, Refresh: map[string]refreshRecord{},
	}
	return l, l.change(func(*state) {})
}

func (l *ledger) read(raw []byte) error {
	damaged := problem.New(problem.Unavailable,
		"The sandbox's state file %s is damaged: delete it to start anew, and connect its integrations again.", l.path)
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l.state); err != nil {
		return damaged.Because(err)
	}
	st := &l.state
	if st.Version != stateVersion || len(st.Root) != 32 ||
		st.Grants == nil || st.Codes == nil || st.Access == nil || st.Refresh == nil {
		return damaged
	}
	for _, g := range st.Grants {
		if g == nil {
			return damaged
		}
	}
	return nil
}

// authority returns the certificate authority of the state.
func (l *ledger) authority() (*authority, error) {
	a, err := parseAuthority([]byte(l.state.Certificate), []byte(l.state.Key))
	if err != nil {
		return nil, problem.New(problem.Unavailable,
			"The certificate authority in the sandbox's state file %s is damaged: delete the file to start anew.",
			l.path).Because(err)
	}
	return a, nil
}

// change applies f and writes the state down. When writing fails the change holds in memory and the error says so.
func (l *ledger) change(f func(*state)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.state)
	l.prune()
	if l.path == "" {
		return nil
	}
	if err := l.write(); err != nil {
		return problem.New(problem.Unavailable, "The sandbox cannot write its state file %s.", l.path).Because(err)
	}
	return nil
}

// write replaces the file in one step, so that a crash leaves the old state or the new one.
func (l *ledger) write() error {
	raw, err := json.MarshalIndent(l.state, "", "  ")
	if err != nil {
		return err
	}
	dir := filepath.Dir(l.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, filepath.Base(l.path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // gone already when all went well
	_, err = tmp.Write(raw)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), l.path)
}

// client derives the OAuth client of a group: the same group has the same client as long as the root key lives.
func (l *ledger) client(group string) (id, secret string) {
	return group + "-" + hex.EncodeToString(l.derive("id", group))[:12] + clientSuffix,
		"sandbox-" + base64.RawURLEncoding.EncodeToString(l.derive("secret", group))[:32]
}

const clientSuffix = ".apps.sandbox.example"

// clientGroup returns the group of a client id, and false for an id that the sandbox did not give out.
func (l *ledger) clientGroup(id string) (string, bool) {
	name, ok := strings.CutSuffix(id, clientSuffix)
	i := strings.LastIndexByte(name, '-')
	if !ok || i < 0 {
		return "", false
	}
	want, _ := l.client(name[:i])
	return name[:i], want == id
}

// checkClient reports whether the sandbox gave out this client with this secret.
func (l *ledger) checkClient(id, secret string) bool {
	group, ok := l.clientGroup(id)
	_, want := l.client(group)
	return ok && hmac.Equal([]byte(want), []byte(secret))
}

func (l *ledger) derive(use, group string) []byte {
	m := hmac.New(sha256.New, l.state.Root)
	m.Write([]byte(use + "|" + group))
	return m.Sum(nil)
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: it ends the process instead
	return b
}

// randomToken returns n random bytes in base64url.
func randomToken(n int) string { return base64.RawURLEncoding.EncodeToString(randomBytes(n)) }

// digest is how a code or token is kept.
func digest(token string) string {
	h := sha256.Sum256([]byte(token))
	return hex.EncodeToString(h[:])
}
