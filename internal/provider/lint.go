package provider

import (
	"fmt"
	"io/fs"
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
		l.settings()
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
	if l.Documentation == "" && l.Configured == nil {
		l.fault("$.name", "documentation is missing: where the vendor explains the service")
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
	for _, one := range []struct{ path, means string }{
		{"token.client", "post or basic, where the client's id and secret go"},
		{"token.body", "form or json, how the request is written"},
		{"pkce", "S256, or none where the vendor does not take it"},
	} {
		if !l.says("$.auth.oauth2." + one.path) {
			l.fault("$.auth.oauth2", "auth.oauth2: %s is missing: %s", one.path, one.means)
		}
	}
	if o.Refresh.None == "" && o.Refresh.Mint == "" && !l.says("$.auth.oauth2.refresh.rotates") {
		l.fault("$.auth.oauth2.refresh", "refresh.rotates is missing: whether a refresh token works once")
	}
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
