package provider

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/patchbay/patchbay/internal/problem"
)

// Description is the way to an OpenAPI document that a config leads to.
type Description struct {
	// Document is the document itself, or else Address where it is.
	Document []byte
	Address  string
	// Operations are the operationIds that are wanted; nil means all.
	Operations []string

	// Field is the config property that leads there.
	Field string
}

// TakeDescription takes the way to an OpenAPI document out of a config, which is changed: a document that was given inline
// does not stay in it. It returns nil where the config leads to none. Errors are problems whose Field begins with "config".
func (p *Provider) TakeDescription(config map[string]any) (*Description, error) {
	if p.Configured == nil || p.Configured.Describe == nil {
		return nil, nil //nolint:nilnil // there is none
	}
	d := p.Configured.Describe
	out := &Description{Field: d.Document}
	inline := config[d.Document]
	delete(config, d.Document)
	if list := texts(config[d.Operations]); len(list) > 0 {
		out.Operations = list
	}
	out.Address, _ = config[d.URL].(string)
	if inline == nil && out.Address == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	wrong := problem.New(problem.Invalid, "Give the OpenAPI description as an object or as text, or else its address.").
		At("config", d.Document)
	switch document := inline.(type) {
	case nil:
		out.Field = d.URL
	case string:
		out.Document = []byte(document)
	case map[string]any:
		text, err := json.Marshal(document)
		if err != nil {
			return nil, wrong.Because(err)
		}
		out.Document = text
	default:
		return nil, wrong
	}
	if inline != nil && out.Address != "" {
		return nil, wrong
	}
	if config[p.Configured.Property] != nil {
		return nil, problem.New(problem.Invalid, "Give %s or an OpenAPI description, not both.", p.Configured.Property).
			At("config", p.Configured.Property)
	}
	return out, nil
}

// Describe puts into a config what an OpenAPI document says: the capabilities, and the address where the config has none.
// Errors are problems whose Field begins with "config".
func (p *Provider) Describe(ctx context.Context, config map[string]any, d *Description, document []byte) error {
	entries, server, err := OpenAPI(ctx, document, d.Operations)
	if err != nil {
		if fault, ok := errors.AsType[*problem.Error](err); ok {
			return fault.At("config", d.Field)
		}
		return err
	}
	config[p.Configured.Property] = entries
	if base := p.Configured.Describe.BaseURL; config[base] == nil && server != "" {
		config[base] = server
	}
	return nil
}
