package query

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/patchbay/patchbay/internal/credential"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/store"
)

const (
	// maxPages bounds how often a provider may say that there is more: some answer with empty pages for long.
	maxPages = 8
	// atOnce is how many items are fetched side by side.
	atOnce = 4
)

var errInTransaction = errors.New("query: a provider is called inside a transaction")

// fetch asks the provider until there is enough, there is no more, or the time is up. What was found before a later page
// failed is an answer, though not a whole one.
func (a *asking) fetch(ctx context.Context) error {
	if store.InTransaction(ctx) {
		return errInTransaction
	}
	timed, cancel := context.WithTimeout(ctx, a.in.Timeout)
	defer cancel()
	a.sent = true
	limit := a.input.Limit
	if a.latest { // the newest may come last
		a.input.Limit = maxLimit
	}
	request, more := a.request, true
	for page := 0; more && page < maxPages; page++ {
		next, err := a.page(timed, request)
		if err == nil && next != "" && len(a.items) < a.input.Limit {
			in := a.input
			in.Page, in.Limit = next, a.input.Limit-len(a.items)
			request, err = a.capability.Request(timed, in)
		}
		if err != nil {
			if err = a.explain(ctx, err); page == 0 || !passing(err) {
				return err
			}
			break
		}
		more = next != "" && len(a.items) < a.input.Limit
		a.truncated = next != ""
	}
	if more {
		a.truncated = true
	}
	a.cut(limit)
	return nil
}

// page sends one request, adds what it found, and returns the token of the next page.
func (a *asking) page(ctx context.Context, request *provider.Request) (string, error) {
	answer, err := a.send(ctx, request)
	if err != nil {
		return "", err
	}
	page, err := a.capability.Map(ctx, a.input, answer)
	if err != nil {
		return "", err
	}
	if a.capability.Each == nil {
		a.items = append(a.items, page.Results...)
		return page.Next, nil
	}
	return page.Next, a.each(ctx, page.Items)
}

// each fetches the items of a page by themselves and keeps their order. An item that is gone is left out. When others
// fail, those that came are an answer, though not a whole one; when none came, the first failure is the page's.
func (a *asking) each(ctx context.Context, items []any) error {
	if room := a.input.Limit - len(a.items); len(items) > room {
		items, a.truncated = items[:room], true
	}
	found, failed := make([][]provider.Result, len(items)), make([]error, len(items))
	slots := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i, item := range items {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			found[i], failed[i] = a.item(ctx, item)
		})
	}
	all.Wait()
	came := 0
	for i := range items {
		switch {
		case failed[i] == nil:
			a.items = append(a.items, found[i]...)
			came++
		case !passing(failed[i]) && !errors.Is(failed[i], context.DeadlineExceeded):
			return failed[i]
		default:
			a.truncated = true
		}
	}
	if came > 0 {
		return nil
	}
	return errors.Join(slices.DeleteFunc(failed, func(err error) bool { return err == nil })[:min(1, len(failed))]...)
}

// item fetches one item. One that the provider does not have any more has no results.
func (a *asking) item(ctx context.Context, item any) ([]provider.Result, error) {
	in := a.input
	in.Item = item
	request, err := a.capability.Each.Request(ctx, in)
	if err != nil {
		return nil, err
	}
	answer, err := a.send(ctx, request)
	if errors.Is(err, errGone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	page, err := a.capability.Each.Map(ctx, in, answer)
	return page.Results, err
}

// errGone is the cause of a problem that means that what was asked for is not there.
var errGone = errors.New("the provider does not have it")

// send sends one request with the integration's credential. An answer that is none becomes a problem.
func (a *asking) send(ctx context.Context, request *provider.Request) (provider.Response, error) {
	answer, verdict, err := a.Credentials.Do(ctx,
		credential.Use{IntegrationID: a.row.ID, Config: a.row.Config, Timeout: a.in.Timeout}, request)
	if err != nil {
		return answer, err
	}
	if verdict.Kind == provider.OK {
		return answer, nil
	}
	e := &problem.Error{
		Code: problem.ProviderFailed, Message: verdict.Message, Provider: a.provider.Name, HTTPStatus: answer.Status,
	}
	switch verdict.Kind {
	case provider.MissingScope:
		e = problem.New(problem.MissingScopes, "%s", verdict.Message)
		e.Scopes = a.capability.RequiredScopes()
	case provider.RateLimited:
		e.Code, e.Retryable, e.RetryAfter = problem.ProviderRateLimited, true, verdict.RetryAfter
	case provider.NotFound:
		e.Err = errGone
	case provider.Transient, provider.Rejected, provider.Revoked:
		e.Retryable = true // what a refusal proves has been settled: if the credential had ended, that would be the error
	}
	return answer, e
}

// passing reports whether a failure concerns one request only, so that the answers to others stand.
func passing(err error) bool {
	switch problem.CodeOf(err) {
	case problem.ProviderFailed, problem.ProviderRateLimited, problem.ProviderTimeout:
		return true
	}
	return false
}

// explain turns the end of our own time into a problem, and that of the caller's into another, and names the provider.
func (a *asking) explain(caller context.Context, err error) error {
	if caller.Err() != nil {
		return problem.New(problem.Timeout, "The caller did not wait for the answer.").Because(err)
	}
	if errors.Is(err, context.DeadlineExceeded) && !problem.Is(err, problem.ReauthorizationRequired) {
		return &problem.Error{
			Code: problem.ProviderTimeout, Provider: a.provider.Name, Retryable: true, Err: err,
			Message: a.provider.Title + " did not answer in time.",
		}
	}
	if e, ok := errors.AsType[*problem.Error](err); ok && e.Provider == "" && passing(e) {
		c := *e
		c.Provider = a.provider.Name
		return &c
	}
	return err
}

// cut leaves as many results as were asked for: the first, or the newest where those are wanted.
func (a *asking) cut(limit int) {
	if len(a.items) <= limit {
		return
	}
	a.truncated = true
	if a.latest && ascending(a.items) {
		a.items = a.items[len(a.items)-limit:]
		return
	}
	a.items = a.items[:limit]
}

// ascending reports whether results come oldest first.
func ascending(items []provider.Result) bool {
	var first, last time.Time
	for _, item := range items {
		if at := when(item); !at.IsZero() {
			if first.IsZero() {
				first = at
			}
			last = at
		}
	}
	return last.After(first)
}

// when is the time that a kind of result goes by; zero when it has none.
func when(r provider.Result) time.Time {
	for _, name := range []string{"start", "sentAt", "updatedAt", "createdAt", "placedAt"} {
		if at, ok := r.Fields[name].(time.Time); ok {
			return at
		}
	}
	if day, ok := r.Fields["startDate"].(string); ok {
		at, _ := time.Parse(time.DateOnly, day)
		return at
	}
	return time.Time{}
}
