package oauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/seal"
)

// maxAnswer is the largest answer that is read.
const maxAnswer = 1 << 20

// maxLifetime bounds expires_in, which some servers use to say "for ever".
const maxLifetime = 10 * 365 * 24 * time.Hour

var (
	errNoRevocation = errors.New("the vendor has no revocation endpoint")
	errTooLarge     = errors.New("the answer is larger than 1 MiB")
	errNotJSON      = errors.New("the answer is not a JSON object")
	errNoAccess     = errors.New("the answer has no access_token")
	errCutOff       = errors.New("the answer broke off")
	errNoAnswer     = errors.New("the server gave no answer that can be read")
)

// answer is what came back, read whole. fields is nil when it is not a JSON object.
type answer struct {
	status int
	header http.Header
	fields map[string]any
	failed bool   // the body speaks of an error, with or without a code
	code   string // the error code, when it is safe to show
}

// post sends form with the client's proof and reads the answer.
func (w *Wire) post(ctx context.Context, to string, form url.Values) (*answer, error) {
	var params map[string]any
	if to == w.Server.Token.URL {
		params = w.Server.Token.Params
	}
	for k, v := range params {
		form.Set(k, fmt.Sprint(v))
	}
	basic := w.Server.Token.Client == ClientBasic
	if !basic {
		form.Set("client_id", w.Client.ID)
		if !w.Client.Secret.IsZero() {
			form.Set("client_secret", w.Client.Secret.Reveal())
		}
	}
	body, contentType := []byte(form.Encode()), "application/x-www-form-urlencoded"
	if w.Server.Token.Body == BodyJSON {
		flat := map[string]any{}
		for k := range form {
			flat[k] = form.Get(k)
		}
		maps.Copy(flat, params)
		body, _ = json.Marshal(flat) //nolint:errchkjson // text, numbers and booleans always encode
		contentType = "application/json"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return nil, &Error{Kind: Misconfigured, Err: errors.New("the manifest's URL cannot be used")}
	}
	req.GetBody = nil // a one-time token is never sent again behind our back
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Accept", "application/json")
	if basic { // RFC 6749 section 2.3.1 wants both parts form-encoded first
		req.SetBasicAuth(url.QueryEscape(w.Client.ID), url.QueryEscape(w.Client.Secret.Reveal()))
	}
	client := *w.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(req)
	if err != nil {
		return nil, &Error{Kind: Transient, Err: presentable(err)}
	}
	defer res.Body.Close()
	a := &answer{status: res.StatusCode, header: res.Header}
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, w.transient(a, errCutOff)
	case len(raw) > maxAnswer:
		return nil, w.transient(a, errTooLarge)
	}
	a.read(raw, form, w.Client.Secret, w.Server.Token.Error)
	return a, nil
}

// presentable keeps a cause that can be shown: the transport's own words may quote what the vendor sent.
func presentable(err error) error {
	if e, ok := errors.AsType[*problem.Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return e
	}
	for _, known := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return known
		}
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return context.DeadlineExceeded
	}
	return errNoAnswer
}

var codeForm = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,64}$`)

// read takes the fields out of raw. An error code that looks unlike one, or repeats what was sent, is not kept. Where there
// is no error by its usual name, a refusal has its code in other, if that is not empty.
func (a *answer) read(raw []byte, sent url.Values, secret seal.Secret, other string) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&a.fields) != nil || d.More() {
		a.fields = nil
		return
	}
	said, present := a.fields["error"]
	ok, isBool := a.fields["ok"].(bool)
	a.failed = present && said != nil && said != "" && said != false || isBool && !ok
	if !present && a.status > 299 {
		said = a.fields[other]
	}
	code, _ := said.(string)
	if !codeForm.MatchString(code) || !secret.IsZero() && strings.Contains(code, secret.Reveal()) {
		return
	}
	for _, key := range []string{"code", "code_verifier", "refresh_token", "token"} {
		if v := sent.Get(key); v != "" && strings.Contains(code, v) {
			return
		}
	}
	a.code = code
}

// fallback is where a token may lie when it is not where the manifest says.
type fallback bool

const (
	nowhere  fallback = false // what lies elsewhere is another token than the one that was asked for
	atTheTop fallback = true
)

// token posts form to the token endpoint and reads the token.
func (w *Wire) token(ctx context.Context, form url.Values, otherwise fallback) (*Token, error) {
	a, err := w.post(ctx, w.Server.Token.URL, form)
	if err != nil {
		return nil, err
	}
	if a.status < 200 || a.status > 299 || a.failed {
		return nil, w.failure(a)
	}
	if a.fields == nil {
		return nil, w.transient(a, errNotJSON)
	}
	fields := descend(a.fields, w.Server.Token.At)
	access, _ := fields["access_token"].(string)
	if access == "" && otherwise == atTheTop {
		fields = a.fields
		access, _ = fields["access_token"].(string)
	}
	if access == "" {
		return nil, w.transient(a, errNoAccess)
	}
	t := &Token{Access: seal.NewSecret(access), ExpiresIn: lifetime(fields["expires_in"])}
	refresh, _ := fields["refresh_token"].(string)
	t.Refresh = seal.NewSecret(refresh)
	t.Type, _ = fields["token_type"].(string)
	t.Scopes = w.Server.shortScopes(w.Server.splitScopes(fields["scope"]))
	t.Extra = withoutSecrets(a.fields)
	for _, k := range []string{"token_type", "expires_in", "scope"} {
		delete(t.Extra, k)
	}
	return t, nil
}

// descend returns the object below fields that dotted names lead to; nil when there is none.
func descend(fields map[string]any, at string) map[string]any {
	if at == "" {
		return fields
	}
	for name := range strings.SplitSeq(at, ".") {
		fields, _ = fields[name].(map[string]any)
	}
	return fields
}

// failure reads an answer without a token. A server that is ill or overloaded proves nothing, whatever its body says.
func (w *Wire) failure(a *answer) *Error {
	e := w.transient(a, nil)
	switch {
	case a.status >= 500 || a.status == http.StatusTooManyRequests:
	case a.code == "invalid_grant" || a.code != "" && slices.Contains(w.Server.Refresh.Terminal, a.code):
		e.Kind = Rejected
	case slices.Contains(ours, a.code):
		e.Kind = Misconfigured
	}
	return e
}

// ours are the codes of RFC 6749 section 5.2 and RFC 7009 section 2.2.1 that speak of our application or request.
var ours = []string{
	"invalid_client", "unauthorized_client", "invalid_request", "unsupported_grant_type", "invalid_scope",
	"unsupported_token_type",
}

func (w *Wire) transient(a *answer, cause error) *Error {
	return &Error{
		Kind: Transient, Code: a.code, HTTPStatus: a.status, Err: cause,
		RetryAfter: retryAfter(a.header.Get("Retry-After"), w.Now),
	}
}

// retryAfter reads seconds or a date (RFC 9110 section 10.2.3).
func retryAfter(v string, now func() time.Time) time.Duration {
	v = strings.TrimSpace(v)
	if seconds, err := strconv.Atoi(v); err == nil {
		return time.Duration(min(max(seconds, 0), int(MaxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now()), 0), MaxRetryAfter)
}

// lifetime reads expires_in, which is a number of seconds that some servers send as a string.
func lifetime(v any) time.Duration {
	seconds, err := strconv.ParseFloat(fmt.Sprint(v), 64)
	if err != nil || !(seconds > 0) {
		return 0
	}
	return time.Duration(min(seconds, maxLifetime.Seconds()) * float64(time.Second))
}

// splitScopes reads a scope list: a string with the server's separator, spaces or commas, or an array of strings.
func (s *Server) splitScopes(v any) []string {
	switch v := v.(type) {
	case string:
		return strings.FieldsFunc(strings.ReplaceAll(v, s.separator(), " "), func(r rune) bool {
			return r == ' ' || r == ','
		})
	case []any:
		var out []string
		for _, e := range v {
			if one, ok := e.(string); ok && one != "" {
				out = append(out, one)
			}
		}
		return out
	}
	return nil
}

// withoutSecrets copies fields without keys that end in token or secret, at any depth.
func withoutSecrets(fields map[string]any) map[string]any {
	out := maps.Clone(fields)
	maps.DeleteFunc(out, func(k string, _ any) bool {
		k = strings.ToLower(k)
		return strings.HasSuffix(k, "token") || strings.HasSuffix(k, "secret")
	})
	for k, v := range out {
		out[k] = cleaned(v)
	}
	return out
}

func cleaned(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return withoutSecrets(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = cleaned(e)
		}
		return out
	}
	return v
}
