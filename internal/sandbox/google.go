package sandbox

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/go-oauth2/oauth2/v4"
	oauth2errors "github.com/go-oauth2/oauth2/v4/errors"
)

const (
	googleScope    = "https://www.googleapis.com/auth/"
	googleAccounts = "accounts.google.com"
)

// googleScopes are the scopes that the sandbox's Google knows.
var googleScopes = []scopeText{
	{"openid", "Know who you are"},
	{"email", "See your e-mail address"},
	{"profile", "See your name"},
	{googleScope + "userinfo.email", "See your e-mail address"},
	{googleScope + "userinfo.profile", "See your name"},
	{googleScope + "calendar", "See, edit, share and delete all your calendars"},
	{googleScope + "calendar.readonly", "See all your calendars and events"},
	{googleScope + "calendar.events", "See and edit events on all your calendars"},
	{googleScope + "calendar.events.readonly", "See events on all your calendars"},
	{googleScope + "calendar.events.owned", "See and edit events on calendars you own"},
	{googleScope + "calendar.events.owned.readonly", "See events on calendars you own"},
	{googleScope + "calendar.events.freebusy", "See when you are free or busy, and events' times"},
	{googleScope + "calendar.freebusy", "See when you are free or busy"},
	{googleScope + "calendar.calendarlist", "See and change the list of your calendars"},
	{googleScope + "calendar.calendarlist.readonly", "See the list of your calendars"},
	{"https://mail.google.com/", "Read, write, send and delete all your mail"},
	{googleScope + "gmail.readonly", "Read your mail"},
	{googleScope + "gmail.metadata", "See your mails' headers and labels, not their text"},
	{googleScope + "gmail.modify", "Read, write and send your mail"},
	{googleScope + "gmail.compose", "Manage drafts and send mail"},
	{googleScope + "gmail.send", "Send mail as you"},
	{googleScope + "gmail.labels", "See and change your labels"},
}

// google returns the hosts of Google's accounts, calendar and mail.
func (s *Sandbox) google() map[string]host {
	auth := s.newAuthServer(authRules{
		vendor: "Google", issuer: "https://" + googleAccounts,
		shape: tokenShape{code: "4/0A", access: "ya29.a0", refresh: "1//0"}, scopes: s.scopesAt(googleAccounts, googleScopes),
		scopeParam: "scope", separator: " ", lifetime: s.opts.AccessTokenLifetime, rotate: s.opts.RotateRefreshTokens,
		early:  true,
		offers: s.googleOffers, proof: eitherProof,
	})

	consent := http.NewServeMux()
	consent.HandleFunc("GET /o/oauth2/v2/auth", auth.authorize)
	consent.HandleFunc("POST /o/oauth2/v2/auth", auth.authorize)

	tokens := http.NewServeMux()
	tokens.HandleFunc("POST /token", auth.token(refuseGoogleToken,
		func(w http.ResponseWriter, _ oauth2.GrantType, info oauth2.TokenInfo) {
			writeJSON(w, http.StatusOK, auth.lib.GetTokenData(info))
		}))
	tokens.HandleFunc("POST /revoke", s.revokeGoogle)

	www := http.NewServeMux()
	s.calendar(www)
	s.userinfo(www)
	www.HandleFunc("/", s.fromFixtures(googleNotFound))

	mail := http.NewServeMux()
	s.mail(mail)
	mail.HandleFunc("/", s.fromFixtures(googleNotFound))

	return map[string]host{
		googleAccounts:          {handler: consent, browser: true, fail: failGoogleToken},
		"oauth2.googleapis.com": {handler: tokens, fail: failGoogleToken},
		"www.googleapis.com":    {handler: www, fail: failGoogleAPI},
		"gmail.googleapis.com":  {handler: mail, fail: s.failMail},
	}
}

// googleOffers gives a refresh token when offline access was asked for, and this client holds none for the account or
// the person was made to consent again.
func (s *Sandbox) googleOffers(r *http.Request, group, account string) bool {
	again := slices.Contains(strings.Fields(r.FormValue("prompt")), "consent")
	return r.FormValue("access_type") == "offline" && (again || !s.ledger.remembers(group, account))
}

// revokeGoogle ends the grant of an access or refresh token (RFC 7009, without its client authentication).
func (s *Sandbox) revokeGoogle(w http.ResponseWriter, r *http.Request) {
	g := s.ledger.owner(r.FormValue("token"))
	if g == nil {
		writeJSON(w, http.StatusBadRequest,
			map[string]any{"error": "invalid_token", "error_description": "Token expired or revoked"})
		return
	}
	if _, err := s.ledger.revoke(func(o Grant) bool { return o.ID == g.ID }); err != nil {
		failGoogleToken(w, r, Fault{Kind: ServerError})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{})
}

// refuseGoogleToken words an error of the token endpoint.
func refuseGoogleToken(w http.ResponseWriter, gt oauth2.GrantType, err error) {
	status, code, text := http.StatusBadRequest, "invalid_request", "Bad Request"
	switch {
	case errors.Is(err, oauth2errors.ErrInvalidGrant), errors.Is(err, oauth2errors.ErrInvalidAuthorizeCode):
		code, text = "invalid_grant", "Bad Request"
		if gt == oauth2.Refreshing {
			text = "Token has been expired or revoked."
		}
	case errors.Is(err, oauth2errors.ErrMissingCodeVerifier):
		code, text = "invalid_grant", "Missing code verifier."
	case errors.Is(err, oauth2errors.ErrInvalidClient):
		status, code, text = http.StatusUnauthorized, "invalid_client", "The OAuth client was not found."
	case errors.Is(err, oauth2errors.ErrInvalidScope):
		code, text = "invalid_scope", "Some requested scopes were invalid."
	case errors.Is(err, oauth2errors.ErrUnsupportedGrantType), errors.Is(err, oauth2errors.ErrUnauthorizedClient):
		code, text = "unsupported_grant_type", "Invalid grant_type: "+string(gt)
	case errors.Is(err, oauth2errors.ErrInvalidRequest):
		text = "Missing required parameter."
	default:
		status, code, text = http.StatusInternalServerError, "internal_failure", "Internal error."
	}
	writeJSON(w, status, map[string]any{"error": code, "error_description": text})
}

// failGoogleToken words a fault at the token endpoint.
func failGoogleToken(w http.ResponseWriter, _ *http.Request, f Fault) {
	switch f.Kind {
	case Unauthorized:
		refuseGoogleToken(w, "", oauth2errors.ErrInvalidClient)
	case RateLimited:
		writeJSON(w, http.StatusForbidden,
			map[string]any{"error": "rate_limit_exceeded", "error_description": "Rate Limit Exceeded"})
	case TooManyRequests:
		writeJSON(w, http.StatusTooManyRequests,
			map[string]any{"error": "rate_limit_exceeded", "error_description": "Rate Limit Exceeded"})
	default:
		writeJSON(w, http.StatusInternalServerError,
			map[string]any{"error": "internal_failure", "error_description": "Internal error."})
	}
}

// googleError is an error of Google's APIs.
type googleError struct {
	code                    int
	domain, reason, message string
	status                  string
	locationType, location  string
	headline                string // the outer message where it differs
}

func (e googleError) write(w http.ResponseWriter) {
	item := map[string]any{"domain": e.domain, "reason": e.reason, "message": e.message}
	if e.location != "" {
		item["locationType"], item["location"] = e.locationType, e.location
	}
	body := map[string]any{"code": e.code, "message": firstOf(e.headline, e.message), "errors": []any{item}}
	if e.status != "" {
		body["status"] = e.status
	}
	if e.code == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="https://accounts.google.com/", error="invalid_token"`)
	}
	writeJSON(w, e.code, map[string]any{"error": body})
}

var (
	googleUnauthorized = googleError{code: 401, domain: "global", reason: "authError", message: "Invalid Credentials",
		status: "UNAUTHENTICATED", locationType: "header", location: "Authorization"}
	googleMissingScope = googleError{code: 403, domain: "global", reason: "insufficientPermissions",
		message: "Insufficient Permission", status: "PERMISSION_DENIED",
		headline: "Request had insufficient authentication scopes."}
)

// failGoogleAPI words a fault of the APIs.
func failGoogleAPI(w http.ResponseWriter, _ *http.Request, f Fault) {
	switch f.Kind {
	case Unauthorized:
		googleUnauthorized.write(w)
	case RateLimited:
		googleError{code: 403, domain: "usageLimits", reason: "userRateLimitExceeded",
			message: "User Rate Limit Exceeded"}.write(w)
	case TooManyRequests:
		googleError{code: 429, domain: "usageLimits", reason: "rateLimitExceeded", message: "Rate Limit Exceeded",
			status: "RESOURCE_EXHAUSTED"}.write(w)
	default:
		googleError{code: 500, domain: "global", reason: "backendError", message: "Backend Error",
			status: "INTERNAL"}.write(w)
	}
}

func googleNotFound(w http.ResponseWriter, _ *http.Request) {
	googleError{code: 404, domain: "global", reason: "notFound", message: "Not Found", status: "NOT_FOUND"}.write(w)
}

// badRequest is Google's answer to a parameter that it does not take.
func badRequest(parameter, message string) googleError {
	return googleError{code: 400, domain: "global", reason: "badRequest", message: message, status: "INVALID_ARGUMENT",
		locationType: "parameter", location: parameter}
}

// caller is who an API call is made for, and what it may do.
type caller struct {
	account
	scopes []string
}

// has reports whether the caller holds the scope, named without its common prefix.
func (c caller) has(scope string) bool { return slices.Contains(c.scopes, googleFullScope(scope)) }

func googleFullScope(name string) string {
	if strings.Contains(name, "/") || name == "openid" || name == "email" || name == "profile" {
		return name
	}
	return googleScope + name
}

// guarded lets a call through whose token lives and has one of the scopes, named without their common prefix. The
// answer is cut to the "fields" that were asked for.
func (s *Sandbox) guarded(
	h func(r *http.Request, c caller) (any, *googleError), scopes ...string,
) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		grant, held := s.ledger.bearer(bearerToken(r))
		if grant == nil {
			googleUnauthorized.write(w)
			return
		}
		person, ok := accountOf(grant.Account)
		if !ok {
			googleUnauthorized.write(w)
			return
		}
		c := caller{person, held}
		if !slices.ContainsFunc(scopes, c.has) {
			googleMissingScope.write(w)
			return
		}
		body, fault := h(r, c)
		if fault != nil {
			fault.write(w)
			return
		}
		if f := r.URL.Query().Get("fields"); f != "" {
			cut, err := cutFields(body, f)
			if err != nil {
				badRequest("fields", "Invalid field selection "+f).write(w)
				return
			}
			body = cut
		}
		writeJSON(w, http.StatusOK, body)
	}
}

// userinfo serves who signed in.
func (s *Sandbox) userinfo(mux *http.ServeMux) {
	mux.HandleFunc("GET /oauth2/v2/userinfo", s.guarded(
		func(_ *http.Request, c caller) (any, *googleError) {
			out := map[string]any{"id": c.number}
			if c.has("userinfo.email") || c.has("email") {
				out["email"], out["verified_email"] = c.Email, true
			}
			if c.has("userinfo.profile") || c.has("profile") {
				out["name"] = c.Name
				out["given_name"], out["family_name"], _ = strings.Cut(c.Name, " ")
			}
			return out, nil
		}, "openid", "email", "profile", "userinfo.email", "userinfo.profile"))
}
