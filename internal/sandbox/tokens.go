package sandbox

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/go-oauth2/oauth2/v4"
	oauth2errors "github.com/go-oauth2/oauth2/v4/errors"
	"github.com/go-oauth2/oauth2/v4/models"
)

const (
	codeLifetime = 10 * time.Minute
	// refreshIdle is how long a refresh token may go unused; then Google forgets it.
	refreshIdle = 180 * 24 * time.Hour
	// revokedKept is how long a revoked grant stays in the list.
	revokedKept = 30 * 24 * time.Hour
)

// A Grant is one consent: a person let one client use these scopes.
type Grant struct {
	ID string `json:"id"`
	// Group is the client group, as given to Client.
	Group string `json:"group"`
	// Account is the person's e-mail address.
	Account   string     `json:"account"`
	Scopes    []string   `json:"scopes"`
	CreatedAt time.Time  `json:"createdAt"`
	RevokedAt *time.Time `json:"revokedAt,omitempty"`
}

type codeRecord struct {
	Grant     string    `json:"grant"`
	Redirect  string    `json:"redirect"`
	Challenge string    `json:"challenge,omitempty"`
	Method    string    `json:"method,omitempty"`
	Refresh   bool      `json:"refresh"` // whether its exchange gives a refresh token
	Expires   time.Time `json:"expires"`
}

type accessRecord struct {
	Grant   string    `json:"grant"`
	Scopes  []string  `json:"scopes"`
	Expires time.Time `json:"expires"`
}

type refreshRecord struct {
	Grant string    `json:"grant"`
	Used  time.Time `json:"used"`
	Until time.Time `json:"until,omitzero"` // the end of a token that was replaced and works for a while
}

// prune forgets what can no longer be used.
func (l *ledger) prune() {
	now, st := l.now(), &l.state
	for k, c := range st.Codes {
		if now.After(c.Expires) {
			delete(st.Codes, k)
		}
	}
	for k, a := range st.Access {
		if now.After(a.Expires.Add(24*time.Hour)) || st.live(a.Grant) == nil {
			delete(st.Access, k)
		}
	}
	for k, r := range st.Refresh {
		if st.live(r.Grant) == nil || !r.Until.IsZero() && now.After(r.Until) {
			delete(st.Refresh, k)
		}
	}
	for k, g := range st.Grants {
		if g.RevokedAt != nil && now.After(g.RevokedAt.Add(revokedKept)) {
			delete(st.Grants, k)
		}
	}
}

// live returns the grant if it is there and not revoked, and nil otherwise.
func (st *state) live(id string) *Grant {
	if g := st.Grants[id]; g != nil && g.RevokedAt == nil {
		return g
	}
	return nil
}

func (l *ledger) grants() []Grant {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Grant, 0, len(l.state.Grants))
	for _, g := range l.state.Grants {
		c := *g
		c.Scopes = slices.Clone(g.Scopes)
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Grant) int {
		if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out
}

// bearer returns the live grant behind an access token and the scopes it may use now; nil when there is none.
func (l *ledger) bearer(token string) (*Grant, []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a, ok := l.state.Access[digest(token)]
	g := l.state.live(a.Grant)
	if !ok || g == nil || !l.now().Before(a.Expires) {
		return nil, nil
	}
	c := *g
	return &c, a.Scopes
}

// owner returns the live grant that an access or refresh token belongs to, expired access tokens included; or nil.
func (l *ledger) owner(token string) *Grant {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := digest(token)
	id := l.state.Refresh[key].Grant
	if a, ok := l.state.Access[key]; ok {
		id = a.Grant
	}
	g := l.state.live(id)
	if g == nil {
		return nil
	}
	c := *g
	return &c
}

// remembers reports whether this client already holds a refresh token of the account.
func (l *ledger) remembers(group, account string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.state.Refresh {
		if !r.Until.IsZero() {
			continue
		}
		if g := l.state.live(r.Grant); g != nil && g.Group == group && g.Account == account {
			return true
		}
	}
	return false
}

// revoke ends every live grant that match accepts, with all its tokens, and returns how many there were.
func (l *ledger) revoke(match func(Grant) bool) (n int, err error) {
	err = l.change(func(st *state) {
		now := l.now()
		for _, g := range st.Grants {
			if g.RevokedAt == nil && match(*g) {
				g.RevokedAt = &now
				n++
			}
		}
	})
	return n, err
}

// expire makes the access tokens of every grant that match accepts expire now, and returns how many it touched.
func (l *ledger) expire(match func(Grant) bool) (n int, err error) {
	err = l.change(func(st *state) {
		now := l.now()
		for k, a := range st.Access {
			if g := st.live(a.Grant); g != nil && match(*g) && now.Before(a.Expires) {
				a.Expires = now
				st.Access[k] = a
				n++
			}
		}
	})
	return n, err
}

// Keys of the library's token extension, which goes along from the code to the tokens.
const (
	extGrant   = "grant"
	extRefresh = "refresh"
)

// Create stores a code or a pair of tokens that the library has made. (oauth2.TokenStore)
func (l *ledger) Create(_ context.Context, info oauth2.TokenInfo) error {
	ext := info.(oauth2.ExtendableTokenInfo).GetExtension()
	grant, now, scopes := ext.Get(extGrant), l.now(), strings.Fields(info.GetScope())
	return l.change(func(st *state) {
		if code := info.GetCode(); code != "" {
			group, _ := l.clientGroup(info.GetClientID())
			st.Grants[grant] = &Grant{
				ID: grant, Group: group, Account: info.GetUserID(), Scopes: scopes, CreatedAt: now,
			}
			st.Codes[digest(code)] = codeRecord{
				Grant: grant, Redirect: info.GetRedirectURI(), Challenge: info.GetCodeChallenge(),
				Method: string(info.GetCodeChallengeMethod()), Refresh: ext.Get(extRefresh) != "",
				Expires: now.Add(codeLifetime),
			}
			return
		}
		if st.Grants[grant] == nil { // what a client gets for itself comes of no consent
			group, _ := l.clientGroup(info.GetClientID())
			st.Grants[grant] = &Grant{ID: grant, Group: group, Account: accounts[0].Email, Scopes: scopes, CreatedAt: now}
		}
		st.Access[digest(info.GetAccess())] = accessRecord{
			Grant: grant, Scopes: scopes, Expires: now.Add(info.GetAccessExpiresIn()),
		}
		if r := info.GetRefresh(); r != "" {
			st.Refresh[digest(r)] = refreshRecord{Grant: grant, Used: now}
		}
	})
}

// GetByCode returns what a code stands for, nil when it is unknown or has expired by the sandbox's clock; the library's
// own clock is given nothing to decide. (oauth2.TokenStore)
func (l *ledger) GetByCode(_ context.Context, code string) (oauth2.TokenInfo, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.state.Codes[digest(code)]
	g := l.state.live(c.Grant)
	if !ok || g == nil || !l.now().Before(c.Expires) {
		return nil, oauth2errors.ErrInvalidAuthorizeCode
	}
	t := l.tokenOf(g)
	t.SetCode(code)
	t.SetCodeCreateAt(time.Now())
	t.SetCodeExpiresIn(codeLifetime)
	t.SetRedirectURI(c.Redirect)
	t.SetCodeChallenge(c.Challenge)
	t.SetCodeChallengeMethod(oauth2.CodeChallengeMethod(c.Method))
	if c.Refresh {
		t.Extension.Set(extRefresh, "yes")
	}
	return t, nil
}

// GetByAccess returns what an access token stands for. (oauth2.TokenStore)
func (l *ledger) GetByAccess(_ context.Context, access string) (oauth2.TokenInfo, error) {
	g, scopes := l.bearer(access)
	if g == nil {
		return nil, oauth2errors.ErrInvalidAccessToken
	}
	t := l.tokenOf(g)
	t.SetScope(strings.Join(scopes, " "))
	t.SetAccess(access)
	return t, nil
}

// GetByRefresh returns what a refresh token stands for. (oauth2.TokenStore)
func (l *ledger) GetByRefresh(_ context.Context, refresh string) (oauth2.TokenInfo, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.state.Refresh[digest(refresh)]
	g := l.state.live(r.Grant)
	now := l.now()
	if !ok || g == nil || now.Sub(r.Used) > refreshIdle || !r.Until.IsZero() && !now.Before(r.Until) {
		return nil, oauth2errors.ErrInvalidRefreshToken
	}
	t := l.tokenOf(g)
	t.SetRefresh(refresh)
	return t, nil
}

func (l *ledger) tokenOf(g *Grant) *models.Token {
	t := models.NewToken()
	t.Extension.Set(extGrant, g.ID)
	id, _ := l.client(g.Group)
	t.SetClientID(id)
	t.SetUserID(g.Account)
	t.SetScope(strings.Join(g.Scopes, " "))
	return t
}

// RemoveByCode forgets a code. (oauth2.TokenStore)
func (l *ledger) RemoveByCode(_ context.Context, code string) error {
	return l.change(func(st *state) { delete(st.Codes, digest(code)) })
}

// RemoveByAccess forgets an access token. (oauth2.TokenStore)
func (l *ledger) RemoveByAccess(_ context.Context, access string) error {
	return l.change(func(st *state) { delete(st.Access, digest(access)) })
}

// RemoveByRefresh forgets a refresh token. (oauth2.TokenStore)
func (l *ledger) RemoveByRefresh(_ context.Context, refresh string) error {
	return l.change(func(st *state) { delete(st.Refresh, digest(refresh)) })
}

// GetByID returns the client with this id, or ErrInvalidClient. (oauth2.ClientStore)
func (l *ledger) GetByID(_ context.Context, id string) (oauth2.ClientInfo, error) {
	group, ok := l.clientGroup(id)
	if !ok {
		return nil, oauth2errors.ErrInvalidClient
	}
	_, secret := l.client(group)
	return &models.Client{ID: id, Secret: secret}, nil
}
