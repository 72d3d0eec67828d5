package model

import (
	"strings"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
)

// Provider is a manifest as the schema shows it. It is made once and shared.
type Provider struct {
	Name             string
	Title            string
	Description      string
	Categories       []ProviderCategory
	AuthKinds        []AuthKind
	Scopes           []*ProviderScope
	Capabilities     []*Capability
	Available        bool
	DocumentationURL *string

	manifest *provider.Provider // nil when no manifest has this name any more
}

// Providers holds what can be connected, by name.
type Providers map[string]*Provider

// Named returns the provider with this name. One whose manifest is gone shows its name alone, so that what was
// connected with it can still be read and removed.
func (p Providers) Named(name string) *Provider {
	if known, ok := p[name]; ok {
		return known
	}
	return &Provider{Name: name, Title: name, Description: "The manifest of this provider is no longer there."}
}

// NewProvider returns a manifest as the schema shows it. Available says whether OAuth has been configured for it.
func NewProvider(m *provider.Provider, available bool) *Provider {
	p := &Provider{
		Name: m.Name, Title: m.Title, Description: m.Description, Available: available,
		Capabilities: capabilities(m.Capabilities), manifest: m,
	}
	if m.Documentation != "" {
		p.DocumentationURL = &m.Documentation
	}
	for _, c := range m.Categories {
		p.Categories = append(p.Categories, ProviderCategory(strings.ToUpper(c)))
	}
	for _, k := range m.AuthKinds() {
		p.AuthKinds = append(p.AuthKinds, AuthKind(k))
	}
	if m.Auth.OAuth2 != nil {
		for _, s := range m.Auth.OAuth2.Scopes {
			p.Scopes = append(p.Scopes, &ProviderScope{Name: s.Name, Description: s.Description, Default: s.Default})
		}
	}
	return p
}

// ConfigSchema returns the JSON Schema of config for one way to authenticate, the preferred one when authKind is nil.
func (p *Provider) ConfigSchema(authKind *AuthKind) (map[string]any, error) {
	if p.manifest == nil {
		return map[string]any{}, nil
	}
	wanted := p.manifest.AuthKinds()[0]
	if authKind != nil {
		wanted = string(*authKind)
	}
	for _, k := range p.AuthKinds {
		if string(k) == wanted {
			return p.manifest.ConfigSchema(wanted), nil
		}
	}
	return nil, problem.New(problem.BadInput, "%s has no such way to authenticate; see authKinds.", p.Name).At("authKind")
}

func (p *Provider) capabilitiesFor(config map[string]any, granted []string) []*Capability {
	if p.manifest == nil {
		return nil
	}
	return capabilities(p.manifest.CapabilitiesFor(config, granted))
}

func capabilities(list []*provider.Capability) []*Capability {
	out := make([]*Capability, len(list))
	for i, c := range list {
		out[i] = CapabilityOf(c)
	}
	return out
}

// CapabilityOf returns a capability as the schema shows it.
func CapabilityOf(c *provider.Capability) *Capability {
	return &Capability{
		Name: c.Name, Description: c.Description, Effect: CapabilityEffect(strings.ToUpper(c.Effect)),
		TriggerPhrases: c.Triggers(), RequiredScopes: c.RequiredScopes(),
		ArgumentsSchema: c.ArgumentsSchema(),
	}
}
