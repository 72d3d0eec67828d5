package provider

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/patchbay/patchbay/internal/oauth"
)

// categories are those of the contract, in lower case.
var categories = []string{"calendar", "email", "documents", "issues", "commerce", "support", "crm", "messaging", "erp",
	"analytics", "custom"}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_]{1,62}$`)

// compiler gathers findings while a manifest is put together.
type compiler struct {
	*Provider
	findings []Finding
}

func (c *compiler) fault(where, format string, args ...any) {
	c.findings = append(c.findings, Finding{c.file, c.line(where), fmt.Sprintf(format, args...)})
}

// compile checks what must hold for a manifest to work at all, links its parts and compiles its schemas.
func (p *Provider) compile() []Finding {
	c := &compiler{Provider: p}
	c.identity()
	c.auth()
	c.revocation()
	c.schemasOf()
	c.derivation()
	c.oauthSettings()
	c.oauthImport()
	c.hosts()
	c.rules()
	c.capabilities()
	c.Account.Call.provider, c.Probe.Call.provider = p, p
	return c.findings
}

func (c *compiler) identity() {
	if !nameForm.MatchString(c.Name) {
		c.fault("$.name", "name is lower-case letters, digits and underscores, beginning with a letter")
	}
	if c.Title == "" {
		c.fault("$.title", "title is missing")
	}
	for i, one := range c.Called {
		if strings.TrimSpace(one) == "" || strings.EqualFold(one, c.Title) {
			c.fault(fmt.Sprintf("$.called[%d]", i), "called holds names beside the title")
		}
	}
	for i, one := range c.Categories {
		if !slices.Contains(categories, one) {
			c.fault(fmt.Sprintf("$.categories[%d]", i), "category %q is not one of %s", one,
				strings.Join(categories, ", "))
		}
	}
	if c.Checked != "" && !isDate(c.Checked) {
		c.fault("$.checked", "checked is a date, as 2006-01-02")
	}
	for i, s := range c.Sunsets {
		if !isDate(s.Date) || s.What == "" {
			c.fault(fmt.Sprintf("$.sunsets[%d]", i), "a sunset has a date, as 2006-01-02, and says what ends")
		}
	}
}

func (c *compiler) auth() {
	if len(c.AuthKinds()) == 0 {
		c.fault("$.auth", "auth needs oauth2, api_key, basic or none")
	}
	if c.Auth.OAuth2 != nil {
		if err := onLoopback(*c.Auth.OAuth2).Validate(); err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				c.fault("$.auth.oauth2."+strings.SplitN(line, ":", 2)[0], "auth.oauth2: %s", line)
			}
		}
	}
}

// onLoopback lets a manifest name plain http on this machine, where an operator tries things out.
func onLoopback(s oauth.Server) *oauth.Server {
	for _, raw := range []*string{&s.Authorize.URL, &s.Token.URL, &s.Revoke.URL} {
		if u, err := url.Parse(*raw); err == nil && u.Scheme == "http" && isLoopback(u.Hostname()) {
			u.Scheme = "https"
			*raw = u.String()
		}
	}
	return &s
}

func isLoopback(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }

func (c *compiler) schemasOf() {
	c.schemas = map[string]*schema{}
	for _, kind := range c.AuthKinds() {
		s, err := newSchema(merged(c.Config, c.kindConfig(kind), c.Aliases))
		if err != nil {
			c.fault("$.config", "config: %v", err)
			continue
		}
		c.schemas[kind] = s
	}
	properties, _ := c.Config["properties"].(map[string]any)
	for alias, real := range c.Aliases {
		if _, ok := properties[real]; !ok || properties[alias] != nil {
			c.fault("$.aliases", "%s must be another name of a config property", alias)
		}
	}
}

func (c *compiler) hosts() {
	if len(c.Hosts) == 0 {
		c.fault("$.hosts", "hosts is missing: nothing could be called")
	}
	for i, h := range c.Hosts {
		if strings.ContainsAny(h, "/@ ") || h != strings.ToLower(h) && !strings.Contains(h, "{") {
			c.fault(fmt.Sprintf("$.hosts[%d]", i), "host %q is a lower-case host name, or {property}", h)
		}
	}
	if c.BaseURL == "" {
		c.fault("$.base_url", "base_url is missing")
	} else if !strings.Contains(c.BaseURL, "{") {
		u, err := url.Parse(c.BaseURL)
		if err != nil || u.User != nil || u.Host == "" || u.Scheme != "https" && !isLoopback(u.Hostname()) {
			c.fault("$.base_url", "base_url must be an https URL without user information")
		} else if !slices.Contains(c.Hosts, u.Hostname()) {
			c.fault("$.base_url", "the host of base_url must be among hosts")
		}
	}
}

func (c *compiler) rules() {
	for i, r := range c.Errors {
		if r.When == nil || !slices.Contains(verdicts, r.Is) {
			c.fault(fmt.Sprintf("$.errors[%d]", i), "an error rule has when, and is: one of %v", verdicts)
		}
	}
	if !c.Probe.isZero() && c.Probe.None == "" && c.Probe.Every < time.Minute {
		c.fault("$.probe", "probe.every is missing or shorter than a minute")
	}
}

func (c *compiler) capabilities() {
	seen := map[string]bool{}
	for i, one := range c.Capabilities {
		where := fmt.Sprintf("$.capabilities[%d]", i)
		if one == nil {
			c.fault(where, "the capability is empty")
			continue
		}
		if !nameForm.MatchString(one.Name) || seen[one.Name] {
			c.fault(where+".name", "a capability has a name of its own, of lower-case letters, digits and underscores")
		}
		seen[one.Name] = true
		if one.Effect != Read && one.Effect != Write {
			c.fault(where+".effect", "effect is read or write")
		}
		if err := one.Window.check(); err != nil {
			c.fault(where+".window", "%v", err)
		}
		c.scopesOf(one.Scopes, where)
		if one.Repeatable && one.Effect != Write {
			c.fault(where+".repeatable", "repeatable is for what writes: a read can be repeated anyway")
		}
		one.name, one.writes = one.Name, one.Effect == Write
		c.operation(&one.Operation, where, one.Each != nil)
		if l := one.Lookup; l != nil {
			l.provider, l.name = c.Provider, one.Name
			if l.Asks == nil || l.Found == nil {
				c.fault(where+".lookup", "a lookup has a request and found")
			}
		}
		c.naming(one, where)
		if one.Each != nil {
			one.Each.name = one.Name
			c.operation(one.Each, where+".each", false)
		}
		s, err := newSchema(one.Arguments)
		if err != nil {
			c.fault(where+".arguments", "arguments: %v", err)
		}
		one.arguments = s
	}
	if c.Configured != nil {
		c.operation(&c.Configured.Operation, "$.configured", false)
		if c.Configured.Property == "" || c.Configured.Effect != Read && c.Configured.Effect != Write {
			c.fault("$.configured", "configured needs a property, and an effect: read or write")
		}
	}
}

func (c *compiler) scopesOf(scopes []string, where string) {
	for _, s := range scopes {
		for _, name := range alternatives(s) {
			known := func(s oauth.Scope) bool { return s.Name == name }
			if c.Auth.OAuth2 == nil || !slices.ContainsFunc(c.Auth.OAuth2.Scopes, known) {
				c.fault(where+".scopes", "scope %q is not among auth.oauth2.scopes", name)
			}
		}
	}
}

func (c *compiler) operation(o *Operation, where string, twoSteps bool) {
	o.provider = c.Provider
	if o.Asks == nil {
		c.fault(where, "request is missing")
	}
	switch {
	case twoSteps && (o.Items == nil || o.Yields != nil || o.Kind != ""):
		c.fault(where, "with each, a capability has items in place of result and results")
	case !twoSteps && (o.Items != nil || o.Yields == nil):
		c.fault(where, "results is missing")
	case !twoSteps && kinds[o.Kind] == nil:
		c.fault(where+".result", "result %q is not a kind of result", o.Kind)
	}
}

func isDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}
