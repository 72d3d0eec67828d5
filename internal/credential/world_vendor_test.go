package credential_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/seal"
)

// line is a process's wire to the vendor.
type line struct{ p *process }

func (l *line) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := l.p.breathe(); err != nil {
		return nil, err
	}
	res, err := l.p.vendor.serve(req, l.p)
	if gone := l.p.breathe(); gone != nil {
		return nil, gone
	}
	return res, err
}

// spend is one use of a refresh token at the vendor.
type spend struct {
	number    int
	by        *process
	accepted  bool
	delivered bool // the answer reached the process
}

// lost reports whether what the token was spent for may never be stored, through nobody's fault but the world's.
func (s spend) lost() bool {
	s.by.life.Lock()
	defer s.by.life.Unlock()
	return !s.delivered || s.by.lossy
}

// vendor issues numbered tokens. With rotation a refresh token works once, and only the newest does.
type vendor struct {
	chance   *chance
	rotates  bool
	lifetime time.Duration
	silent   bool // answers name no lifetime
	grace    bool // the refresh token before the newest works as well
	late     bool // a renewal before the access token's end is refused
	strict   bool // a new access token ends the older ones
	limps    bool // what goes wrong goes wrong with tokens alone
	latency  time.Duration
	ill      float64                              // how often a call is not served
	lost     float64                              // how often an answer is lost on its way
	answers  []func(*http.Request) *http.Response // served before anything else, in turn

	mu      sync.Mutex
	number  int
	issued  map[int]time.Time // access token number → its end
	spends  []spend
	revoked []string
	early   int      // renewals that were refused because they came too early
	minted  []string // scopes of the tokens that were asked for without a refresh token
	alive   bool
	era     int // the number of the first token of this grant
}

func (v *vendor) issue() (access, refresh seal.Secret) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.alive, v.era = true, v.number+1
	return v.next()
}

func (v *vendor) next() (access, refresh seal.Secret) {
	v.number++
	if v.issued == nil || v.strict {
		v.issued = map[int]time.Time{}
	}
	v.issued[v.number] = time.Now().Add(v.lifetime)
	access = seal.NewSecret(fmt.Sprintf("%s-a%d", mark, v.number))
	return access, seal.NewSecret(fmt.Sprintf("%s-r%d", mark, v.refreshNumber()))
}

func (v *vendor) refreshNumber() int {
	if v.rotates {
		return v.number
	}
	return 1
}

func (v *vendor) withdraw() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.alive, v.issued = false, map[int]time.Time{}
}

func (v *vendor) serve(req *http.Request, by *process) (*http.Response, error) {
	if err := v.travel(req.Context()); err != nil {
		return nil, err
	}
	if (!v.limps || req.URL.Host != "api.acme.test") && v.chance.one(v.mood(&v.ill)) {
		if req.URL.Path == "/revoke" { // where any 200 is a yes (RFC 7009 section 2.2)
			return reply(503, `{"error":"invalid_token"}`), nil
		}
		return v.sick(), nil
	}
	res, sp := v.answer(req, by)
	if v.chance.one(v.mood(&v.lost)) {
		return nil, errReset
	}
	if err := v.travel(req.Context()); err != nil {
		return nil, err
	}
	res.Body = &body{
		vendor: v, ctx: req.Context(), rest: res.Body, spend: sp, cut: v.chance.one(v.mood(&v.lost)), slow: v.takesTime(),
	}
	return res, nil
}

var errReset = errors.New("connection reset by peer")

// body is what follows the head of an answer: as slow as everything else, and it may break off.
type body struct {
	vendor *vendor
	ctx    context.Context //nolint:containedctx // of the request that it answers
	rest   io.ReadCloser
	spend  int // the spend that the vendor has recorded, or -1
	cut    bool
	slow   bool
}

func (b *body) Read(p []byte) (int, error) {
	if b.slow { // what has come already is there, however late it is read
		b.slow = false
		if err := b.vendor.travel(b.ctx); err != nil {
			return 0, err
		}
	}
	n, err := b.rest.Read(p[:min(len(p), 20)])
	switch {
	case b.cut:
		return n, errReset
	case err != nil && b.spend >= 0:
		b.vendor.mu.Lock()
		b.vendor.spends[b.spend].delivered = true
		b.vendor.mu.Unlock()
	}
	return n, err
}

func (b *body) Close() error { return b.rest.Close() }

// mood reads how often something goes wrong.
func (v *vendor) mood(often *float64) float64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return *often
}

// recover lets nothing go wrong from now on.
func (v *vendor) recover() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ill, v.lost, v.latency = 0, 0, 0
}

func (v *vendor) takesTime() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.latency > 0
}

func (v *vendor) travel(ctx context.Context) error {
	v.mu.Lock()
	latency := v.latency
	v.mu.Unlock()
	t := time.NewTimer(v.chance.upTo(latency))
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (v *vendor) sick() *http.Response {
	ills := []*http.Response{
		reply(500, `{"error":"invalid_grant"}`), reply(502, "<html>"), reply(200, "<html>"), reply(429, ""),
		reply(200, `{"access_token":""}`), reply(400, `{"error":"odd"}`), reply(200, `{"access_token":"cut`),
	}
	return ills[v.chance.upTo(time.Duration(len(ills)))]
}

// answer does what is asked, at once, and returns the index of the spend it recorded, or -1.
func (v *vendor) answer(req *http.Request, by *process) (*http.Response, int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.answers) > 0 {
		next := v.answers[0]
		v.answers = v.answers[1:]
		if next != nil {
			if res := next(req); res != nil {
				return res, -1
			}
		}
	}
	if req.URL.Host == "api.acme.test" {
		return v.api(req), -1
	}
	body, _ := io.ReadAll(req.Body)
	form, _ := url.ParseQuery(string(body))
	if req.URL.Path == "/revoke" {
		v.revoked = append(v.revoked, form.Get("token"))
		var n int
		_, _ = fmt.Sscanf(strings.TrimLeft(strings.TrimPrefix(form.Get("token"), mark), "-ar"), "%d", &n)
		if n >= v.era { // a token of an earlier grant ends nothing of this one
			v.alive, v.issued = false, map[int]time.Time{}
		}
		return reply(200, ""), -1
	}
	if form.Get("grant_type") == "client_credentials" {
		v.minted = append(v.minted, form.Get("scope"))
		access, _ := v.next()
		return reply(200, fmt.Sprintf(`{"access_token":%q,"expires_in":%d}`, access.Reveal(), int(v.lifetime/time.Second))), -1
	}
	if v.late && time.Now().Before(v.issued[v.number]) {
		v.early++
		return reply(400, `{"error":"not_expired"}`), -1
	}
	var n int
	_, _ = fmt.Sscanf(strings.TrimPrefix(form.Get("refresh_token"), mark), "-r%d", &n)
	accepted := v.alive && (n == v.refreshNumber() || v.grace && n == v.refreshNumber()-1)
	v.spends = append(v.spends, spend{number: n, by: by, accepted: accepted})
	if !accepted {
		return reply(400, `{"error":"invalid_grant"}`), len(v.spends) - 1
	}
	access, refresh := v.next()
	answer := fmt.Sprintf(`{"access_token":%q`, access.Reveal())
	if v.rotates {
		answer += fmt.Sprintf(`,"refresh_token":%q`, refresh.Reveal())
	}
	if !v.silent {
		answer += fmt.Sprintf(`,"expires_in":%d`, int(v.lifetime/time.Second))
	}
	return reply(200, answer+"}"), len(v.spends) - 1
}

func (v *vendor) api(req *http.Request) *http.Response {
	var n int
	_, _ = fmt.Sscanf(req.Header.Get("Authorization"), "Bearer "+mark+"-a%d", &n)
	if ends, ok := v.issued[n]; !ok || !time.Now().Before(ends) {
		return reply(401, `{}`)
	}
	return reply(200, fmt.Sprintf(`{"number":%d}`, n))
}

func reply(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Proto: "HTTP/1.1",
		ProtoMajor: 1, ProtoMinor: 1,
	}
}

func (v *vendor) tokenRequests() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.spends)
}

func (v *vendor) hasRevoked(token string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Contains(v.revoked, mark+"-"+token)
}

func ask(ctx context.Context, p *process) (provider.Response, error) {
	res, v, err := p.Do(ctx, credential.Use{IntegrationID: integration}, &provider.Request{
		Method: http.MethodGet, URL: "https://api.acme.test/me", Header: http.Header{},
	})
	if err == nil && v.Kind != provider.OK {
		err = errors.New("verdict " + string(v.Kind))
	}
	return res, err
}
