package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/patchbay/patchbay/internal/problem"
)

func (c *Capability) replay(ctx context.Context, f Fixture) error {
	in, r, err := c.replayLookup(ctx, f)
	if f.Refused != "" {
		return f.compareRefusal(err)
	}
	if err != nil {
		return err
	}
	if err := c.ValidateArguments(f.Input.Arguments); f.Input.Arguments != nil && err != nil {
		return err
	}
	if err := errors.Join(f.compareRequest(r), f.judge(c.provider.Classify(f.Answer.response()))); err != nil {
		return err
	}
	if f.Verdict != "" && f.Verdict != OK {
		return nil
	}
	if in.Names, err = c.replayNames(ctx, in, f); err != nil {
		return err
	}
	page, err := c.Map(ctx, in, f.Answer.response())
	if err != nil {
		return err
	}
	results := page.Results
	if c.Each != nil {
		if results, err = c.replayEach(ctx, in, f, page.Items); err != nil {
			return err
		}
	}
	return errors.Join(f.compareResults(results), differs("next", f.Next, page.Next))
}

// replayLookup plays what comes before the request, and renders the request.
func (c *Capability) replayLookup(ctx context.Context, f Fixture) (Input, *Request, error) {
	in, sent := f.Input.Build(), 0
	var faults error
	found, err := c.LookUp(ctx, in, func(_ context.Context, r *Request) (Response, error) {
		if sent == len(f.Lookup) {
			return Response{}, fmt.Errorf("lookup: %d exchanges are described, and then comes %s", sent, r.Summary())
		}
		one := f.Lookup[sent]
		sent++
		faults = errors.Join(faults, one.compareRequest(r))
		answer := one.Answer.response()
		switch v := c.provider.Classify(answer); v.Kind {
		case OK:
			return answer, nil
		case NotFound:
			return answer, ErrNotThere
		default:
			return answer, fmt.Errorf("lookup: the answer is classified as %s", v.Kind)
		}
	})
	if sent < len(f.Lookup) {
		faults = errors.Join(faults, fmt.Errorf("lookup: %d exchanges are described, %d are needed", len(f.Lookup), sent))
	}
	if faults != nil {
		return in, nil, errors.Join(faults, err)
	}
	if err != nil {
		return in, nil, err
	}
	in.Lookup = found
	r, err := c.Request(ctx, in)
	return in, r, err
}

// replayNames plays what comes between the answer and its results.
func (c *Capability) replayNames(ctx context.Context, in Input, f Fixture) (map[string]string, error) {
	inquiries, err := c.Inquiries(ctx, in, []Response{f.Answer.response()}, nil)
	if err != nil {
		return nil, fmt.Errorf("names: %w", err)
	}
	out, sent := map[string]string{}, 0
	for _, q := range inquiries {
		for i, r := range q.Requests {
			if sent == len(f.Names) {
				return nil, fmt.Errorf("names: %d exchanges are described, and then comes %s", sent, r.Summary())
			}
			one := f.Names[sent]
			sent++
			if err := one.compareRequest(r); err != nil {
				return nil, fmt.Errorf("names[%d]: %w", sent-1, err)
			}
			answer := one.Answer.response()
			v := c.provider.Classify(answer).Kind
			if v != OK && v != NotFound && i == 0 {
				break
			}
			if v != OK {
				continue
			}
			some, err := q.Read(ctx, in, answer)
			if err != nil {
				return nil, fmt.Errorf("names[%d]: %w", sent-1, err)
			}
			maps.Copy(out, some)
		}
	}
	if sent < len(f.Names) {
		return nil, fmt.Errorf("names: %d exchanges are described, %d are needed", len(f.Names), sent)
	}
	return out, nil
}

func (c *Capability) replayEach(ctx context.Context, in Input, f Fixture, items []any) ([]Result, error) {
	if len(items) != len(f.Each) {
		return nil, fmt.Errorf("each: %d exchanges are described, the answer names %d items", len(f.Each), len(items))
	}
	var results []Result
	for i, item := range items {
		in.Item = item
		r, err := c.Each.Request(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("each[%d]: %w", i, err)
		}
		if err := f.Each[i].compareRequest(r); err != nil {
			return nil, fmt.Errorf("each[%d]: %w", i, err)
		}
		page, err := c.Each.Map(ctx, in, f.Each[i].Answer.response())
		if err != nil {
			return nil, fmt.Errorf("each[%d]: %w", i, err)
		}
		results = append(results, page.Results...)
	}
	return results, nil
}

func (f Fixture) compareRefusal(err error) error {
	said, ok := err.(*problem.Error) //nolint:errorlint // with nothing around it, or else something else went wrong
	if !ok {
		return errors.Join(fmt.Errorf("refused: want %q", f.Refused), err)
	}
	return differs("refused", f.Refused, said.Message)
}
