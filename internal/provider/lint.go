package provider

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Lint checks every manifest in a directory and replays its fixtures. It finds all that Load refuses, and besides
// whatever a manifest should not go without: a probe and an account, or the reason why none; revocation, or what a
// person must do; error rules; the date and sources of its facts; phrases; and a fixture for all that it does. The
// findings are in the order of files and lines; nil means that all is well.
func Lint(dir fs.FS) []Finding {
	files, err := manifests(dir)
	if err != nil {
		return []Finding{{File: ".", Message: err.Error()}}
	}
	var findings []Finding
	for _, file := range files {
		text, err := fs.ReadFile(dir, file)
		if err != nil {
			findings = append(findings, Finding{File: file, Message: "the file cannot be read"})
			continue
		}
		p, faults := Decode(file, text)
		findings = append(findings, faults...)
		if p == nil {
			continue
		}
		l := &linter{compiler: compiler{Provider: p}}
		l.facts()
		l.access()
		l.abilities()
		findings = append(findings, l.findings...)
		findings = append(findings, l.fixtures(dir)...)
	}
	return inOrder(findings)
}

type linter struct{ compiler }

func (l *linter) facts() {
	if l.Description == "" {
		l.fault("$.name", "description is missing")
	}
	if len(l.Categories) == 0 {
		l.fault("$.name", "categories is missing")
	}
	if l.Checked == "" {
		l.fault("$.name", "checked is missing: the date when these facts were last compared with their sources")
	}
	if len(l.Sources) == 0 {
		l.fault("$.name", "sources is missing: where these facts come from")
	}
	if len(l.Errors) == 0 {
		l.fault("$.name", "errors is missing: how this provider says no")
	}
	for i, one := range l.Sunsets {
		if one.Source == "" {
			l.fault(fmt.Sprintf("$.sunsets[%d]", i), "the sunset of %s has no source: where it was announced", one.Date)
		}
	}
}

func (l *linter) access() {
	if l.Probe.isZero() == (l.Probe.None == "") {
		l.fault("$.probe", "probe is a request that proves the credential, or none: the reason why there is none")
	}
	if l.Account.isZero() == (l.Account.None == "") {
		l.fault("$.account", "account is a request that tells whose it is, or none: the reason why there is none")
	}
	if !l.Account.isZero() && l.Account.ID == nil {
		l.fault("$.account", "account.id is missing")
	}
	for _, kind := range l.AuthKinds() {
		if s := l.static(kind); s != nil && s.Revoke == "" {
			l.fault("$.auth."+strings.ToLower(kind), "revoke is missing: what a person must do to end the credential")
		}
	}
	if l.Auth.OAuth2 != nil {
		l.grants()
	}
}

// grants looks at what a person allows, and how that is kept alive.
func (l *linter) grants() {
	o := l.Auth.OAuth2
	for i, s := range o.Scopes {
		if s.Description == "" {
			l.fault(fmt.Sprintf("$.auth.oauth2.scopes[%d]", i), "the scope %s has no description", s.Name)
		}
	}
	switch r := o.Refresh; {
	case r.None != "" && (r.Rotates || r.Margin > 0 || r.Early != "" || r.Mint != ""):
		l.fault("$.auth.oauth2.refresh", "refresh says how tokens are renewed, or none: the reason why they are not")
	case r.None == "" && r.Margin == 0 && r.Early == "":
		l.fault("$.auth.oauth2.refresh", "refresh.margin is missing: how long before its end a token is renewed; or none: the "+
			"reason why it is not")
	case r.Lifetime > 0 && r.Margin >= r.Lifetime:
		l.fault("$.auth.oauth2.refresh", "refresh.margin must be shorter than refresh.lifetime, or tokens are always renewed")
	}
}

// fixtures replays them and looks for what none of them shows.
func (l *linter) fixtures(dir fs.FS) []Finding {
	file := l.Name + fixturesSuffix
	all, findings := Fixtures(dir, l.Name)
	if len(findings) > 0 {
		return findings
	}
	shown := map[string]bool{}
	for _, f := range all {
		if err := l.Replay(context.Background(), f); err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				findings = append(findings, Finding{file, f.line, fmt.Sprintf("%s: %s", f, line)})
			}
		}
		shown[f.Shows] = shown[f.Shows] || f.isShown()
		shown["a missing scope"] = shown["a missing scope"] || f.Verdict == MissingScope
		if l.isCapability(f) && len(f.Results) == 0 && f.Refused == "" && (f.Verdict == "" || f.Verdict == OK) {
			shown["an empty page"] = true
		}
		if len(f.Lookup) > 0 {
			shown[lookupOf(f.Shows)] = shown[lookupOf(f.Shows)] || f.Refused == ""
			shown[nothingFor(f.Shows)] = shown[nothingFor(f.Shows)] || f.Refused != ""
		}
		if f.Input.Page != "" {
			shown["a second page"] = true
		}
	}
	for _, wanted := range l.wanted(all) {
		if !shown[wanted] {
			findings = append(findings, Finding{File: file, Message: "no fixture shows " + wanted})
		}
	}
	return findings
}

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

func (l *linter) isCapability(f Fixture) bool {
	named := func(c *Capability) bool { return c.Name == f.Shows }
	return slices.ContainsFunc(l.CapabilitiesFor(f.Input.Config, nil), named)
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
		if len(l.Auth.OAuth2.Scopes) > 0 {
			out = append(out, "a missing scope")
		}
	}
	if !l.Probe.isZero() {
		out = append(out, ShowsProbeGood, ShowsProbeBad)
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
	}
	if l.Configured != nil {
		pages = pages || l.Configured.Next != nil
		if !slices.ContainsFunc(all, l.isCapability) {
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
