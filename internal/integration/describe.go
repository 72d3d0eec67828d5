package integration

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"time"

	"github.com/patchbay/patchbay/internal/egress"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
)

// describeTime is how long a server may take to send an OpenAPI description.
const describeTime = 10 * time.Second

// described returns the config with the capabilities of the OpenAPI description that it leads to, or as it is where it
// leads to none. It reads the description from its address, so it is called outside of transactions.
func (s *Service) described(ctx context.Context, p *provider.Provider, config map[string]any) (map[string]any, error) {
	config = maps.Clone(config)
	d, err := p.TakeDescription(config)
	if err != nil {
		return nil, problem.Below(err, "input")
	}
	if d == nil {
		return config, nil
	}
	document := d.Document
	if document == nil {
		if document, err = s.fetchDescription(ctx, d.Address, "input", "config", d.Field); err != nil {
			return nil, err
		}
	}
	return config, problem.Below(p.Describe(ctx, config, d, document), "input")
}

// fetchDescription reads a document from an address that a customer gave. It carries no credential.
func (s *Service) fetchDescription(ctx context.Context, address string, field ...string) ([]byte, error) {
	if err := outside(ctx); err != nil {
		return nil, err
	}
	if err := s.Egress.CheckURL(address); err != nil {
		for _, fault := range problem.All(err) {
			return nil, fault.At(field...)
		}
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, describeTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, problem.New(problem.Invalid, "This is not an address that can be read.").At(field...).Because(err)
	}
	req.Header.Set("Accept", "application/json, application/yaml, text/yaml")
	door := s.Egress.Client(egress.Policy{MaxBytes: provider.MaxDescription + 1, Timeout: describeTime, MaxRedirects: 3})
	res, err := door.Do(req)
	if err != nil {
		err = egress.Failure(err)
		if fault, ok := errors.AsType[*problem.Error](err); ok {
			return nil, fault.At(field...)
		}
		return nil, problem.New(problem.Invalid, "The OpenAPI description cannot be read from there.").At(field...).Because(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, problem.New(problem.Invalid, "The OpenAPI description cannot be read from there: the answer is %d.",
			res.StatusCode).At(field...)
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, problem.New(problem.Invalid,
			"The OpenAPI description cannot be read from there: it is too large, or it broke off.").At(field...).Because(err)
	}
	return text, nil
}

// describeAgain reads the OpenAPI description that an update's config leads to. An update that names other operations, and
// no description, means the address that the integration has; it is refused where there is none.
func (s *Service) describeAgain(ctx context.Context, in *UpdateInput) error {
	if len(in.Config) == 0 {
		return nil
	}
	before, err := s.Get(ctx, in.ID, "input", "id")
	if err != nil {
		return err
	}
	p, err := s.providerOf(before)
	if err != nil || p.Configured == nil || p.Configured.Describe == nil {
		return err
	}
	config, d := maps.Clone(in.Config), p.Configured.Describe
	if wanted := config[d.Operations]; wanted != nil && config[d.Document] == nil && config[d.URL] == nil {
		if config[d.URL] = before.Config[d.URL]; config[d.URL] == nil {
			return problem.New(problem.Invalid, "The OpenAPI description is not kept, so other operations cannot be taken from "+
				"it. Give it once more.").At("input", "config", d.Operations)
		}
	}
	if _, named := config[d.Operations]; !named && before.Config[d.Operations] != nil {
		config[d.Operations] = before.Config[d.Operations]
	}
	if in.Config, err = s.described(ctx, p, config); err != nil {
		return err
	}
	if _, given := config[d.BaseURL]; !given && before.Config[d.BaseURL] != nil {
		delete(in.Config, d.BaseURL)
	}
	return nil
}
