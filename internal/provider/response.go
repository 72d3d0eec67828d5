package provider

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/patchbay/patchbay/internal/problem"
)

// Response is what a provider answered.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	// Received is when the answer came; zero falls back to the answer's own Date header.
	Received time.Time
}

// Page is one answer, read.
type Page struct {
	Results []Result
	// Items are what Each must fetch, in place of Results; nil unless the capability has an Each.
	Items []any
	// Next goes into Input.Page for the next page; empty on the last one. A page may be empty and still have a Next.
	Next string
}

// Map reads the answer to this request. The answer must have been classified as OK. What is not JSON, or JSON of
// another shape, is a problem of code ProviderFailed; a missing or null field is left out and fails nothing. Of more than
// a thousand results the first are read. A write that was answered with nothing, as many are, has null for an answer.
func (o *Operation) Map(ctx context.Context, in Input, r Response) (Page, error) {
	body, err := decodeJSON(r.Body)
	if err != nil && !(o.writes && errors.Is(err, errEmpty)) {
		return Page{}, o.provider.unreadable(r, err)
	}
	in.Capability = o.name
	document, headers := o.provider.document(in), headersOf(r.Header)
	var page Page
	if o.Items != nil {
		page.Items, err = o.Items.all(ctx, body, document, headers)
	} else {
		page.Results, err = o.results(ctx, body, document, headers)
	}
	if err != nil {
		return Page{}, o.provider.unreadable(r, err)
	}
	if o.Next != nil {
		next, err := o.Next.first(ctx, body, document, headers)
		if err != nil {
			return Page{}, o.provider.unreadable(r, err)
		}
		page.Next, _ = scalar(next)
	}
	return page, nil
}

func (o *Operation) results(ctx context.Context, body, document, headers any) ([]Result, error) {
	values, err := o.Yields.all(ctx, body, document, headers)
	if err != nil {
		return nil, err
	}
	results := make([]Result, 0, len(values))
	for _, v := range values {
		fields, ok := v.(map[string]any)
		if !ok {
			return nil, errNotObject
		}
		results = append(results, newResult(o.Kind, fields))
	}
	return results, nil
}

var errNotObject = errors.New("a result is not an object")

// unreadable says in words for a person why an answer could not be used.
func (p *Provider) unreadable(r Response, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	why := "in a form that is not understood"
	for known, words := range map[error]string{
		errEmpty:    "with nothing",
		errWebPage:  "with a web page instead of data",
		errNotJSON:  "with something that is not JSON, or only a part of it",
		errTooLarge: "with more than can be read",
		errTooDeep:  "with data that nests too deep",
		errTooLong:  "with more than can be read in time",
		errTooMuch:  "with more than can be read in time",
	} {
		if errors.Is(err, known) {
			why = words
		}
	}
	e := problem.New(problem.ProviderFailed, "%s answered %s.", p.Title, why).Because(err)
	e.Provider, e.HTTPStatus = p.Name, r.Status
	e.Retryable = errors.Is(err, errEmpty) || errors.Is(err, errWebPage) || errors.Is(err, errNotJSON) ||
		errors.Is(err, errTooLong)
	return e
}

func headersOf(h http.Header) map[string]any {
	out := make(map[string]any, len(h))
	for name, values := range h {
		if len(values) > 0 {
			out[strings.ToLower(name)] = strings.ToValidUTF8(values[0], "\uFFFD")
		}
	}
	return out
}
