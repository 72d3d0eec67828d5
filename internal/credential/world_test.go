package credential_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/egress"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/viewer"
)

const (
	company     = "co_1"
	integration = "int_1"
	mark        = "MARKED-SECRET-7f3a"
)

// world is a clock, a store and a vendor in one process, for any number of services.
type world struct {
	t      testing.TB
	ring   *seal.Ring
	ids    *id.Source
	acme   *provider.Provider
	vendor *vendor
	chance *chance

	mu      sync.Mutex
	rows    map[string]*ent.Credential
	events  []audit.Event
	reports []health.Finding
	gone    time.Time // until when the store is out of order for everybody
	newest  int       // the highest number of a token that was ever stored
	wrong   []string  // invariants that did not hold
}

// stores notes which token is about to be stored. It runs inside the store's step.
func (w *world) stores(row *ent.Credential, sealed seal.Sealed) {
	if len(sealed) == 0 {
		return
	}
	n := w.numberOf(row, sealed, "access_token")
	if n <= w.newest {
		w.wrong = append(w.wrong, fmt.Sprintf("token %d was stored over token %d", n, w.newest))
	}
	w.newest = n
}

// ends asks for the evidence that a credential is dead: its grant was withdrawn, or its refresh token was spent and the
// answer lost, or held by a process that stood still or died.
func (w *world) ends(row *ent.Credential) {
	n := w.numberOf(row, row.RefreshToken, "refresh_token")
	w.vendor.mu.Lock()
	defer w.vendor.mu.Unlock()
	if !w.vendor.alive {
		return
	}
	for _, sp := range w.vendor.spends {
		if sp.number == n && sp.accepted && sp.lost() {
			return
		}
	}
	w.wrong = append(w.wrong, fmt.Sprintf("the credential was ended although refresh token %d is good", n))
}

func (w *world) numberOf(row *ent.Credential, sealed seal.Sealed, column string) (n int) {
	plain, err := w.ring.Open(sealed, seal.Place{
		Company: row.CompanyID, Table: "credentials", Row: row.ID, Column: column,
	})
	if err != nil {
		w.wrong = append(w.wrong, "a stored token does not open: "+err.Error())
	}
	_, _ = fmt.Sscanf(strings.TrimLeft(strings.TrimPrefix(plain.Reveal(), mark), "-ar"), "%d", &n)
	return n
}

func newWorld(t testing.TB, seed uint64) *world {
	t.Helper()
	ring, err := seal.NewRing()
	if err != nil {
		t.Fatal(err)
	}
	chance := &chance{r: rand.New(rand.NewPCG(seed, 1))}
	return &world{
		t: t, ring: ring, ids: id.NewSource(time.Now), chance: chance, rows: map[string]*ent.Credential{},
		vendor: &vendor{chance: chance, rotates: true, lifetime: time.Hour, alive: true},
		acme: &provider.Provider{
			Name: "acme", Title: "Acme", Hosts: []string{"api.acme.test"},
			Auth: provider.Auth{
				OAuth2: &oauth.Server{
					Token:   oauth.TokenEndpoint{URL: "https://login.acme.test/token"},
					Revoke:  oauth.Revoke{URL: "https://login.acme.test/revoke"},
					Refresh: oauth.Refresh{Rotates: true, Margin: 5 * time.Minute},
				},
				APIKey: &provider.Static{Revoke: "Delete the key in Acme's settings."},
			},
		},
	}
}

// chance is the seeded source of all that happens by chance.
type chance struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (c *chance) upTo(d time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d <= 0 {
		return 0
	}
	return time.Duration(c.r.Int64N(int64(d)))
}

func (c *chance) one(in float64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.r.Float64() < in
}

// process is one replica: its own service over the world's store and vendor, which may stand still or die.
type process struct {
	*credential.Service

	*world
	latency time.Duration
	faults  float64 // how often a step of the store fails

	beforeLease func()       // called once when set
	beforeRenew func() error // called each time when set

	life       sync.Mutex
	dead       bool
	stillUntil time.Time
	cutUntil   time.Time     // the store cannot be reached from here
	ahead      time.Duration // of its clock
	lossy      bool          // it has stood still or died
}

func (w *world) start() *process {
	p := &process{world: w}
	p.Service = credential.New(credential.Deps{
		Rows: p, Health: p, Audit: p, Ring: w.ring,
		Provider: func(name string) (*provider.Provider, bool) { return w.acme, name == w.acme.Name },
		Client: func(string) (oauth.Client, bool) {
			return oauth.Client{ID: "client-1", Secret: seal.NewSecret(mark + "-client")}, true
		},
		HTTP:  func(egress.Policy) *http.Client { return &http.Client{Transport: &line{p}} },
		Now:   p.now,
		NewID: w.ids.New,
		Log:   slog.New(slog.DiscardHandler),
	})
	w.t.Cleanup(func() {
		if err := p.Close(context.Background()); err != nil {
			w.t.Error(err)
		}
	})
	return p
}

func system(t testing.TB) context.Context { return viewer.SystemFor(t.Context(), company) }

// connect stores the vendor's first tokens.
func (w *world) connect(p *process) {
	w.t.Helper()
	access, refresh := w.vendor.issue()
	err := w.save(p, credential.Grant{
		Token: &oauth.Token{Access: access, Refresh: refresh, ExpiresIn: w.vendor.lifetime},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) save(p *process, g credential.Grant) error {
	g.IntegrationID, g.Provider = integration, "acme"
	if g.AuthKind == "" {
		g.AuthKind, g.ClientID = provider.OAuth2, "client-1"
	}
	_, err := p.Save(system(w.t), g)
	return err
}

var errStore = errors.New("the store is gone")

// step is the way of every statement: it takes time, it may fail before it has done anything or, worse, after.
func (p *process) step(ctx context.Context, do func() error) error {
	if ctx.Value(txKey{}) != nil {
		return do()
	}
	if err := p.breathe(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if p.chance.one(p.failing()) {
		return errStore
	}
	p.world.mu.Lock()
	err := do()
	p.world.mu.Unlock()
	if p.chance.one(p.failing()) {
		return errStore
	}
	if gone := p.breathe(); gone != nil {
		return gone
	}
	return err
}

// breathe takes the time of one step, and as much more as the process stands still. A dead one gets nowhere.
func (p *process) breathe() error {
	if p.latency > 0 {
		time.Sleep(p.chance.upTo(p.latency))
	}
	for {
		p.life.Lock()
		dead, until := p.dead, p.stillUntil
		p.life.Unlock()
		switch {
		case dead:
			return errors.New("this process is dead")
		case !time.Now().Before(until):
			return nil
		}
		time.Sleep(time.Until(until))
	}
}

func (p *process) failing() float64 {
	p.world.mu.Lock()
	out := time.Now().Before(p.gone)
	p.world.mu.Unlock()
	p.life.Lock()
	defer p.life.Unlock()
	if out || time.Now().Before(p.cutUntil) {
		return 1
	}
	return p.faults
}

// outage takes the store away from everybody.
func (w *world) outage(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone = time.Now().Add(d)
}

// cut takes the store away from one process. For longer than a lease it may cost what the process holds.
func (p *process) cut(d time.Duration) {
	p.life.Lock()
	defer p.life.Unlock()
	p.cutUntil, p.lossy = time.Now().Add(d), p.lossy || d > 25*time.Second
}

// now is the process's clock.
func (p *process) now() time.Time {
	p.life.Lock()
	defer p.life.Unlock()
	return time.Now().Add(p.ahead)
}

func (p *process) fail(often float64) {
	p.life.Lock()
	defer p.life.Unlock()
	p.faults = often
}

func (p *process) die() {
	p.life.Lock()
	defer p.life.Unlock()
	p.dead, p.lossy = true, true
}

func (p *process) standStill(d time.Duration) {
	p.life.Lock()
	defer p.life.Unlock()
	p.stillUntil, p.lossy = time.Now().Add(d), true
}

type txKey struct{}

func (p *process) InTx(ctx context.Context, fn func(context.Context) error) error {
	return p.step(ctx, func() error {
		if ctx.Value(txKey{}) != nil {
			return fn(ctx)
		}
		before := map[string]*ent.Credential{}
		for k, row := range p.rows {
			before[k] = clone(row)
		}
		events, reports := len(p.events), len(p.reports)
		err := fn(context.WithValue(ctx, txKey{}, true))
		if err != nil {
			p.rows, p.events, p.reports = before, p.events[:events], p.reports[:reports]
		}
		return err
	})
}

func (p *process) Outside(ctx context.Context) context.Context {
	return context.WithValue(ctx, txKey{}, nil)
}

// Append is Audit's.
func (p *process) Append(_ context.Context, e audit.Event) (string, error) {
	p.events = append(p.events, e)
	return "", nil
}

// Report is Health's.
func (p *process) Report(ctx context.Context, _ string, f health.Finding) (bool, error) {
	return true, p.step(ctx, func() error {
		p.reports = append(p.reports, f)
		return nil
	})
}

// Proved is Health's.
func (p *process) Proved(ctx context.Context, _ string, _ int64) (bool, error) {
	return p.Report(ctx, "", health.Finding{Reason: health.OK})
}

func clone(row *ent.Credential) *ent.Credential {
	c := *row
	return &c
}

var errNoRow = problem.New(problem.NotFound, "no such row")

// sealed is what a process stores.
func (w *world) sealed(row *ent.Credential, access, refresh seal.Secret) credential.Tokens {
	out := credential.Tokens{At: time.Now()}
	for _, c := range []struct {
		column string
		plain  seal.Secret
		into   *seal.Sealed
	}{{"access_token", access, &out.Access}, {"refresh_token", refresh, &out.Refresh}} {
		var err error
		*c.into, err = w.ring.Seal(c.plain, seal.Place{
			Company: row.CompanyID, Table: "credentials", Row: row.ID, Column: c.column,
		})
		if err != nil {
			w.t.Error(err)
		}
	}
	return out
}

// only returns the one row of the world.
func (w *world) only() *ent.Credential {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, row := range w.rows {
		return clone(row)
	}
	return nil
}

func (w *world) recorded(what audit.Type) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if e.Type == what {
			n++
		}
	}
	return n
}

func (w *world) lastReason() health.Reason {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.reports) == 0 {
		return ""
	}
	return w.reports[len(w.reports)-1].Reason
}
