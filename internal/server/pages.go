package server

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html"
	"html/template"
	"net/http"
	"regexp"
	"strings"
	"unicode"

	"github.com/patchbay/patchbay/internal/problem"
)

//go:embed pages
var pageFiles embed.FS

var (
	pageStyle      = mustRead("pages/style.css")
	startTemplate  = parsePage("start")
	doneTemplate   = parsePage("done")
	failedTemplate = parsePage("failed")
)

func mustRead(name string) string {
	b, err := pageFiles.ReadFile(name)
	if err != nil {
		panic(err) // embedded: the build has it
	}
	return string(b)
}

func parsePage(name string) *template.Template {
	funcs := template.FuncMap{"style": func() template.CSS { return template.CSS(pageStyle) }}
	return template.Must(template.New(name).Funcs(funcs).ParseFS(pageFiles, "pages/layout.html", "pages/"+name+".html"))
}

// pagePolicy allows our own style and nothing else: no script, image, frame or connection. form-action is left open
// because browsers apply it to every redirect that follows a form, and a vendor's sign-in may lead over hosts that
// nobody here knows.
var pagePolicy = func() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; frame-ancestors 'none'"
}()

// writePage sends one page, as HTML or, to whoever asks for that and for no HTML, as plain text. Nothing about it may be
// stored or told to the next site.
func writePage(w http.ResponseWriter, r *http.Request, status int, t *template.Template, data any) {
	var body bytes.Buffer
	name, kind := "layout", "text/html; charset=utf-8"
	accept := r.Header.Get("Accept")
	plain := strings.Contains(accept, "text/plain") && !strings.Contains(accept, "text/html")
	if plain {
		name, kind = "plain", "text/plain; charset=utf-8"
	}
	if err := t.ExecuteTemplate(&body, name, data); err != nil {
		panic(err) // a template that does not fit its data is a fault of the build
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept")
	w.WriteHeader(status)
	if plain {
		_, _ = w.Write(plainText(body.Bytes()))
		return
	}
	_, _ = w.Write(body.Bytes())
}

var (
	pair   = regexp.MustCompile(`</dt>\s*<dd>`)
	tag    = regexp.MustCompile(`<[^>]*>`)
	blanks = regexp.MustCompile(`\n\s*\n+`)
)

// plainText takes the tags out of one of our own pages.
func plainText(page []byte) []byte {
	page = tag.ReplaceAll(pair.ReplaceAll(page, []byte(": ")), nil)
	text := html.UnescapeString(string(blanks.ReplaceAll(page, []byte("\n"))))
	text = strings.Map(func(r rune) rune { // a terminal obeys some, and names are chosen by others
		if unicode.IsControl(r) && r != '\n' {
			return -1
		}
		return r
	}, text)
	return []byte(strings.TrimSpace(text) + "\n")
}

// failure is the page for one kind of problem: what happened, and what the person can do.
type failure struct {
	status        int
	Title, Advice string
}

var (
	again     = "Go back to where you started and connect again."
	askTheOne = "Ask whoever sent you here for a new link."
	failures  = map[problem.Code]failure{
		problem.StateMismatch: {http.StatusBadRequest, "This link no longer works",
			"A link works once, for ten minutes, in one browser. " + again},
		problem.ConsentDenied: {http.StatusForbidden, "Nothing was connected",
			"You said no, or closed the service's page. If that was a mistake: " + again},
		problem.MissingScopes: {http.StatusForbidden, "A permission is missing",
			again + " Leave every permission ticked that the service shows."},
		problem.AccountMismatch: {http.StatusConflict, "This is another account",
			"Sign out at the service, or choose the account that was connected before. " + again},
		problem.NotFound:        {http.StatusNotFound, "There is nothing here", askTheOne},
		problem.Disabled:        {http.StatusForbidden, "This cannot be connected now", askTheOne},
		problem.AccessDenied:    {http.StatusForbidden, "This cannot be connected", askTheOne},
		problem.Taken:           {http.StatusConflict, "This is connected already", "You can close this page."},
		problem.Invalid:         {http.StatusBadRequest, "This cannot be connected", again},
		problem.ProviderFailed:  {http.StatusBadGateway, "The service did not go along", again},
		problem.ProviderTimeout: {http.StatusGatewayTimeout, "The service did not answer", again},
		problem.ProviderRateLimited: {http.StatusServiceUnavailable, "The service is busy",
			"Wait a few minutes. " + again},
		problem.Unavailable: {http.StatusServiceUnavailable, "We cannot do this now",
			"Wait a moment. " + again},
		problem.Timeout: {http.StatusGatewayTimeout, "This took too long", again},
	}
	ourFault = failure{http.StatusInternalServerError, "Something went wrong on our side",
		again + " If it happens again, tell us the request below."}
)

// fail shows err's page. Problems that are not for the person are logged, and shown as ours.
func (p *oauthPages) fail(w http.ResponseWriter, r *http.Request, err error) {
	found := asProblem(err, errInternal)
	page, known := failures[found.Code]
	message := found.Message
	if !known {
		p.Log.ErrorContext(r.Context(), "connecting failed", "error", err)
		page, message = ourFault, ""
	}
	if rec := recordOf(r.Context()); rec != nil {
		rec.code = string(found.Code)
	}
	writePage(w, r, page.status, failedTemplate, struct {
		failure
		Message, RequestID string
	}{page, message, RequestID(r.Context())})
}
