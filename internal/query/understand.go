package query

import (
	"context"
	"slices"
	"time"

	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/question"
)

// understand chooses the capability, reads the question, and renders the first request, which may be that of a lookup.
func (a *asking) understand(ctx context.Context) error {
	all := a.provider.CapabilitiesFor(a.row.Config, nil)
	choice, err := question.Choose(a.in.Query, a.provider.Asked(all))
	if err != nil {
		return atQuery(err)
	}
	a.capability = all[slices.IndexFunc(all, func(c *provider.Capability) bool { return c.Name == choice.Name })]
	where := a.location()
	said := question.Read(a.in.Query, question.Options{
		Now: a.began, Location: where, Names: a.provider.Names(), Phrases: a.capability.Triggers(),
		Past: a.capability.Window.Past,
	})
	if err := a.granted(); err != nil {
		return err
	}
	a.fill(said, where)
	a.towardsTheLatest(said.Latest)
	a.plan = Plan{Confidence: &choice.Confidence, MatchedPhrases: choice.Matched, Arguments: a.arguments(said)}
	if a.request, err = a.capability.First(ctx, a.input); err != nil {
		return a.sayAt(err)
	}
	a.plan.Request = a.request.Summary()
	return nil
}

// fill makes what the manifest's expressions see.
func (a *asking) fill(said question.Reading, where *time.Location) {
	a.input = a.inputAt(where)
	a.input.Query, a.input.Text, a.input.Quoted = a.in.Query, said.Text, said.Quoted
	a.input.Numbers, a.input.States = said.Numbers, said.States
	if said.Limit > 0 {
		a.input.Limit = min(a.in.Limit, said.Limit)
	}
	a.limit = a.input.Limit
	if said.Window != nil {
		a.input.Window = &provider.Window{Start: said.Window.Start, End: said.Window.End}
	} else {
		a.input.Window = a.capability.Window.At(a.began, where)
	}
	for _, person := range said.People {
		a.input.People = append(a.input.People, provider.Person{Name: person.Name, Role: person.Role})
	}
}

// inputAt makes what expressions see whatever is asked: who asks, where and when.
func (a *asking) inputAt(where *time.Location) provider.Input {
	in := provider.Input{
		Config: a.row.Config, Account: integration.AccountOf(a.row), Capability: a.capability.Name, Limit: a.in.Limit,
		TimeZone: where.String(), Now: a.began,
	}
	if a.asker != nil {
		in.User.UserID = a.asker.ID
		if a.asker.ExternalID != nil {
			in.User.ExternalID = *a.asker.ExternalID
		}
	}
	if a.in.ConversationID != nil {
		in.Context.ConversationID = *a.in.ConversationID
	}
	if a.in.PersonalityID != nil {
		in.Context.PersonalityID = *a.in.PersonalityID
	}
	return in
}

// arguments are what the plan shows of the question: what was said, and the window that a question without one means.
func (a *asking) arguments(said question.Reading) map[string]any {
	out := map[string]any{"limit": a.limit, "timezone": a.input.TimeZone}
	if w := a.input.Window; w != nil {
		for name, at := range map[string]*time.Time{"start": w.Start, "end": w.End} {
			if at != nil {
				out[name] = at.Format(time.RFC3339)
			}
		}
	}
	for _, person := range said.People {
		list, _ := out[person.Role].([]string)
		out[person.Role] = append(list, person.Name)
	}
	if said.Text != "" {
		out["text"] = said.Text
	}
	if len(said.Quoted) > 0 {
		out["quoted"] = said.Quoted
	}
	if len(said.Numbers) > 0 {
		out["numbers"] = said.Numbers
	}
	if len(said.States) > 0 {
		out["states"] = said.States
	}
	if said.Latest {
		out["latest"] = true
	}
	return out
}

// atQuery points at the question where the problem names no field.
func atQuery(err error) error {
	if all := problem.All(err); len(all) == 1 && all[0].Field == nil {
		return all[0].At("input", "query")
	}
	return err
}

// sayAt points at the question, or at the arguments of a call by name, where a manifest says what they lack.
func (a *asking) sayAt(err error) error {
	if !problem.Is(err, problem.Invalid) && !problem.Is(err, problem.NotFound) {
		return err
	}
	if all := problem.All(err); a.invocation != nil && len(all) == 1 && all[0].Field == nil {
		return all[0].At("input", "arguments")
	}
	return atQuery(err)
}
