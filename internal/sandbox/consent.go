package sandbox

import (
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	oauth2errors "github.com/go-oauth2/oauth2/v4/errors"
)

// What a request to the authorization page may carry besides OAuth's own parameters.
const (
	// paramConsent on a GET, or the header of the next line, answers the page without a person: "allow" or "refuse".
	paramConsent  = "sandbox_consent"
	headerConsent = "Sandbox-Consent"
	// paramAccount and paramScopes choose for such an answer; without them the first account allows everything.
	paramAccount = "sandbox_account"
	paramScopes  = "sandbox_scopes"
)

//go:embed consent.html
var consentHTML string

var consentPage = template.Must(template.New("consent").Parse(consentHTML))

type consentView struct {
	Vendor   string
	Client   string
	Redirect string
	Scopes   []scopeText
	Accounts []account
	Fault    string
	Nonce    string
}

// authorize serves the authorization page: the person sees who asks for what, chooses, and goes back to the client.
func (a *authServer) authorize(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		a.page(w, http.StatusBadRequest, consentView{Fault: "The request cannot be read."})
		return
	}
	view, err := a.checkAuthorize(r)
	if err != nil {
		a.page(w, http.StatusBadRequest, consentView{Fault: err.Error()})
		return
	}
	decision, account, scopes := a.decision(r, view)
	switch {
	case decision == "":
		a.page(w, http.StatusOK, view)
	case !slices.ContainsFunc(accounts, account.is):
		a.page(w, http.StatusBadRequest, consentView{Fault: "There is no such account in the sandbox."})
	default:
		a.decide(w, r, decision, account, scopes)
	}
}

// refusal is the text of a vendor's own error page.
type refusal string

func (r refusal) Error() string { return string(r) }

// checkAuthorize finds what a vendor shows on a page of its own rather than sending it back to a client that it does
// not know or trust (RFC 6749 section 4.1.2.1).
func (a *authServer) checkAuthorize(r *http.Request) (consentView, error) {
	client := r.FormValue("client_id")
	if _, ok := a.sandbox.ledger.clientGroup(client); !ok {
		return consentView{}, refusal("Error 401: invalid_client. The OAuth client was not found.")
	}
	redirect, err := url.Parse(r.FormValue("redirect_uri"))
	if err != nil || redirect.Scheme != "http" && redirect.Scheme != "https" || redirect.Host == "" ||
		redirect.User != nil || redirect.Fragment != "" {
		return consentView{}, refusal("Error 400: redirect_uri_mismatch. Give an absolute http or https URL.")
	}
	view := consentView{Vendor: a.vendor, Client: client, Redirect: redirect.Host, Accounts: accounts}
	asked := strings.ReplaceAll(r.FormValue(a.scopeParam), a.separator, " ")
	for _, value := range strings.Fields(asked) {
		i := slices.IndexFunc(a.scopes, func(s scopeText) bool { return s.Value == value })
		if i < 0 {
			return consentView{}, refusal("Error 400: invalid_scope. Some requested scopes were invalid: " + value)
		}
		if !slices.Contains(view.Scopes, a.scopes[i]) {
			view.Scopes = append(view.Scopes, a.scopes[i])
		}
	}
	if len(view.Scopes) == 0 && len(a.scopes) > 0 {
		return consentView{}, refusal("Error 400: invalid_request. Missing required parameter: scope")
	}
	return view, nil
}

// decision reads what was chosen; "" means that the page is still to be shown. The page's own form sends a field that
// tells unticked boxes from a bare decision=allow, which allows everything.
func (a *authServer) decision(r *http.Request, view consentView) (decision string, by accountName, scopes []string) {
	for _, s := range view.Scopes {
		scopes = append(scopes, s.Value)
	}
	form := r.Form
	if r.Method == http.MethodPost {
		decision = r.PostForm.Get("decision")
		by = accountName(r.PostForm.Get("account"))
		if r.PostForm.Has("page") {
			scopes = intersect(scopes, r.PostForm["scope_granted"])
		}
	} else {
		decision = firstOf(form.Get(paramConsent), r.Header.Get(headerConsent))
		if form.Has(paramScopes) {
			scopes = intersect(scopes, strings.Fields(form.Get(paramScopes)))
		}
	}
	by = accountName(firstOf(string(by), form.Get(paramAccount), form.Get("login_hint"), accounts[0].Email))
	return decision, by, scopes
}

// decide sends the browser back to the client with a code or an error.
func (a *authServer) decide(
	w http.ResponseWriter, r *http.Request, decision string, by accountName, scopes []string,
) {
	faults, host, path := a.sandbox.faults, r.Host, r.URL.Path
	group, _ := a.sandbox.ledger.clientGroup(r.FormValue("client_id"))
	who := &Grant{Account: string(by), Group: group}
	if f := faults.take([]FaultKind{RefuseConsent}, host, path, who); f != nil {
		decision = "refuse"
	}
	if f := faults.take([]FaultKind{FewerScopes}, host, path, who); f != nil {
		scopes = fewer(scopes, f.Scopes)
	}
	req, err := a.lib.ValidationAuthorizeRequest(r)
	if err != nil {
		data, status, _ := a.lib.GetErrorData(err)
		text, _ := data["error_description"].(string)
		a.page(w, status, consentView{Fault: "Error: " + err.Error() + ". " + text})
		return
	}
	data := map[string]any{"error": oauth2errors.ErrAccessDenied.Error()}
	if decision == "allow" && (len(scopes) > 0 || len(a.scopes) == 0) {
		req.UserID, req.Scope = string(by), strings.Join(scopes, " ")
		info, err := a.lib.GetAuthorizeToken(r.Context(), req)
		if err != nil {
			a.sandbox.opts.Log.Error("sandbox cannot write a code", "error", err)
			a.page(w, http.StatusInternalServerError, consentView{Fault: "Error 500: server_error."})
			return
		}
		data = a.lib.GetAuthorizeData(req.ResponseType, info)
		if req.Scope != "" {
			data["scope"] = req.Scope
		}
	}
	if a.issuer != "" {
		data["iss"] = a.issuer // RFC 9207
	}
	target, err := a.lib.GetRedirectURI(req, data)
	if err != nil {
		a.page(w, http.StatusBadRequest, consentView{Fault: "Error 400: redirect_uri_mismatch."})
		return
	}
	http.Redirect(w, r, a.signed(r, target), http.StatusSeeOther)
}

// signed adds what the vendor sends back besides a code.
func (a *authServer) signed(r *http.Request, target string) string {
	u, err := url.Parse(target)
	if err != nil || a.callback == nil {
		return target
	}
	back := u.Query()
	a.callback(r, back)
	u.RawQuery = back.Encode()
	return u.String()
}

// page shows the consent page, or only its fault.
func (a *authServer) page(w http.ResponseWriter, status int, view consentView) {
	view.Vendor, view.Nonce = a.vendor, randomToken(16)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=UTF-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	// No form-action: browsers apply it to the redirect after the form too, which leads to the client's own host.
	h.Set("Content-Security-Policy",
		"default-src 'none'; style-src 'nonce-"+view.Nonce+"'; base-uri 'none'; frame-ancestors 'none'")
	w.WriteHeader(status)
	_ = consentPage.Execute(w, view) // the browser has gone: nobody to tell
}

// fewer takes drop out of scopes, or all but the first when drop is empty.
func fewer(scopes, drop []string) []string {
	if len(drop) == 0 {
		return scopes[:min(1, len(scopes))]
	}
	return slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return slices.Contains(drop, s) })
}

func intersect(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return !slices.Contains(some, s) })
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
