package provider

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/itchyny/gojq"
)

var errDerive = errors.New("derive yields an object whose names are written out, as in { api_host: … }")

// derive adds what the manifest derives from a config. What cannot be derived is absent.
func (p *Provider) derive(config map[string]any) {
	if p.Derive == nil {
		return
	}
	v, err := p.Derive.first(context.Background(), maps.Clone(config), nil, nil)
	if err != nil {
		return
	}
	made, _ := v.(map[string]any)
	for _, name := range p.derived {
		if made[name] == nil {
			delete(config, name)
		} else {
			config[name] = made[name]
		}
	}
}

// derivation checks that what is derived has names of its own, and that addresses name nothing else.
func (c *compiler) derivation() {
	if c.Derive != nil {
		var err error
		if c.derived, err = c.Derive.names(); err != nil {
			c.fault("$.derive", "derive: %v", err)
			return
		}
	}
	known := map[string]bool{}
	for _, s := range c.schemas {
		properties, _ := s.document["properties"].(map[string]any)
		for name := range properties {
			known[name] = true
		}
	}
	for _, name := range c.derived {
		if known[name] {
			c.fault("$.derive", "derive: %s is a config property already", name)
		}
		known[name] = true
	}
	for _, m := range propertyMark.FindAllStringSubmatch(strings.Join(append(slices.Clone(c.Hosts), c.BaseURL), " "), -1) {
		if !known[m[1]] {
			c.fault("$.hosts", "{%s} is neither a config property nor derived", m[1])
		}
	}
}

// names returns the names of the object that the expression plainly yields.
func (e *Expression) names() ([]string, error) {
	query, err := gojq.Parse(e.source)
	if err != nil {
		return nil, err
	}
	for query.Term == nil && query.Right != nil { // what a pipe or a binding ends in
		query = query.Right
	}
	if query.Term == nil || query.Term.Type != gojq.TermTypeObject || len(query.Term.SuffixList) > 0 {
		return nil, errDerive
	}
	var names []string
	for _, kv := range query.Term.Object.KeyVals {
		name := kv.Key
		if kv.KeyString != nil && len(kv.KeyString.Queries) == 0 {
			name = kv.KeyString.Str
		}
		if !nameForm.MatchString(name) {
			return nil, errDerive
		}
		names = append(names, name)
	}
	return names, nil
}
