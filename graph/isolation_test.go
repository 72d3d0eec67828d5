package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/viewer"
)

// everything reads all there is to be paged.
const everything = `{
	users { nodes { id externalId integrations { nodes { id } totalCount } auditEvents { nodes { id } } } totalCount }
	integrations { nodes { id auditEvents { nodes { id } } healthHistory { nodes { id } } stats { queriesTotal }
		personalityAccess { personality { id } } } totalCount }
	personalities { nodes { id } totalCount } auditEvents { nodes { id } totalCount } viewer { company { id } } }`

func (e *env) newPersonality(as string) string {
	e.t.Helper()
	r := e.must(as, `mutation { personalityCreate(input: {name: "Ada"}) { personality { id } userErrors { code } } }`, nil)
	return fmt.Sprint(r.at("personalityCreate", "personality", "id"))
}

func TestAnotherCompanysRowsLookLikeNoneAtAll(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		other := e.newCompany("Other")
		e.as("other", viewer.Viewer{Company: other, Actor: "key_other", Scopes: viewer.Scopes})
		owner := e.newUser(e.ctxOf(other), "theirs", column.Object{"plan": "premium"})
		foreign := e.newIntegration(e.ctxOf(other), &owner.ID, "gmail")
		event := e.newEvent(e.ctxOf(other), foreign, audit.Query)
		persona := e.newPersonality("other")
		key := e.must("other", `mutation { apiKeyCreate(input: {name: "k", scopes: [ADMIN]}) { apiKey { id } } }`, nil).
			at("apiKeyCreate", "apiKey", "id")

		for _, text := range []string{owner.ID, foreign.ID, event.ID, persona, other, "theirs"} {
			if r := e.must("acme", everything, nil); strings.Contains(r.body, text) {
				t.Errorf("acme reads %s: %s", text, r.body)
			}
			if r := e.must("other", everything, nil); !strings.Contains(r.body, text) {
				t.Errorf("other does not read %s: %s", text, r.body)
			}
		}
		// Every look-up answers the same for a foreign id as for one that does not exist.
		for field, ids := range map[string][2]string{
			`user(id: $id) { id }`:        {owner.ID, e.newID(id.User)},
			`integration(id: $id) { id }`: {foreign.ID, e.newID(id.Integration)},
			`personality(id: $id) { id }`: {persona, e.newID(id.Personality)},
			`node(id: $id) { id }`:        {event.ID, e.newID(id.AuditEvent)},
			`nodes(ids: [$id]) { id }`:    {fmt.Sprint(key), e.newID(id.APIKey)},
			`n2: node(id: $id) { id }`:    {other, e.newID(id.Company)},
		} {
			theirs := e.must("acme", `query($id: ID!) { `+field+` }`, map[string]any{"id": ids[0]})
			nobodys := e.must("acme", `query($id: ID!) { `+field+` }`, map[string]any{"id": ids[1]})
			if theirs.body != nobodys.body {
				t.Errorf("%s: %s and %s", field, theirs.body, nobodys.body)
			}
		}
		theirUser, theirs, theirKey := [2]string{owner.ID, e.newID(id.User)},
			[2]string{foreign.ID, e.newID(id.Integration)}, [2]string{fmt.Sprint(key), e.newID(id.APIKey)}
		for field, ids := range map[string][2]string{
			`userUpdate(input: {id: $id})`:                                                  theirUser,
			`userDelete(input: {id: $id})`:                                                  theirUser,
			`integrationUpdate(input: {id: $id})`:                                           theirs,
			`integrationRefresh(input: {id: $id})`:                                          theirs,
			`integrationCheckHealth(input: {id: $id})`:                                      theirs,
			`integrationDisconnect(input: {id: $id})`:                                       theirs,
			`integrationQuery(input: {integrationId: $id, query: "mail from Ada"})`:         theirs,
			`integrationInvoke(input: {integrationId: $id, capability: "search_messages"})`: theirs,
			`apiKeyRevoke(input: {id: $id})`:                                                theirKey,
		} {
			document := `mutation($id: ID!) { ` + field + ` { userErrors { code message field } } }`
			foreign := e.must("acme", document, map[string]any{"id": ids[0]})
			nobodys := e.must("acme", document, map[string]any{"id": ids[1]})
			if foreign.body != nobodys.body || !strings.Contains(foreign.body, "NOT_FOUND") {
				t.Errorf("%s:\n%s\n%s", field, foreign.body, nobodys.body)
			}
		}
	})
}

func TestAViewerWhoIsAUserSeesItsOwnGraphAlone(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		ids := e.world(2, 1, 1)
		e.newIntegration(e.ctx(), nil, "gmail")
		e.as("bob", viewer.Viewer{Company: e.company, User: ids[1], Actor: ids[1], Scopes: []viewer.Scope{
			viewer.UsersRead, viewer.IntegrationsRead, viewer.AuditRead,
		}})
		r := e.must("bob", everything, nil)
		same(t, "users", r.texts("id", "users", "nodes"), ids[1:])
		for _, list := range []string{"users", "integrations", "auditEvents"} {
			if got := r.at(list, "totalCount"); got != 1.0 {
				t.Errorf("%s: %v", list, got)
			}
		}
		r = e.must("bob", `query($id: ID!) { user(id: $id) { id } viewer { user { id } } }`, map[string]any{"id": ids[0]})
		if r.at("user") != nil || r.at("viewer", "user", "id") != ids[1] {
			t.Error(r.body)
		}
	})
}

func TestNodesKeepTheirOrderAndHideWhatHasNoScope(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		ids := e.world(2, 1, 1)
		r := e.must("acme", `{ integrations { nodes { id auditEvents { nodes { id } } } } viewer { company { id } } }`, nil)
		integration := fmt.Sprint(r.at("integrations", "nodes", 0, "id"))
		event := fmt.Sprint(r.at("integrations", "nodes", 0, "auditEvents", "nodes", 0, "id"))
		asked := []string{event, ids[1], e.newID(id.User), integration, ids[0], ids[1], e.company, e.newID(id.Credential)}
		document := `query($ids: [ID!]!) { nodes(ids: $ids) {
			__typename id ... on User { externalId } ... on AuditEvent { actor } } }`
		all := e.must("acme", document, map[string]any{"ids": asked})
		want := []any{event, ids[1], nil, integration, ids[0], ids[1], e.company, nil}
		checkNodes(t, all, want)
		if got := all.at("nodes", 1, "externalId"); got != "ext-1" {
			t.Errorf("externalId %v", got)
		}
		e.as("reader", viewer.Viewer{Company: e.company, Actor: "key_r", Scopes: []viewer.Scope{viewer.UsersRead}})
		checkNodes(t, e.must("reader", document, map[string]any{"ids": asked}),
			[]any{nil, ids[1], nil, nil, ids[0], ids[1], e.company, nil})

		many := make([]string, 101)
		for i := range many {
			many[i] = ids[0]
		}
		if got := e.do("acme", document, map[string]any{"ids": many}).code(); got != "BAD_USER_INPUT" {
			t.Errorf("101 ids: %s", got)
		}
		for _, malformed := range []string{"", "x", "user_1", "con_01h455vb4pex5vsknk084sn02q"} {
			r := e.do("acme", `query($id: ID!) { node(id: $id) { id } }`, map[string]any{"id": malformed})
			if got := r.code(); got != "BAD_USER_INPUT" {
				t.Errorf("%q: %s", malformed, got)
			}
		}
	})
}

func checkNodes(t *testing.T, r *reply, want []any) {
	t.Helper()
	for i, id := range want {
		got := r.at("nodes", i)
		if id == nil && got != nil || id != nil && (got == nil || got.(map[string]any)["id"] != id) {
			t.Errorf("place %d: %v, want %v", i, got, id)
		}
	}
}

func TestMetadataIsLookedForByBoundKeysAndExactValues(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		keys := []string{
			"plan", `x' , 1) OR 1=1 --`, `"`, `a"b`, `$.plan`, `plan"."x`, `%`, "ключ", `'; DROP TABLE users; --`,
			"a.b", "[0]", `\`,
		}
		made := map[string]*ent.User{}
		for _, key := range keys {
			made[key] = e.newUser(e.ctx(), "", column.Object{
				key: "v", "n": 5, "yes": true, "nothing": nil, "list": []any{"v"},
			})
		}
		find := func(metadata map[string]any) *reply {
			return e.do("acme", `query($f: UserFilter) { users(first: 100, filter: $f) { nodes { id } totalCount } }`,
				map[string]any{"f": map[string]any{"metadata": metadata}})
		}
		for _, key := range keys {
			r := find(map[string]any{key: "v"})
			same(t, key, r.texts("id", "users", "nodes"), []string{made[key].ID})
			if r := find(map[string]any{key: "w"}); r.at("users", "totalCount") != 0.0 {
				t.Errorf("%s = w finds %s", key, r.body)
			}
		}
		for name, c := range map[string]struct {
			metadata map[string]any
			want     int
		}{
			"a number":              {map[string]any{"n": 5}, len(keys)},
			"the same number":       {map[string]any{"n": 5.0}, len(keys)},
			"a string of digits":    {map[string]any{"n": "5"}, 0},
			"true":                  {map[string]any{"yes": true}, len(keys)},
			"false":                 {map[string]any{"yes": false}, 0},
			"one for true":          {map[string]any{"yes": 1}, 0},
			"null":                  {map[string]any{"nothing": nil}, len(keys)},
			"null for what is not":  {map[string]any{"missing": nil}, 0},
			"two that hold":         {map[string]any{"plan": "v", "n": 5}, 1},
			"two of which one does": {map[string]any{"plan": "v", "n": 6}, 0},
			"what is in a list":     {map[string]any{"list": "v"}, 0},
			"NUL":                   {map[string]any{"plan": "v\x00"}, 0},
			"NUL in the key":        {map[string]any{"pl\x00an": "v"}, 0},
			"nothing in particular": {map[string]any{}, len(keys)},
		} {
			if r := find(c.metadata); len(r.Errs) > 0 || r.at("users", "totalCount") != float64(c.want) {
				t.Errorf("%s: want %d: %s", name, c.want, r.body)
			}
		}
		many := map[string]any{}
		for i := range 11 {
			many[fmt.Sprint(i)] = 1
		}
		for name, metadata := range map[string]map[string]any{
			"an object": {"plan": map[string]any{}}, "a list": {"plan": []any{"v"}}, "eleven keys": many,
		} {
			if r := find(metadata); r.code() != "BAD_USER_INPUT" {
				t.Errorf("%s: %s", name, r.body)
			}
		}
	})
}
