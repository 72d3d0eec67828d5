package sandbox

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/patchbay/patchbay/internal/problem"
)

// FaultKind names one way in which a vendor can go wrong.
type FaultKind string

// Faults that happen at once, when they are added, to the grants that match; nothing of them stays in the register.
const (
	// Revoke ends the grants with all their tokens, as when the person removes the app from the account.
	Revoke FaultKind = "revoke"
	// Expire ends the access tokens alone; refresh tokens stay good.
	Expire FaultKind = "expire"
)

// Faults of the consent page.
const (
	// RefuseConsent makes the person refuse, whatever is pressed.
	RefuseConsent FaultKind = "refuse_consent"
	// FewerScopes takes Fault.Scopes, or all but the first when that is empty, out of what is granted.
	FewerScopes FaultKind = "fewer_scopes"
)

// Faults of an answer. The first four are worded as the vendor words them.
const (
	Unauthorized    FaultKind = "unauthorized"      // 401
	RateLimited     FaultKind = "rate_limited"      // 403 with a reason that speaks of a rate limit
	TooManyRequests FaultKind = "too_many_requests" // 429, with Retry-After when Fault.RetryAfter is set
	ServerError     FaultKind = "server_error"      // 500
	Answer          FaultKind = "answer"            // Fault.Status with Fault.Body, word for word
	HTML            FaultKind = "html"              // 200 with a page of HTML
	Truncated       FaultKind = "truncated"         // the true status and half of the true body, as a whole answer
	WrongShape      FaultKind = "wrong_shape"       // 200 with JSON in which every field has the wrong type
	Empty           FaultKind = "empty"             // 200 with nothing
	Huge            FaultKind = "huge"              // 200 with Fault.Bytes of JSON, 64 MiB when that is 0
	SlowHeaders     FaultKind = "slow_headers"      // nothing comes for Fault.Delay, then the true answer
	SlowBody        FaultKind = "slow_body"         // half of the true answer, then nothing for Fault.Delay
	Drop            FaultKind = "drop"              // the connection ends before an answer
	DropBody        FaultKind = "drop_body"         // the connection ends in the middle of the true answer
)

var (
	actKinds     = []FaultKind{Revoke, Expire}
	consentKinds = []FaultKind{RefuseConsent, FewerScopes}
	answerKinds  = []FaultKind{Unauthorized, RateLimited, TooManyRequests, ServerError, Answer, HTML, Truncated,
		WrongShape, Empty, Huge, SlowHeaders, SlowBody, Drop, DropBody}
)

// A Fault is something that is to go wrong, where, and how often. What is empty matches everything.
type Fault struct {
	// ID is the register's number for the fault; Add gives it.
	ID   int
	Kind FaultKind

	// Host is the vendor's host name, for example "gmail.googleapis.com".
	Host string
	// Path is the whole path, or its beginning when it ends in "*".
	Path string
	// Account, Group and Grant narrow a fault to a person's e-mail address, a client group, one grant. For an answer,
	// they match by the access token of the request, so that an answer to a request without one is not touched.
	Account string
	Group   string
	Grant   string

	// Times is how often the fault happens before it leaves the register; 0 is until it is removed.
	Times int
	// Applied counts how often it has happened; Add ignores it.
	Applied int

	RetryAfter time.Duration // TooManyRequests and Answer; whole seconds
	Delay      time.Duration // SlowHeaders and SlowBody; 0 is until the client gives up or the fault is removed
	Bytes      int64         // Huge
	Status     int           // Answer
	Body       string        // Answer
	Scopes     []string      // FewerScopes, as the vendor writes them
}

func (f Fault) matchesGrant(g Grant) bool {
	return (f.Account == "" || f.Account == g.Account) && (f.Group == "" || f.Group == g.Group) &&
		(f.Grant == "" || f.Grant == g.ID)
}

func (f Fault) matches(host, path string, g *Grant) bool {
	if f.Host != "" && f.Host != host || f.Path != "" && !matchPath(f.Path, path) {
		return false
	}
	return f.Account == "" && f.Group == "" && f.Grant == "" || g != nil && f.matchesGrant(*g)
}

// matchPath compares whole paths, or beginnings when pattern ends in "*".
func matchPath(pattern, path string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(path, prefix)
	}
	return pattern == path
}

// Faults is the register of what is to go wrong. It is empty at first and is not kept over a restart.
type Faults struct {
	ledger *ledger

	mu      sync.Mutex
	last    int
	armed   []*armedFault
	cleared chan struct{} // closed by Clear, which puts a new one here
}

type armedFault struct {
	Fault
	removed chan struct{} // closed by Remove
	cleared chan struct{} // the register's when the fault happened
}

// Add puts a fault into the register, behind those that are there, and returns its number. Of several that match a
// request the oldest happens. Revoke and Expire happen before Add returns, and their number is 0. A fault that makes no
// sense is a BadInput problem.
func (fs *Faults) Add(f Fault) (int, error) {
	switch {
	case f.Kind == Revoke:
		_, err := fs.ledger.revoke(f.matchesGrant)
		return 0, err
	case f.Kind == Expire:
		_, err := fs.ledger.expire(f.matchesGrant)
		return 0, err
	case !slices.Contains(consentKinds, f.Kind) && !slices.Contains(answerKinds, f.Kind):
		return 0, problem.New(problem.BadInput, "There is no fault of the kind %q; there are: %s.", f.Kind, kindList()).
			At("kind")
	case f.Kind == Answer && (f.Status < 200 || f.Status > 599):
		return 0, problem.New(problem.BadInput, "A fault of the kind answer needs a status from 200 to 599.").At("status")
	case f.Times < 0 || f.RetryAfter < 0 || f.Delay < 0 || f.Bytes < 0:
		return 0, problem.New(problem.BadInput, "A fault's times, durations and sizes cannot be negative.")
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.last++
	f.ID, f.Applied, f.Scopes = fs.last, 0, slices.Clone(f.Scopes)
	fs.armed = append(fs.armed, &armedFault{Fault: f, removed: make(chan struct{})})
	return f.ID, nil
}

func kindList() string {
	var names []string
	for _, k := range slices.Concat(actKinds, consentKinds, answerKinds) {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

// List returns the faults that can still happen, oldest first.
func (fs *Faults) List() []Fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	out := make([]Fault, len(fs.armed))
	for i, a := range fs.armed {
		out[i] = a.Fault
	}
	return out
}

// Remove takes one fault out of the register and lets go of the answers it holds back. It reports whether it was there.
func (fs *Faults) Remove(id int) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	i := slices.IndexFunc(fs.armed, func(a *armedFault) bool { return a.ID == id })
	if i < 0 {
		return false
	}
	close(fs.armed[i].removed)
	fs.armed = slices.Delete(fs.armed, i, i+1)
	return true
}

// Clear empties the register and lets go of every answer that a fault holds back, of faults that have happened for the
// last time too.
func (fs *Faults) Clear() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	close(fs.cleared)
	fs.cleared = make(chan struct{})
	fs.armed = nil
}

// Revoke ends every live grant of an account, or of all accounts when it is empty, and returns how many there were.
func (fs *Faults) Revoke(account string) (int, error) {
	return fs.ledger.revoke(Fault{Account: account}.matchesGrant)
}

// Expire ends the access tokens of an account, or of all accounts when it is empty, and returns how many there were.
func (fs *Faults) Expire(account string) (int, error) {
	return fs.ledger.expire(Fault{Account: account}.matchesGrant)
}

// take returns the oldest fault of these kinds that matches, having counted it, or nil. A fault that has happened for
// the last time leaves the register.
func (fs *Faults) take(kinds []FaultKind, host, path string, g *Grant) *armedFault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for i, a := range fs.armed {
		if !slices.Contains(kinds, a.Kind) || !a.matches(host, path, g) {
			continue
		}
		a.Applied++
		if a.Applied == a.Times {
			fs.armed = slices.Delete(fs.armed, i, i+1)
		}
		return &armedFault{Fault: a.Fault, removed: a.removed, cleared: fs.cleared}
	}
	return nil
}
