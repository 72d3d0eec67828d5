package query

import (
	"context"
	"errors"
	"net/http"
	"sync"

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

// fetch asks the provider until there is enough, there is no more, or the time is up.
func (a *asking) fetch(ctx context.Context) error {
	if store.InTransaction(ctx) {
		return errInTransaction
	}
	timed, cancel := context.WithTimeout(ctx, a.in.Timeout)
	defer cancel()
	a.sent = true
	err := a.lookUp(timed)
	if err == nil {
		err = a.pages(timed, a.request)
	}
	if err == nil {
		err = a.farther(timed)
	}
	if err != nil {
		return a.explain(ctx, err)
	}
	a.name(timed)
	a.cut()
	return nil
}

// lookUp finds what the request needs and the question does not say, and then renders the request.
func (a *asking) lookUp(ctx context.Context) error {
	if a.capability.Lookup == nil {
		return nil
	}
	found, err := a.capability.LookUp(ctx, a.input, a.send)
	if err != nil {
		return a.sayAt(err)
	}
	a.input.Lookup = found
	if a.request, err = a.capability.Request(ctx, a.input); err != nil {
		return a.sayAt(err)
	}
	a.plan.Request = a.request.Summary()
	return nil
}

// pages reads one page after the other; a write has only one. What was found before a later page failed is an answer,
// though not a whole one.
func (a *asking) pages(ctx context.Context, request *provider.Request) error {
	for page := range maxPages {
		next, err := a.page(ctx, request)
		if err == nil && (next == "" || a.capability.Effect == provider.Write || len(a.items) >= a.input.Limit) {
			a.truncated = a.truncated || next != ""
			return nil
		}
		if err == nil {
			in := a.input
			in.Page, in.Limit = next, a.input.Limit-len(a.items)
			request, err = a.capability.Request(ctx, in)
		}
		if err != nil && (page == 0 || !concernsOne(err)) {
			return err
		}
		if err != nil {
			break
		}
	}
	a.truncated = true
	return nil
}

// page sends one request, adds what it found, and returns the token of the next page.
func (a *asking) page(ctx context.Context, request *provider.Request) (string, error) {
	a.asked, a.accepted = true, false
	answer, err := a.send(ctx, request)
	if err != nil {
		return "", err
	}
	a.accepted = true
	page, err := a.capability.Map(ctx, a.input, answer)
	if err != nil {
		return "", err
	}
	a.answers = append(a.answers, answer)
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
	came, first := 0, error(nil)
	for i, err := range failed {
		switch {
		case err == nil:
			a.items = append(a.items, found[i]...)
			came++
		case !concernsOne(err):
			return err
		case first == nil:
			first = err
		}
	}
	if came == 0 {
		return first
	}
	a.truncated = a.truncated || first != nil
	return nil
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
	if errors.Is(err, provider.ErrNotThere) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	page, err := a.capability.Each.Map(ctx, in, answer)
	return page.Results, err
}

// send sends one request with the integration's credential, a second time if it may be and that can help.
func (a *asking) send(ctx context.Context, request *provider.Request) (provider.Response, error) {
	answer, err := a.sendOnce(ctx, request)
	if err != nil && a.again(ctx, err) {
		return a.sendOnce(ctx, request)
	}
	return answer, err
}

// sendOnce sends one request. An answer that is none becomes a problem, whose cause tells the fate of the request.
func (a *asking) sendOnce(ctx context.Context, request *provider.Request) (provider.Response, error) {
	return a.sendFor(ctx, a.use(), request)
}

// use is what the requests of a question are sent for.
func (a *asking) use() credential.Use {
	return credential.Use{
		IntegrationID: a.row.ID, Revision: a.row.Revision, Config: a.row.Config, Timeout: a.in.Timeout,
	}
}

func (a *asking) sendFor(ctx context.Context, u credential.Use, request *provider.Request) (provider.Response, error) {
	answer, verdict, err := a.Credentials.Do(ctx, u, request)
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
		e.Err = provider.ErrNotThere
	case provider.Transient:
		e.Retryable, e.RetryAfter, e.Err = true, verdict.RetryAfter, errUnsure
	default:
		e.Err = errRefused
		if answer.Status == http.StatusFound || answer.Status == http.StatusSeeOther { // as after a form that was taken
			e.Err = errUnsure
		}
	}
	return answer, e
}

// concernsOne reports whether a failure, or the end of the time, concerns one request only, so that the answers to
// others stand.
func concernsOne(err error) bool {
	switch problem.CodeOf(err) {
	case problem.ProviderFailed, problem.ProviderRateLimited, problem.ProviderTimeout:
		return true
	}
	return errors.Is(err, context.DeadlineExceeded)
}

// explain turns the end of our own time into a problem, and that of the caller's into another, and names the provider.
func (a *asking) explain(caller context.Context, err error) error {
	if caller.Err() != nil {
		message := "The caller did not wait for the answer."
		if errors.Is(caller.Err(), context.DeadlineExceeded) {
			message = "The time of the whole request ended before the answer came. Try again."
		}
		return problem.New(problem.Timeout, "%s", message).Because(err)
	}
	if errors.Is(err, context.DeadlineExceeded) && !problem.Is(err, problem.ReauthorizationRequired) {
		return &problem.Error{
			Code: problem.ProviderTimeout, Provider: a.provider.Name, Retryable: true, Err: err,
			Message: a.provider.Title + " did not answer in time.",
		}
	}
	if e, ok := errors.AsType[*problem.Error](err); ok && e.Provider == "" && concernsOne(e) {
		c := *e
		c.Provider = a.provider.Name
		return &c
	}
	return err
}
