package graph_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/id"
)

func TestAUserIsMadeChangedAndDeleted(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		made := e.must("acme", `mutation { userCreate(input: {externalId: "ada", metadata: {plan: "free", n: 1}}) {
			user { id externalId metadata integrations { totalCount } } userErrors { code } } }`, nil)
		ada := made.at("userCreate", "user", "id")
		taken := e.must("acme", `mutation { userCreate(input: {externalId: "ada"}) {
			user { id } userErrors { __typename code message field } } }`, nil)
		fault := taken.at("userCreate", "userErrors", 0).(map[string]any)
		if taken.at("userCreate", "user") != nil || fault["code"] != "TAKEN" || fault["__typename"] != "InputError" ||
			fmt.Sprint(fault["field"]) != "[input externalId]" {
			t.Error(taken.body)
		}
		document := `mutation($in: UserUpdateInput!) { userUpdate(input: $in) {
			user { externalId metadata } userErrors { code } } }`
		merged := e.must("acme", document, map[string]any{
			"in": map[string]any{"id": ada, "metadata": map[string]any{"plan": "pro", "n": nil}},
		})
		if got := fmt.Sprint(merged.at("userUpdate", "user")); got != `map[externalId:ada metadata:map[plan:pro]]` {
			t.Error(got)
		}
		cleared := e.must("acme", document, map[string]any{"in": map[string]any{"id": ada, "externalId": nil}})
		if got := fmt.Sprint(cleared.at("userUpdate", "user")); got != `map[externalId:<nil> metadata:map[plan:pro]]` {
			t.Error(got)
		}
		deleted := e.must("acme", `mutation($id: ID!) { userDelete(input: {id: $id}) {
			deletedUserId revocations { outcome } userErrors { code } } }`, map[string]any{"id": ada})
		if deleted.at("userDelete", "deletedUserId") != ada || len(deleted.at("userDelete", "revocations").([]any)) != 0 {
			t.Error(deleted.body)
		}
		trail := e.must("acme", `query($id: ID!) { auditEvents(filter: {userId: $id}) {
			nodes { eventType actor userId user { id } } } }`, map[string]any{"id": ada})
		same(t, "trail", trail.texts("eventType", "auditEvents", "nodes"), []string{"DELETED", "UPDATED", "UPDATED", "CREATED"})
		if trail.at("auditEvents", "nodes", 0, "userId") != ada || trail.at("auditEvents", "nodes", 0, "user") != nil {
			t.Error(trail.body)
		}
	})
}

// webhook answers questions as a customer's own service does.
func webhook(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in map[string]any
		b, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(b, &in)
		if strings.Contains(fmt.Sprint(in["query"]), "broken") {
			http.Error(w, "<html>no</html>", http.StatusBadGateway)
			return
		}
		_, _ = io.WriteString(w, `{"results":[{"content":"Order 7 is on its way","structured_data":{"order":7}}]}`)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

const createWebhook = `mutation($in: IntegrationCreateInput!) { integrationCreate(input: $in) {
	integration { id name status enabled visibility authKind secretNames config capabilities { name triggerPhrases effect }
		provider { name title } stats { queriesTotal } auditEvents { nodes { eventType } } }
	signingSecret userErrors { __typename code message field } } }`

func TestAWebhookIsCreatedAskedAndCounted(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		made := e.must("acme", createWebhook, map[string]any{"in": map[string]any{
			"provider": "custom_webhook", "name": "Orders", "secrets": map[string]any{"TOKEN": "s3cr3t"},
			"config": map[string]any{
				"url":            webhook(t),
				"authentication": map[string]any{"type": "bearer", "token": "{{TOKEN}}"},
				"capabilities": []any{
					map[string]any{"name": "orders", "description": "Orders", "trigger_phrases": []any{"order"}},
					map[string]any{"name": "order_status", "description": "It", "trigger_phrases": []any{"order status"}},
					map[string]any{"name": "refunds", "description": "Money", "trigger_phrases": []any{"money"}},
					map[string]any{"name": "invoices", "description": "Money", "trigger_phrases": []any{"money"}},
				},
			},
		}})
		if len(made.at("integrationCreate", "userErrors").([]any)) > 0 || strings.Contains(made.body, "s3cr3t") {
			t.Fatal(made.body)
		}
		if made.at("integrationCreate", "signingSecret") == nil {
			t.Errorf("no signing secret: %s", made.body)
		}
		webhookID := made.at("integrationCreate", "integration", "id")
		ask := `mutation($in: IntegrationQueryInput!) { integrationQuery(input: $in) {
			result { capability { name } plan { confidence matchedPhrases request arguments } truncated latencyMs
				results { __typename title content url structuredData }
				integration { id lastUsedAt health { status reason } } }
			userErrors { __typename code message field
				... on ProviderFailure { provider httpStatus retryable }
				... on AmbiguousChoice { choices { ... on Capability { name } } } } } }`
		question := func(text string, more ...any) *reply {
			in := map[string]any{"integrationId": webhookID, "query": text}
			for i := 0; i < len(more); i += 2 {
				in[more[i].(string)] = more[i+1]
			}
			return e.must("acme", ask, map[string]any{"in": in})
		}
		dry := question("What is the order status of 7?", "dryRun", true)
		if dry.at("integrationQuery", "result", "capability", "name") != "order_status" ||
			len(dry.at("integrationQuery", "result", "results").([]any)) != 0 {
			t.Error(dry.body)
		}
		answer := question("What is the order status of 7?")
		if answer.at("integrationQuery", "result", "results", 0, "__typename") != "CustomRecord" ||
			answer.at("integrationQuery", "result", "results", 0, "structuredData", "order") != 7.0 ||
			answer.at("integrationQuery", "result", "integration", "lastUsedAt") == nil {
			t.Error(answer.body)
		}
		for name, c := range map[string]struct {
			reply *reply
			want  string
		}{
			"nothing matches": {question("the weather"), "OperationRefused NO_CAPABILITY_MATCHED"},
			"two match":       {question("money"), "AmbiguousChoice AMBIGUOUS"},
			"it fails":        {question("a broken order"), "ProviderFailure PROVIDER_FAILED"},
			"too many":        {question("order", "limit", 101), "InputError INVALID"},
			"too long":        {question("order", "timeoutMs", 5), "InputError INVALID"},
			"no such zone":    {question("order", "timezone", "Mars/Olympus"), "InputError INVALID"},
			"no such user":    {question("order", "userId", e.newID(id.User)), "InputError NOT_FOUND"},
		} {
			fault := c.reply.at("integrationQuery", "userErrors", 0).(map[string]any)
			got := fmt.Sprint(fault["__typename"], " ", fault["code"])
			if got != c.want || c.reply.at("integrationQuery", "result") != nil {
				t.Errorf("%s: %s", name, c.reply.body)
			}
			if name == "two match" && len(fault["choices"].([]any)) != 2 {
				t.Errorf("choices: %s", c.reply.body)
			}
		}
		seen := e.must("acme", `query($id: ID!) { integration(id: $id) { stats { queriesToday queriesTotal }
			auditEvents(filter: {eventTypes: [QUERY]}) { nodes { capability query succeeded errorCode latencyMs } } } }`,
			map[string]any{"id": webhookID})
		if got := seen.at("integration", "stats", "queriesToday"); got != 2.0 { // the answer and the failure were sent
			t.Errorf("queriesToday %v", got)
		}
		if !strings.Contains(seen.body, "What is the order status of 7?") {
			t.Errorf("not in the trail: %s", seen.body)
		}
	})
}

func TestEachFieldOfAMutationReadsWhatTheOneBeforeHasWritten(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		ada := e.newUser(e.ctx(), "ada", nil)
		r := e.must("acme", `mutation($id: ID!) {
			one: userUpdate(input: {id: $id, metadata: {n: 1}}) { user { auditEvents { totalCount nodes { id } } } }
			two: userUpdate(input: {id: $id, metadata: {n: 2}}) { user { auditEvents { totalCount nodes { id } } } } }`,
			map[string]any{"id": ada.ID})
		for n, name := range []string{"one", "two"} {
			events := r.at(name, "user", "auditEvents").(map[string]any)
			if events["totalCount"] != float64(n+1) || len(events["nodes"].([]any)) != n+1 {
				t.Errorf("%s: %v", name, events)
			}
		}
	})
}

func TestNullIsRefusedWhereAFieldMayOnlyBeAbsent(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		i := e.newIntegration(e.ctx(), nil, "gmail")
		r := e.must("acme", `mutation($id: ID!) {
			integrationUpdate(input: {id: $id, name: null, enabled: null, visibility: null}) {
			integration { id } userErrors { code field } } }`, map[string]any{"id": i.ID})
		same(t, "fields", r.texts("field", "integrationUpdate", "userErrors"),
			[]string{"[input enabled]", "[input name]", "[input visibility]"})
		ok := e.must("acme", `mutation($id: ID!) {
			integrationUpdate(input: {id: $id, name: "Mail", enabled: false, personalityId: null}) {
			integration { name enabled personality { id } } userErrors { code message } } }`, map[string]any{"id": i.ID})
		got := fmt.Sprint(ok.at("integrationUpdate", "integration"))
		if got != "map[enabled:false name:Mail personality:<nil>]" {
			t.Error(ok.body)
		}
	})
}

func TestAccessIsDecidedByTheStrongestRule(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		ada, bob := e.newPersonality("acme"), e.newPersonality("acme")
		i := e.newIntegration(e.ctx(), nil, "gmail")
		decide := func(who string) string {
			r := e.must("acme", `query($id: ID!, $who: ID!) { integration(id: $id) {
				accessFor(personalityId: $who) { allowed rule } } }`, map[string]any{"id": i.ID, "who": who})
			return fmt.Sprint(r.at("integration", "accessFor"))
		}
		if got := decide(ada); got != "map[allowed:true rule:DEFAULT]" {
			t.Error(got)
		}
		set := e.must("acme", `mutation($id: ID!, $who: ID!) { integrationSetPersonalityAccess(input: {
			integrationId: $id, access: [{personalityId: $who, allowed: false}]}) {
			integration { personalityAccess { allowed personality { id name } } } userErrors { code } } }`,
			map[string]any{"id": i.ID, "who": ada})
		if set.at("integrationSetPersonalityAccess", "integration", "personalityAccess", 0, "personality", "id") != ada {
			t.Error(set.body)
		}
		if got := decide(ada); got != "map[allowed:false rule:EXPLICIT]" {
			t.Error(got)
		}
		e.must("acme", `mutation($id: ID!, $who: ID!) { integrationUpdate(input: {id: $id, personalityId: $who}) {
			userErrors { code } } }`, map[string]any{"id": i.ID, "who": bob})
		if got := decide(ada); got != "map[allowed:false rule:RESERVED_FOR_OTHER_PERSONALITY]" {
			t.Error(got)
		}
		none := e.do("acme", `query($id: ID!, $who: ID!) { integration(id: $id) {
			accessFor(personalityId: $who) { allowed } } }`,
			map[string]any{"id": i.ID, "who": e.newID(id.Personality)})
		if none.code() != "NOT_FOUND" {
			t.Error(none.body)
		}
	})
}

func TestAConnectionIsBegunAndLookedAt(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		user := e.newUser(e.ctx(), "ada", nil)
		r := e.must("acme", `mutation($id: ID!) { integrationConnect(input: {userId: $id, provider: "google_calendar"}) {
			authorizationUrl state expiresAt userErrors { code message field } } }`, map[string]any{"id": user.ID})
		state := r.at("integrationConnect", "state")
		attempt := e.must("acme", `query($s: String!) { connectAttempt(state: $s) {
			state status provider { name } integration { id } failure { code } } }`, map[string]any{"s": state})
		if attempt.at("connectAttempt", "status") != "PENDING" ||
			attempt.at("connectAttempt", "provider", "name") != "google_calendar" {
			t.Error(attempt.body)
		}
		if r := e.must("acme", `{ connectAttempt(state: "unknown") { status } }`, nil); r.at("connectAttempt") != nil {
			t.Error(r.body)
		}
		for name, c := range map[string][2]string{
			"an unknown provider": {`provider: "nobody"`, "INVALID"},
			"an unknown scope":    {`provider: "google_calendar", scopes: ["everything"]`, "INVALID"},
			"one without OAuth":   {`provider: "custom_webhook"`, "INVALID"},
		} {
			r := e.must("acme", `mutation { integrationConnect(input: {`+c[0]+`}) {
				state userErrors { code field } } }`, nil)
			if r.at("integrationConnect", "userErrors", 0, "code") != c[1] || r.at("integrationConnect", "state") != nil {
				t.Errorf("%s: %s", name, r.body)
			}
		}
		for _, url := range []string{
			"javascript:alert(1)", "https://ada:secret@example.com", "/relative", "ftp://example.com",
		} {
			r := e.do("acme", `mutation($u: URL) {
				integrationConnect(input: {provider: "google_calendar", redirectUrl: $u}) { state } }`,
				map[string]any{"u": url})
			if r.code() != "BAD_USER_INPUT" || strings.Contains(r.body, "secret") {
				t.Errorf("%s: %s", url, r.body)
			}
		}
	})
}

func TestProvidersShowWhatTheirManifestsSay(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		r := e.must("acme", `{ providers { name title description authKinds available categories documentationUrl
			scopes { name description default } configSchema
			capabilities { name description effect triggerPhrases requiredScopes } }
			calendars: providers(category: CALENDAR) { name }
			provider(name: "gmail") { name } none: provider(name: "nobody") { name } }`, nil)
		var names, calendars []string
		for _, p := range e.catalog.All() {
			names = append(names, p.Name)
			if slices.Contains(p.Categories, "calendar") {
				calendars = append(calendars, p.Name)
			}
		}
		same(t, "names", r.texts("name", "providers"), names)
		same(t, "calendars", r.texts("name", "calendars"), calendars)
		if r.at("none") != nil || r.at("provider", "name") != "gmail" || len(r.statements) != 0 {
			t.Error(r.body)
		}
		r = e.do("acme", `{ provider(name: "gmail") { configSchema(authKind: BASIC) } }`, nil)
		if r.code() != "BAD_USER_INPUT" {
			t.Error(r.body)
		}
	})
}

func TestAnAPIKeyIsShownOnce(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		r := e.must("acme", `mutation { apiKeyCreate(input: {name: "ci", scopes: [USERS_READ]}) {
			secret apiKey { id prefix scopes } userErrors { code } } }`, nil)
		secret := fmt.Sprint(r.at("apiKeyCreate", "secret"))
		keyID := r.at("apiKeyCreate", "apiKey", "id")
		listed := e.must("acme", `{ apiKeys { id name prefix scopes revokedAt } }`, nil)
		if strings.Contains(listed.body, secret) ||
			!strings.HasPrefix(secret, fmt.Sprint(listed.at("apiKeys", 0, "prefix"))) {
			t.Error(listed.body)
		}
		r = e.must("acme", `mutation($id: ID!) { apiKeyRevoke(input: {id: $id}) {
			apiKey { revokedAt } userErrors { code } } }`, map[string]any{"id": keyID})
		if r.at("apiKeyRevoke", "apiKey", "revokedAt") == nil {
			t.Error(r.body)
		}
		if strings.Contains(e.log.String(), secret) {
			t.Error("the secret is in the log")
		}
	})
}
