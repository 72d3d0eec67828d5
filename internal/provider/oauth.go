package provider

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/problem"
)

// OAuthFor returns the authorization server as it is for an integration with this config: with its settings in the
// addresses. It fails with Invalid at the setting that is missing or can be no part of an address, and is nil for a
// provider without OAuth.
func (p *Provider) OAuthFor(config map[string]any) (*oauth.Server, error) {
	if p.Auth.OAuth2 == nil {
		return nil, nil //nolint:nilnil // there is none
	}
	server, err := p.Auth.OAuth2.For(p.effective(config))
	if e, ok := errors.AsType[*oauth.SettingError](err); ok {
		return nil, problem.New(problem.Invalid,
			"The address where %s grants access is made with this setting: it must be a name or a part of one.", p.Title).
			At("config", e.Name).Because(err)
	}
	return server, err
}

// OAuthHosts returns the hosts that tokens are asked from and given back to, for an integration with this config; nil
// without OAuth, and where the config lacks what the addresses are made from.
func (p *Provider) OAuthHosts(config map[string]any) []string {
	server, err := p.OAuthFor(config)
	if err != nil || server == nil {
		return nil
	}
	var out []string
	for _, raw := range []string{server.Token.URL, server.Revoke.URL} {
		u, err := url.Parse(raw)
		if err != nil || u.Host == "" || slices.Contains(out, u.Hostname()) {
			continue
		}
		out = append(out, u.Hostname())
	}
	return out
}

// oauthImport finds an import that names no secret of the config.
func (c *compiler) oauthImport() {
	if c.Auth.OAuth2 == nil || c.schemas[OAuth2] == nil || c.Auth.OAuth2.Import == "" {
		return
	}
	if !slices.ContainsFunc(c.schemas[OAuth2].secrets, func(path []string) bool {
		return len(path) == 1 && path[0] == c.Auth.OAuth2.Import
	}) {
		c.fault("$.auth.oauth2.import", "auth.oauth2.import: %q must be a writeOnly config property", c.Auth.OAuth2.Import)
	}
}

// oauthSettings finds settings in the addresses of the authorization server that everybody could fill with anything. The
// client's secret goes to these addresses, so the schema must say what each may be.
func (c *compiler) oauthSettings() {
	if c.Auth.OAuth2 == nil || c.schemas[OAuth2] == nil {
		return
	}
	properties, _ := c.schemas[OAuth2].document["properties"].(map[string]any)
	required, _ := c.schemas[OAuth2].document["required"].([]any)
	for _, name := range c.Auth.OAuth2.Properties() {
		if slices.Contains(c.derived, name) {
			continue // the manifest itself says what it may be
		}
		property, known := properties[name].(map[string]any)
		if !known {
			c.fault("$.auth.oauth2", "auth.oauth2: {%s} is neither a config property nor derived", name)
			continue
		}
		if !bounds(property["pattern"]) && property["enum"] == nil && property["const"] == nil {
			c.fault("$.auth.oauth2", "auth.oauth2: {%s} stands in an address that receives the client's secret: the config "+
				"must bound it by a pattern from ^ to $ or an enum", name)
		}
		if property["writeOnly"] == true {
			c.fault("$.auth.oauth2", "auth.oauth2: {%s} is a secret, which no address shows", name)
		}
		if property["default"] == nil && !slices.Contains(required, any(name)) {
			c.fault("$.auth.oauth2", "auth.oauth2: {%s} must be required by auth.oauth2.config, or have a default",
				name)
		}
	}
}

// bounds reports whether a pattern speaks of a text as a whole.
func bounds(pattern any) bool {
	s, _ := pattern.(string)
	return strings.HasPrefix(s, "^") && strings.HasSuffix(s, "$") && !strings.HasSuffix(s, `\$`)
}
