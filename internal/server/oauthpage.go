package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/patchbay/patchbay/internal/problem"
)

// Connector is what the pages need of whoever connects integrations. Errors are problem.Errors whose messages are read
// by the person in front of the browser; any other error is logged and shown as ours.
//
// browser is the SHA-256, in hex, of a secret that only the person's browser keeps. It ties the end of an attempt to
// the browser in which somebody read whose account would be joined, and agreed.
type Connector interface {
	// Start describes the attempt behind a one-time token. It changes nothing: mail scanners and previews open links.
	Start(ctx context.Context, token string) (StartPage, error)
	// Continue binds the attempt to browser and returns the vendor's page to go on with. A second call with the same
	// browser may answer the same; one with another browser must fail with problem.StateMismatch.
	Continue(ctx context.Context, token, browser string) (authorizationURL string, err error)
	// Finish takes the parameters that the vendor sent back. It fails with problem.StateMismatch unless browser is the
	// one that the attempt was bound to.
	Finish(ctx context.Context, params url.Values, browser string) (FinishPage, error)
}

// StartPage says what a person is about to join, in words that they know.
type StartPage struct {
	Company  string   // the company that will use the account
	User     string   // whom it will be joined to; "" for the company itself
	Provider string   // the service's title
	Scopes   []string // what may be done with it, one phrase each
}

// FinishPage says what has been joined.
type FinishPage struct {
	Company, User, Provider string
	Account                 string // the account's name at the provider; "" when it has none
	RedirectURL             string // where the person goes on; "" shows a page that says it is done
}

// OAuthOptions configure the pages. Connector is required.
type OAuthOptions struct {
	Connector Connector
	// PublicURL is where browsers reach the pages; with https the cookie never travels without.
	PublicURL string
	// Log receives what the pages do not show; nil discards.
	Log *slog.Logger
}

// NewOAuthPages returns the handler of /oauth/start/{token} and /oauth/callback, for Options.OAuth.
func NewOAuthPages(o OAuthOptions) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	p := &oauthPages{OAuthOptions: o, secure: strings.HasPrefix(strings.ToLower(o.PublicURL), "https:")}
	p.Log = slog.New(LogHandler(o.Log.Handler()))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /oauth/start/{token}", p.start)
	mux.HandleFunc("POST /oauth/start/{token}", p.goOn)
	mux.HandleFunc("GET /oauth/callback", p.callback)
	mux.HandleFunc("/oauth/", func(w http.ResponseWriter, r *http.Request) { p.fail(w, r, errNoPage) })
	return mux
}

type oauthPages struct {
	OAuthOptions
	secure bool
}

// start shows whose account would be joined. It sets the browser's secret, which makes the button work.
func (p *oauthPages) start(w http.ResponseWriter, r *http.Request) {
	token, ok := tokenOf(r)
	if !ok {
		p.fail(w, r, errNoPage)
		return
	}
	page, err := p.Connector.Start(r.Context(), token)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.keepSecret(w, r)
	writePage(w, r, http.StatusOK, startTemplate, page)
}

// goOn binds the attempt to the browser and sends it to the vendor.
func (p *oauthPages) goOn(w http.ResponseWriter, r *http.Request) {
	token, ok := tokenOf(r)
	if !ok {
		p.fail(w, r, errNoPage)
		return
	}
	if !p.fromOwnPage(r) {
		p.fail(w, r, errForeignForm)
		return
	}
	target, err := p.Connector.Continue(r.Context(), token, fingerprint(p.keepSecret(w, r)))
	if err != nil {
		p.fail(w, r, err)
		return
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// callback takes the vendor's answer from the browser that asked for it, and from no other.
func (p *oauthPages) callback(w http.ResponseWriter, r *http.Request) {
	secret, ok := p.secretOf(r)
	switch {
	case r.Method != http.MethodGet: // HEAD would use the code up
		w.Header().Set("Allow", http.MethodGet)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	case !ok:
		p.fail(w, r, errOtherBrowser)
		return
	case len(r.URL.RawQuery) > maxQuery:
		p.fail(w, r, errNoPage)
		return
	}
	page, err := p.Connector.Finish(r.Context(), r.URL.Query(), fingerprint(secret))
	if err != nil {
		p.fail(w, r, err)
		return
	}
	if page.RedirectURL != "" {
		http.Redirect(w, r, page.RedirectURL, http.StatusSeeOther)
		return
	}
	writePage(w, r, http.StatusOK, doneTemplate, page)
}

// maxQuery is more than any vendor sends: codes and ID tokens stay below 4 KiB.
const maxQuery = 8 << 10

// tokenOf returns the path's token, and false for one that was never ours.
func tokenOf(r *http.Request) (string, bool) {
	token := r.PathValue("token")
	return token, len(token) <= 256
}

const (
	secretCookie = "patchbay_oauth"
	secretBytes  = 32
	secretTime   = 10 * 60 // seconds; as long as an attempt lives
)

// keepSecret returns the browser's secret and makes the browser keep it from now on. One that it has stays, so that
// two attempts in two tabs do not spoil each other.
func (p *oauthPages) keepSecret(w http.ResponseWriter, r *http.Request) string {
	secret, ok := p.secretOf(r)
	if !ok {
		b := make([]byte, secretBytes)
		_, _ = rand.Read(b) // never fails; see crypto/rand
		secret = base64.RawURLEncoding.EncodeToString(b)
	}
	cookie := p.cookie()
	cookie.Value = secret
	http.SetCookie(w, &cookie)
	return secret
}

// cookie returns the cookie of the browser's secret, without it. With https its name keeps other hosts of the same domain
// from planting one of their own (RFC 6265bis section 4.1.3.2), which would tie the browser to their attempt.
func (p *oauthPages) cookie() http.Cookie {
	c := http.Cookie{
		Name: secretCookie, Path: "/oauth", MaxAge: secretTime, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	if p.secure {
		c.Name, c.Path, c.Secure = "__Host-"+secretCookie, "/", true
	}
	return c
}

// secretOf returns the browser's secret, and false when it has none that we could have made.
func (p *oauthPages) secretOf(r *http.Request) (string, bool) {
	cookie, err := r.Cookie(p.cookie().Name)
	if err != nil {
		return "", false
	}
	raw, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	return cookie.Value, err == nil && len(raw) == secretBytes
}

func fingerprint(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// fromOwnPage reports whether a form came from our start page, so that no other page presses the button unseen.
// Browsers say so in Sec-Fetch-Site; where they do not (plain http), our referrer policy makes the Origin "null", and
// the cookie, which never comes with a foreign form, speaks instead. Without either it is no browser.
func (p *oauthPages) fromOwnPage(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return true
	case "":
	default:
		return false
	}
	_, hasSecret := p.secretOf(r)
	return r.Header.Get("Origin") == "" || hasSecret
}

// Faults that the pages themselves find.
var (
	errNoPage       = problem.New(problem.NotFound, "There is no such page.")
	errForeignForm  = problem.New(problem.StateMismatch, "This form came from another page.")
	errOtherBrowser = problem.New(problem.StateMismatch,
		"This browser did not start the connection, or more than ten minutes have passed since.")
)
