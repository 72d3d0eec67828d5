package query

import (
	"context"
	"errors"
	"maps"
	"sync"

	"github.com/patchbay/patchbay/internal/provider"
)

// name reads the answers again, with the names behind the ids in them. Whatever goes wrong leaves the ids: what was found
// is the answer. It takes a quarter of the question's time at most.
func (a *asking) name(ctx context.Context) {
	if len(a.capability.Names) == 0 {
		return
	}
	timed, cancel := context.WithTimeout(ctx, a.in.Timeout/4)
	defer cancel()
	inquiries, _ := a.capability.Inquiries(timed, a.input, a.answers, func(needed []string) bool {
		return a.row.AuthKind != provider.OAuth2 || provider.Granted(needed, a.row.Scopes)
	})
	in := a.input
	in.Names = map[string]string{}
	for _, q := range inquiries {
		maps.Copy(in.Names, a.inquire(timed, q))
	}
	if len(in.Names) == 0 {
		return
	}
	var items []provider.Result
	for _, answer := range a.answers {
		page, err := a.capability.Map(ctx, in, answer)
		if err != nil {
			return
		}
		items = append(items, page.Results...)
	}
	a.items = items
}

// inquire returns the names that came, by their ids. The first request goes alone: where that is refused, the others
// stay here.
func (a *asking) inquire(ctx context.Context, q provider.Inquiry) map[string]string {
	found := make([]map[string]string, len(q.Requests))
	use := a.use()
	use.Aside = true // what was asked for has come
	ask := func(i int) error {
		answer, err := a.sendFor(ctx, use, q.Requests[i])
		if err == nil {
			found[i], err = q.Read(ctx, a.input, answer)
		}
		return err
	}
	if err := ask(0); err == nil || errors.Is(err, provider.ErrNotThere) {
		slots := make(chan struct{}, atOnce)
		var others sync.WaitGroup
		for i := 1; i < len(q.Requests); i++ {
			slots <- struct{}{}
			others.Go(func() {
				defer func() { <-slots }()
				_ = ask(i) // its id stays
			})
		}
		others.Wait()
	}
	out := map[string]string{}
	for _, some := range found {
		maps.Copy(out, some)
	}
	return out
}
