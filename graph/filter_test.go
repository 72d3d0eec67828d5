package graph_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/id"
)

// filtered asks a list for the ids that a filter leaves, in the list's own order.
func (e *env) filtered(list, typ string, filter map[string]any) []string {
	e.t.Helper()
	r := e.must("acme", `query($f: `+typ+`) { `+list+`(first: 100, filter: $f) { nodes { id } totalCount } }`,
		map[string]any{"f": filter})
	ids := r.texts("id", list, "nodes")
	if total := r.at(list, "totalCount"); total != float64(len(ids)) {
		e.t.Errorf("%v: totalCount %v of %v", filter, total, ids)
	}
	return ids
}

func TestUsersAreFoundByWhenTheyWereCreatedAndWhatTheyHave(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		// Whole seconds, tenths and microseconds: a text that drops zeros would sort these wrongly.
		start := time.Date(2026, 1, 20, 14, 22, 0, 0, time.UTC)
		var users []string
		for _, after := range []time.Duration{0, 100 * time.Microsecond, 100 * time.Millisecond, time.Second, time.Hour} {
			row, err := e.store.Client(e.ctx()).User.Create().SetID(e.newID(id.User)).
				SetCreatedAt(start.Add(after)).SetUpdatedAt(start).Save(e.ctx())
			if err != nil {
				t.Fatal(err)
			}
			users = append(users, row.ID)
		}
		e.newIntegration(e.ctx(), &users[1], "gmail")
		gone := e.newIntegration(e.ctx(), &users[2], "gmail")
		if _, err := e.health.Report(e.ctx(), gone.ID, health.Finding{Reason: health.CredentialRevoked}); err != nil {
			t.Fatal(err)
		}
		e.newIntegration(e.ctx(), &users[3], "google_calendar")
		newestFirst := func(of ...string) []string { slices.Reverse(of); return of }
		for name, c := range map[string]struct {
			filter map[string]any
			want   []string
		}{
			"nothing": {nil, newestFirst(slices.Clone(users)...)},
			"after the first": {
				map[string]any{"createdAfter": "2026-01-20T14:22:00Z"},
				newestFirst(slices.Clone(users[1:])...),
			},
			"before the last": {
				map[string]any{"createdBefore": "2026-01-20T15:22:00.000Z"},
				newestFirst(slices.Clone(users[:4])...),
			},
			"in another zone": {
				map[string]any{"createdBefore": "2026-01-20T17:22:00.0001+03:00"},
				[]string{users[0]},
			},
			"between": {
				map[string]any{"createdAfter": "2026-01-20T14:22:00.0001Z", "createdBefore": "2026-01-20T14:22:01Z"},
				[]string{users[2]},
			},
			"the wrong way round": {
				map[string]any{"createdAfter": "2026-01-21T00:00:00Z", "createdBefore": "2026-01-20T00:00:00Z"},
				[]string{},
			},
			"with a provider": {map[string]any{"provider": "gmail"}, []string{users[1]}},
			"with both": {
				map[string]any{"provider": "gmail", "createdAfter": "2026-01-20T14:22:00.5Z"},
				[]string{},
			},
		} {
			same(t, name, e.filtered("users", "UserFilter", c.filter), c.want)
		}
	})
}

func TestAListWithoutASizeHasTwenty(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		e.world(21, 0, 0)
		r := e.must("acme", `{ users { nodes { id } pageInfo { hasNextPage } } }`, nil)
		if n := len(r.texts("id", "users", "nodes")); n != 20 || r.at("users", "pageInfo", "hasNextPage") != true {
			t.Errorf("%d users: %v", n, r.at("users", "pageInfo"))
		}
	})
}

func TestIntegrationsAreFoundByEachOfTheirSides(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		ctx := e.ctx()
		ada := e.newUser(ctx, "ada", nil)
		make := func(provider string, owner *string, change func(*ent.IntegrationUpdateOne)) string {
			row := e.newIntegration(ctx, owner, provider)
			update := e.store.Client(ctx).Integration.UpdateOne(row)
			change(update)
			if err := update.Exec(ctx); err != nil {
				t.Fatal(err)
			}
			return row.ID
		}
		state := func(status health.Status, reason health.Reason) func(*ent.IntegrationUpdateOne) {
			return func(u *ent.IntegrationUpdateOne) { u.SetHealthStatus(string(status)).SetHealthReason(string(reason)) }
		}
		healthy := make("gmail", &ada.ID, state(health.Healthy, health.OK))
		waiting := make("gmail", &ada.ID, state(health.Disconnected, health.NotConfigured))
		revoked := make("google_calendar", &ada.ID, state(health.Disconnected, health.CredentialRevoked))
		expired := make("google_calendar", &ada.ID, state(health.Expired, health.TokenExpired))
		shared := make("google_calendar", nil, func(u *ent.IntegrationUpdateOne) {
			u.SetHealthStatus(string(health.Degraded)).SetHealthReason(string(health.RateLimited)).
				SetEnabled(false).SetVisibility("PUBLIC")
		})
		for name, c := range map[string]struct {
			filter map[string]any
			want   []string
		}{
			"nothing": {nil, []string{healthy, waiting, revoked, expired, shared}},
			"null": {
				map[string]any{"providers": nil, "enabled": nil},
				[]string{healthy, waiting, revoked, expired, shared},
			},
			"a provider":   {map[string]any{"providers": []string{"gmail", "nosuch"}}, []string{healthy, waiting}},
			"none of none": {map[string]any{"providers": []string{}}, []string{}},
			"incomplete":   {map[string]any{"statuses": []string{"INCOMPLETE"}}, []string{waiting}},
			"connected":    {map[string]any{"statuses": []string{"CONNECTED"}}, []string{healthy, shared}},
			"ended": {
				map[string]any{"statuses": []string{"DISCONNECTED", "EXPIRED"}},
				[]string{revoked, expired},
			},
			"health": {
				map[string]any{"healthStatuses": []string{"DISCONNECTED"}},
				[]string{waiting, revoked},
			},
			"switched off":   {map[string]any{"enabled": false}, []string{shared}},
			"public":         {map[string]any{"visibility": "PUBLIC"}, []string{shared}},
			"of users":       {map[string]any{"owner": "USER"}, []string{healthy, waiting, revoked, expired}},
			"of the company": {map[string]any{"owner": "COMPANY"}, []string{shared}},
			"several conditions": {
				map[string]any{"owner": "USER", "providers": []string{"gmail"}, "statuses": []string{"CONNECTED"}},
				[]string{healthy},
			},
		} {
			same(t, name, e.filtered("integrations", "IntegrationFilter", c.filter), c.want)
		}
	})
}

func TestTheTrailIsFoundByWhatWhoAndWhen(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		ctx := e.ctx()
		ada := e.newUser(ctx, "ada", nil)
		theirs, shared := e.newIntegration(ctx, &ada.ID, "gmail"), e.newIntegration(ctx, nil, "gmail")
		const conversation = "conv_01h455vb4pex5vsknk084sn02q"
		start := time.Date(2026, 1, 20, 14, 22, 0, 0, time.UTC)
		var events []string
		for n, i := range []*ent.Integration{theirs, theirs, shared} {
			kind := []audit.Type{audit.Connected, audit.Query, audit.Query}[n]
			row, err := e.store.Client(ctx).AuditEvent.Create().SetID(e.newID(id.AuditEvent)).SetEventType(string(kind)).
				SetTimestamp(start.Add(time.Duration(n) * time.Minute)).SetActor("key_acme").SetNillableUserID(i.UserID).
				SetIntegrationID(i.ID).SetConversationID([]string{"", conversation, "conv_2"}[n]).
				SetSucceeded(true).Save(ctx)
			if err != nil {
				t.Fatal(err)
			}
			events = append(events, row.ID)
		}
		at := func(n int) string { return start.Add(time.Duration(n) * time.Minute).Format(time.RFC3339) }
		for name, c := range map[string]struct {
			filter map[string]any
			want   []string
		}{
			"a type":          {map[string]any{"eventTypes": []string{"QUERY"}}, []string{events[2], events[1]}},
			"no type":         {map[string]any{"eventTypes": []string{}}, []string{}},
			"a user":          {map[string]any{"userId": ada.ID}, []string{events[1], events[0]}},
			"an integration":  {map[string]any{"integrationId": shared.ID}, []string{events[2]}},
			"a conversation":  {map[string]any{"conversationId": conversation}, []string{events[1]}},
			"since, included": {map[string]any{"since": at(1)}, []string{events[2], events[1]}},
			"until, excluded": {map[string]any{"until": at(1)}, []string{events[0]}},
			"a stretch": {
				map[string]any{"since": at(1), "until": at(2), "eventTypes": []string{"QUERY"}},
				[]string{events[1]},
			},
			"nobody's": {map[string]any{"userId": e.newID(id.User)}, []string{}},
		} {
			same(t, name, e.filtered("auditEvents", "AuditEventFilter", c.filter), c.want)
		}
		for field, wrong := range map[string]string{"userId": theirs.ID, "integrationId": ada.ID} {
			r := e.do("acme", `query($f: AuditEventFilter) { auditEvents(filter: $f) { totalCount } }`,
				map[string]any{"f": map[string]any{field: wrong}})
			if r.code() != "BAD_USER_INPUT" || fmt.Sprint(r.Errs[0].Extensions["field"]) != "[filter "+field+"]" {
				t.Errorf("%s: %s", field, r.body)
			}
		}
	})
}
