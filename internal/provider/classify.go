package provider

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// VerdictKind is what an answer means for the credential and the request.
type VerdictKind string

// The verdicts.
const (
	OK VerdictKind = "ok"
	// Rejected: the access token or key was not accepted; a refresh may help.
	Rejected VerdictKind = "rejected"
	// Revoked: the grant is gone, no refresh helps.
	Revoked VerdictKind = "revoked"
	// MissingScope: the credential is good and may not do this.
	MissingScope VerdictKind = "missing_scope"
	RateLimited  VerdictKind = "rate_limited"
	NotFound     VerdictKind = "not_found"
	// NotShared: it exists and was not opened to this credential.
	NotShared VerdictKind = "not_shared"
	// Transient: the same request may succeed later.
	Transient VerdictKind = "transient"
	// Failed: the same request will fail again.
	Failed VerdictKind = "failed"
)

var verdicts = []VerdictKind{OK, Rejected, Revoked, MissingScope, RateLimited, NotFound, NotShared, Transient, Failed}

// maxRetryAfter bounds the wait that a vendor can ask for.
const maxRetryAfter = 24 * time.Hour

// Verdict is an answer, judged.
type Verdict struct {
	Kind VerdictKind
	// Message is written for the person who must act; it repeats nothing that the vendor said.
	Message string
	// RetryAfter is the wait that the vendor asked for; 0 when it named none.
	RetryAfter time.Duration
}

// Rule is how one vendor says no. The first rule of the manifest that matches decides.
type Rule struct {
	// When is true of {status, headers, body, now}; body is null when it is not JSON and headers are lower-case.
	When *Expression `yaml:"when"`
	Is   VerdictKind `yaml:"is"`
	// Message replaces the general one.
	Message string `yaml:"message"`
	// RetryAfter yields seconds to wait, or the RFC 3339 time when to come back.
	RetryAfter *Expression `yaml:"retry_after"`
}

// Classify judges an answer: by the manifest's rules first, then by what HTTP says (RFC 9110 section 15, RFC 6585).
// An expression that fails on the answer does not match. It never fails and never panics.
func (p *Provider) Classify(r Response) Verdict {
	v, _ := p.judge(r)
	return v
}

// noRule stands for what HTTP says, where no rule of the manifest has decided.
const noRule = -1

// judge classifies an answer, and tells which rule has decided.
func (p *Provider) judge(r Response) (v Verdict, rule int) {
	body, err := decodeJSON(r.Body)
	at := r.receivedAt()
	document := map[string]any{"status": r.Status, "headers": headersOf(r.Header), "body": body, "now": nil}
	if !at.IsZero() {
		document["now"] = at.Format(time.RFC3339)
	}
	for i, rule := range p.Errors {
		if !rule.When.holds(document) {
			continue
		}
		v := p.verdict(rule.Is, r, at)
		if rule.Message != "" {
			v.Message = rule.Message
		}
		if wait, ok := rule.wait(document, at); ok {
			v.RetryAfter = wait
		}
		return v, i
	}
	kind := byStatus(r.Status)
	if kind == OK && err == errWebPage { //nolint:errorlint // decodeJSON returns it bare
		kind = Transient
	}
	return p.verdict(kind, r, at), noRule
}

func byStatus(status int) VerdictKind {
	switch {
	case status >= 200 && status < 300:
		return OK
	case status == http.StatusUnauthorized:
		return Rejected
	case status == http.StatusNotFound, status == http.StatusGone:
		return NotFound
	case status == http.StatusTooManyRequests:
		return RateLimited
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status >= 500, status == 0:
		return Transient
	}
	return Failed
}

func (p *Provider) verdict(kind VerdictKind, r Response, at time.Time) Verdict {
	v := Verdict{Kind: kind, Message: p.words(kind)}
	if kind == RateLimited || kind == Transient {
		v.RetryAfter = retryAfter(r.Header.Get("Retry-After"), at)
	}
	return v
}

func (p *Provider) words(kind VerdictKind) string {
	switch kind {
	case OK:
		return ""
	case Rejected:
		return p.Title + " did not accept the credential."
	case Revoked:
		return "Access to " + p.Title + " was withdrawn. Connect it again."
	case MissingScope:
		return p.Title + " has not granted the permission that this needs."
	case RateLimited:
		return p.Title + " has received too many requests for now."
	case NotFound:
		return p.Title + " does not have what was asked for."
	case NotShared:
		return "What was asked for is not shared with this connection in " + p.Title + "."
	case Transient:
		return p.Title + " is not available at the moment."
	}
	return p.Title + " refused the request."
}

func (e *Expression) holds(document any) bool {
	v, err := e.first(context.Background(), document, nil, nil)
	yes, _ := v.(bool)
	return err == nil && yes
}

func (r Rule) wait(document any, at time.Time) (time.Duration, bool) {
	if r.RetryAfter == nil {
		return 0, false
	}
	v, err := r.RetryAfter.first(context.Background(), document, nil, nil)
	if err != nil {
		return 0, false
	}
	switch v := v.(type) {
	case int:
		return seconds(float64(v)), true
	case float64:
		return seconds(v), true
	case string:
		when, err := time.Parse(time.RFC3339, v)
		if err != nil || at.IsZero() {
			return 0, false
		}
		return seconds(when.Sub(at).Seconds()), true
	}
	return 0, false
}

// retryAfter reads the header of RFC 9110 section 10.2.3, seconds or a date.
func retryAfter(value string, at time.Time) time.Duration {
	if n, err := strconv.ParseFloat(value, 64); err == nil {
		return seconds(n)
	}
	if when, err := http.ParseTime(value); err == nil && !at.IsZero() {
		return seconds(when.Sub(at).Seconds())
	}
	return 0
}

func seconds(n float64) time.Duration {
	if !(n > 0) {
		return 0
	}
	return time.Duration(min(n, maxRetryAfter.Seconds()) * float64(time.Second))
}

func (r Response) receivedAt() time.Time {
	if !r.Received.IsZero() {
		return r.Received
	}
	t, err := http.ParseTime(r.Header.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return t
}
