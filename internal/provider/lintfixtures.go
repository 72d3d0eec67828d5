package provider

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// fixtures replays them and looks for what none of them shows.
func (l *linter) fixtures(dir fs.FS) []Finding {
	file := l.Name + fixturesSuffix
	all, findings := Fixtures(dir, l.Name)
	if len(findings) > 0 {
		return findings
	}
	shown, decided := map[string]bool{}, map[int]bool{}
	for _, f := range all {
		if err := l.Replay(context.Background(), f); err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				findings = append(findings, Finding{file, f.line, fmt.Sprintf("%s: %s", f, line)})
			}
		}
		shown[f.Shows] = shown[f.Shows] || f.isShown()
		shown["a missing scope"] = shown["a missing scope"] || f.Verdict == MissingScope
		if !slices.Contains(byTheWire, f.Shows) {
			_, rule := l.judge(f.Answer.response())
			decided[rule] = true
		}
		if c := l.capabilityOf(f); c != nil && c.Effect == Read && len(f.Results) == 0 && f.Refused == "" &&
			(f.Verdict == "" || f.Verdict == OK) {
			shown["an empty page"] = true
		}
		if len(f.Lookup) > 0 {
			shown[lookupOf(f.Shows)] = shown[lookupOf(f.Shows)] || f.Refused == ""
			shown[nothingFor(f.Shows)] = shown[nothingFor(f.Shows)] || f.Refused != ""
		}
		if len(f.Names) > 0 {
			shown[namesOf(f.Shows)] = true
		}
		if f.Shows == ShowsCredential {
			shown[credentialOf(f.Kind)] = true
		}
		if f.Input.Page != "" {
			shown["a second page"] = true
		}
		shown[probeOK] = shown[probeOK] || l.turnsProbe(f)
		shown[revokeOK] = shown[revokeOK] || l.turnsRevocation(f)
	}
	for _, wanted := range l.wanted(all) {
		if !shown[wanted] {
			findings = append(findings, Finding{File: file, Message: "no fixture shows " + wanted})
		}
	}
	for i, rule := range l.Errors {
		if !decided[i] {
			findings = append(findings, Finding{l.file, l.line(fmt.Sprintf("$.errors[%d]", i)),
				fmt.Sprintf("no fixture shows this error, which is %s", rule.Is)})
		}
	}
	return findings
}

// What shows that an `ok` is there for something.
const (
	probeOK  = "an answer that only the probe's ok decides"
	revokeOK = "an answer that only the ok of auth.revoke decides"
)

// turnsProbe reports whether the probe's ok makes another verdict of the fixture's answer than the error rules do.
func (l *linter) turnsProbe(f Fixture) bool {
	answer := f.Answer.response()
	return (f.Shows == ShowsProbeGood || f.Shows == ShowsProbeBad) && l.Probe.Read(answer).Kind != l.Classify(answer).Kind
}

// turnsRevocation reports the same of the last answer to a revocation by the manifest's own requests.
func (l *linter) turnsRevocation(f Fixture) bool {
	if f.Shows != ShowsRevoke || l.Auth.Revoke == nil {
		return false
	}
	answer := f.Answer.response()
	if n := len(f.Each); n > 0 {
		answer = f.Each[n-1].Answer.response()
	}
	body, _ := decodeJSON(answer.Body)
	return l.revoked(answer, body).Kind != l.Classify(answer).Kind
}

// byTheWire are the fixtures whose answers no error rule judges.
var byTheWire = []string{ShowsAuthorize, ShowsToken, ShowsRefresh, ShowsRefreshRejected, ShowsCredential}

// isShown reports whether the fixture comes to what its name promises.
func (f Fixture) isShown() bool {
	switch f.Shows {
	case ShowsRateLimit:
		return f.Verdict == RateLimited
	case ShowsRevokedToken:
		return f.Verdict == Rejected || f.Verdict == Revoked
	case ShowsRefreshRejected:
		return f.Verdict != "" && f.Verdict != OK
	}
	return true
}

// capabilityOf returns the capability that the fixture shows, and nil where it shows something else.
func (l *linter) capabilityOf(f Fixture) *Capability {
	for _, c := range l.CapabilitiesFor(f.Input.Config, nil) {
		if c.Name == f.Shows {
			return c
		}
	}
	return nil
}

// wanted lists what the fixtures of this manifest must show.
func (l *linter) wanted(all []Fixture) []string {
	out := []string{ShowsRevokedToken, ShowsRateLimit, "an empty page"}
	if l.Auth.OAuth2 != nil {
		out = append(out, ShowsAuthorize, ShowsToken)
		if l.Auth.OAuth2.Refresh.None == "" {
			out = append(out, ShowsRefresh, ShowsRefreshRejected)
		}
		if l.Revocable() {
			out = append(out, ShowsRevoke)
		}
		if l.Auth.Revoke != nil && l.Auth.Revoke.OK != nil {
			out = append(out, revokeOK)
		}
		if len(l.Auth.OAuth2.Scopes) > 0 {
			out = append(out, "a missing scope")
		}
	}
	for _, kind := range l.AuthKinds() {
		if l.Auth.Send != nil || kind != OAuth2 { // without it a granted token is a bearer token
			out = append(out, credentialOf(kind))
		}
	}
	if !l.Probe.isZero() {
		out = append(out, ShowsProbeGood, ShowsProbeBad)
		if l.Probe.OK != nil {
			out = append(out, probeOK)
		}
	}
	if !l.Account.isZero() {
		out = append(out, ShowsAccount)
	}
	pages := false
	for _, c := range l.Capabilities {
		out = append(out, c.Name)
		pages = pages || c.Next != nil
		if c.Lookup != nil {
			out = append(out, lookupOf(c.Name))
			if c.Lookup.Missing != "" {
				out = append(out, nothingFor(c.Name))
			}
		}
		if len(c.Names) > 0 {
			out = append(out, namesOf(c.Name))
		}
	}
	if l.Configured != nil {
		pages = pages || l.Configured.Next != nil
		if !slices.ContainsFunc(all, func(f Fixture) bool { return l.capabilityOf(f) != nil }) {
			out = append(out, "a configured capability")
		}
	}
	if pages {
		out = append(out, "a second page")
	}
	return out
}

// lookupOf and nothingFor name what the fixtures of a capability with a lookup must show.
func lookupOf(name string) string { return "the lookup of " + name }

func nothingFor(name string) string { return "the lookup of " + name + " that finds nothing" }

// namesOf names what the fixtures of a capability with names must show.
func namesOf(name string) string { return "the names of " + name }
