package app_test

import (
	"maps"
	"strings"
)

// cases returns what must be refused, by what is wrong with it.
func (w *badWorld) cases() map[string]badInput {
	connect := func(changes map[string]any) map[string]any {
		in := map[string]any{"userId": w.ada, "provider": "google_calendar"}
		maps.Copy(in, changes)
		return in
	}
	back := func(state string, changes map[string]any) map[string]any {
		in := connect(map[string]any{"state": w.states[state], "code": mark + "-code"})
		maps.Copy(in, changes)
		return in
	}
	ask := func(changes map[string]any) map[string]any {
		in := map[string]any{"integrationId": w.webhook["html"], "query": "where is my order"}
		maps.Copy(in, changes)
		return in
	}
	paste := func(credentials string) map[string]any {
		return map[string]any{
			"userId": w.ada, "provider": "google_calendar", "name": "x", "config": map[string]any{"credentials": credentials},
		}
	}
	call := func(changes map[string]any) map[string]any {
		in := map[string]any{"integrationId": w.webhook["html"], "capability": "orders"}
		maps.Copy(in, changes)
		return in
	}
	attempt := []string{"connect_attempts", "audit_events"}
	// A failed question is counted and audited, and it may tell something about health.
	question := []string{"audit_events", "usage_counters", "integrations", "health_changes", "company_sequences"}
	const madeUp = "01h455vb4pex5vsknk084sn02q"
	long := strings.Repeat("x", 2001)
	all := map[string]badInput{
		"unknown provider, connected": input("integrationConnect",
			connect(map[string]any{"provider": "nosuch"}), "INVALID", "input.provider"),
		"unknown provider, created": input("integrationCreate",
			map[string]any{"provider": "nosuch", "name": "x"}, "INVALID", "input.provider"),
		"a provider without OAuth": input("integrationConnect",
			connect(map[string]any{"provider": "custom_webhook"}), "INVALID", "input.provider"),
		"unknown scope": input("integrationConnect",
			connect(map[string]any{"scopes": []string{"calendar.readonly", "calendar.root"}}),
			"INVALID", "input.scopes.1"),
		"unknown setting, connected": input("integrationConnect",
			connect(map[string]any{"config": map[string]any{"nosuch": mark}}), "INVALID", "input.config.nosuch"),

		"a state of another company": input("integrationCallback",
			back("of another company", nil), "STATE_MISMATCH", "input.state"),
		"a state that is over": input("integrationCallback",
			back("over", nil), "STATE_MISMATCH", "input.state", attempt...),
		"a state that was used": input("integrationCallback",
			back("used before", nil), "STATE_MISMATCH", "input.state"),
		"a state that nobody made": input("integrationCallback",
			back("", map[string]any{"state": mark}), "STATE_MISMATCH", "input.state"),
		"a callback for another user": input("integrationCallback",
			back("of another user", map[string]any{"userId": w.bob}), "STATE_MISMATCH", "input.state", attempt...),
		"a callback of another provider": input("integrationCallback",
			back("of another provider", map[string]any{"provider": "gmail"}),
			"STATE_MISMATCH", "input.state", attempt...),
		"a code that is refused": input("integrationCallback",
			back("for a refused code", map[string]any{"code": "refused" + mark}), "INVALID", "input.code", attempt...),

		"pasted credentials that are none": input("integrationCreate",
			paste(mark), "INVALID", "input.config.credentials"),
		"pasted credentials of another client": input("integrationCreate",
			paste(`{"type":"authorized_user","client_id":"`+mark+`","refresh_token":"`+mark+`"}`),
			"INVALID", "input.config.credentials"),
		"pasted credentials, connected": input("integrationConnect",
			connect(map[string]any{"config": map[string]any{"credentials": mark}}), "INVALID", "input.config.credentials"),

		"a config of the wrong type": input("integrationCreate",
			w.hook(map[string]any{"capabilities": mark}), "INVALID", "input.config.capabilities"),
		"a config that lacks something": input("integrationCreate",
			w.hook(map[string]any{"capabilities": nil}), "INVALID", "input.config.capabilities"),
		"a secret that is too long": input("integrationCreate",
			w.hook(map[string]any{"authentication": map[string]any{"type": "bearer", "token": strings.Repeat(mark, 500)}}),
			"INVALID", "input.config.authentication.token"),
		"an unknown way to authenticate": input("integrationCreate",
			w.hook(map[string]any{"authentication": map[string]any{"type": mark}}),
			"INVALID", "input.config.authentication.type"),
		"a setting that does not exist": input("integrationUpdate",
			map[string]any{"id": w.webhook["html"], "config": map[string]any{"authentification": mark}},
			"INVALID", "input.config.authentification"),
		"a placeholder outside of its place": input("integrationCreate",
			w.hook(map[string]any{"url": "https://example.com/{{TOKEN}}"}), "INVALID", "input.config.url"),
		"a secret that is no string": input("integrationUpdate",
			map[string]any{"id": w.webhook["html"], "secrets": map[string]any{"TOKEN": []string{mark}}},
			"INVALID", "input.secrets.TOKEN"),
		"null where a field may be absent": input("integrationUpdate",
			map[string]any{"id": w.webhook["html"], "name": nil}, "INVALID", "input.name"),
		"a webhook on a private address": input("integrationCreate",
			w.hook(map[string]any{"url": "http://10.0.0.1/" + mark}), "TARGET_REFUSED", "input.config.url"),
		"a webhook on this machine": input("integrationCreate",
			w.hook(map[string]any{"url": "http://localhost:1/"}), "TARGET_REFUSED", "input.config.url"),
		"a webhook on the cloud's metadata": input("integrationUpdate",
			map[string]any{"id": w.webhook["html"], "config": map[string]any{"url": "http://169.254.169.254/latest"}},
			"TARGET_REFUSED", "input.config.url"),
		"a webhook on IPv6's loopback": input("integrationCreate",
			w.hook(map[string]any{"url": "http://[::1]/"}), "TARGET_REFUSED", "input.config.url"),
		"a webhook in one number": input("integrationCreate",
			w.hook(map[string]any{"url": "http://2130706433/"}), "TARGET_REFUSED", "input.config.url"),
		"a webhook with a password": input("integrationCreate",
			w.hook(map[string]any{"url": "https://me:" + mark + "@example.com/"}), "INVALID", "input.config.url"),
		"a webhook by another scheme": input("integrationCreate",
			w.hook(map[string]any{"url": "file:///etc/passwd"}), "INVALID", "input.config.url"),
		"a redirect with a password": input("integrationConnect",
			connect(map[string]any{"redirectUrl": "https://me:" + mark + "@example.com/"}),
			"BAD_USER_INPUT", "input.redirectUrl"),
		"a redirect that is no address": input("integrationConnect",
			connect(map[string]any{"redirectUrl": "javascript:alert(1)"}), "BAD_USER_INPUT", "input.redirectUrl"),
		"a question of no words": input("integrationQuery",
			ask(map[string]any{"query": " "}), "INVALID", "input.query"),
		"a question that is too long": input("integrationQuery",
			ask(map[string]any{"query": long}), "INVALID", "input.query"),
		"a limit of none": input("integrationQuery",
			ask(map[string]any{"limit": 0}), "INVALID", "input.limit"),
		"a limit over a hundred": input("integrationQuery",
			ask(map[string]any{"limit": 101}), "INVALID", "input.limit"),
		"a time limit that is too short": input("integrationQuery",
			ask(map[string]any{"timeoutMs": 99}), "INVALID", "input.timeoutMs"),
		"a time limit that is too long": input("integrationQuery",
			ask(map[string]any{"timeoutMs": 30001}), "INVALID", "input.timeoutMs"),
		"a zone that is none": input("integrationQuery",
			ask(map[string]any{"timezone": "Mars/Olympus"}), "INVALID", "input.timezone"),
		"a question for a user of another": input("integrationQuery",
			ask(map[string]any{"userId": w.foreign["user"]}), "NOT_FOUND", "input.userId", "audit_events"),
		"a personality of another, asking": input("integrationQuery",
			ask(map[string]any{"personalityId": w.foreign["personality"]}),
			"NOT_FOUND", "input.personalityId", "audit_events"),
		"a conversation that is no id": input("integrationQuery",
			ask(map[string]any{"conversationId": "user_" + madeUp}), "INVALID", "input.conversationId"),
		"a capability that is none": input("integrationInvoke",
			call(map[string]any{"capability": "nosuch"}), "NOT_FOUND", "input.capability", "audit_events"),
		"a capability without a name": input("integrationInvoke",
			call(map[string]any{"capability": ""}), "INVALID", "input.capability"),
		"an argument that is none": input("integrationInvoke",
			call(map[string]any{"arguments": map[string]any{"nosuch": mark}}),
			"INVALID", "input.arguments.nosuch", "audit_events"),
		"arguments that nest too deep": input("integrationInvoke",
			call(map[string]any{"arguments": map[string]any{"a": nested(20)}}), "INVALID", "input.arguments", "audit_events"),
		"arguments that are too much": input("integrationInvoke",
			call(map[string]any{"arguments": map[string]any{"a": strings.Repeat("x", 65<<10)}}),
			"INVALID", "input.arguments", "audit_events"),
		"arguments that are a list": input("integrationInvoke",
			call(map[string]any{"arguments": []any{mark}}), "BAD_USER_INPUT", "input.arguments"),
		"a key of no characters": input("integrationInvoke",
			call(map[string]any{"idempotencyKey": ""}), "INVALID", "input.idempotencyKey"),
		"a key that is too long": input("integrationInvoke",
			call(map[string]any{"idempotencyKey": strings.Repeat(mark, 30)}), "INVALID", "input.idempotencyKey"),
		"a key on two lines": input("integrationInvoke",
			call(map[string]any{"idempotencyKey": "a\n" + mark}), "INVALID", "input.idempotencyKey"),
		"a call for a user of another": input("integrationInvoke",
			call(map[string]any{"userId": w.foreign["user"]}), "NOT_FOUND", "input.userId", "audit_events"),
		"a write without its scope": input("integrationInvoke", call(map[string]any{
			"integrationId": w.calendar["html"], "capability": "create_event",
		}), "MISSING_SCOPES", "", "audit_events"),
		"a call that takes too long": input("integrationInvoke",
			call(map[string]any{"timeoutMs": 30001}), "INVALID", "input.timeoutMs"),
		"a personality twice": input("integrationSetPersonalityAccess",
			map[string]any{"integrationId": w.webhook["html"], "access": []any{
				map[string]any{"personalityId": w.personality, "allowed": true},
				map[string]any{"personalityId": w.personality, "allowed": false},
			}},
			"INVALID", "input.access.1.personalityId"),
		"a personality without a name": input("personalityCreate",
			map[string]any{"name": ""}, "INVALID", "input.name"),
		"a key without scopes": input("apiKeyCreate",
			map[string]any{"name": "x", "scopes": []string{}}, "INVALID", "input.scopes"),
		"a key that has ended": input("apiKeyCreate",
			map[string]any{"name": "x", "scopes": []string{"ADMIN"}, "expiresAt": "2020-01-01T00:00:00Z"},
			"INVALID", "input.expiresAt"),
		"an external id that is taken": input("userCreate",
			map[string]any{"externalId": "ada"}, "TAKEN", "input.externalId"),
		"an external id of no characters": input("userCreate",
			map[string]any{"externalId": ""}, "INVALID", "input.externalId"),
		"an external id with a zero byte": input("userCreate",
			map[string]any{"externalId": "a\x00b"}, "INVALID", "input.externalId"),
		"metadata that are too much": input("userCreate",
			map[string]any{"metadata": map[string]any{"x": strings.Repeat("x", 17<<10)}}, "INVALID", "input.metadata"),
		"metadata that are a list": input("userCreate",
			map[string]any{"metadata": []int{1}}, "BAD_USER_INPUT", "input.metadata"),
		"a filter of metadata that is a list": read(
			`{ users(filter: {metadata: {a: [1]}}) { totalCount } }`, "filter.metadata.a"),

		"no page":               read(`{ users(first: 0) { totalCount } }`, "first"),
		"a page over a hundred": read(`{ users(first: 101) { totalCount } }`, "first"),
		"a nested page":         read(`{ users { nodes { integrations(last: 101) { totalCount } } } }`, "last"),
		"a page from both ends": read(`{ integrations(first: 1, last: 1) { totalCount } }`, "last"),
		"a cursor that is none": read(`{ auditEvents(after: "`+mark+`") { totalCount } }`, "after"),
		"a cursor to nowhere":   read(`{ users(before: "") { totalCount } }`, "before"),
		"too many ids":          read(`{ nodes(ids: [`+strings.Repeat(`"user_`+madeUp+`" `, 101)+`]) { id } }`, "ids"),
		"an id that is none":    read(`{ node(id: "`+mark+`") { id } }`, "id"),
		"an id of another kind": read(`{ user(id: "int_`+madeUp+`") { id } }`, "id"),
		"an id of SQL":          read(`{ user(id: "user_' or 1=1 --") { id } }`, "id"),
		"an id of another filter": read(
			`{ auditEvents(filter: {integrationId: "user_`+madeUp+`"}) { totalCount } }`, "filter.integrationId"),
	}
	// Ids of the wrong kind, and of another company, wherever a mutation takes one.
	for field, at := range map[string]string{
		"userUpdate": "id", "userDelete": "id", "integrationUpdate": "id", "integrationDisconnect": "id",
		"integrationRefresh": "id", "integrationCheckHealth": "id", "integrationConnect": "userId", "integrationCreate": "userId",
	} {
		kind, prefix, wrong := "integration", "int_", "user_"+madeUp
		if strings.HasPrefix(field, "user") || at == "userId" {
			kind, prefix, wrong = "user", "user_", "int_"+madeUp
		}
		in := func(id string) map[string]any {
			in := map[string]any{at: id}
			switch field {
			case "integrationConnect":
				in["provider"] = "google_calendar"
			case "integrationCreate":
				in = w.hook(nil)
				in[at] = id
			}
			return in
		}
		all[field+" of another kind"] = input(field, in(wrong), "INVALID", "input."+at)
		all[field+" of another company"] = input(field, in(w.foreign[kind]), "NOT_FOUND", "input."+at)
		all[field+" of nobody"] = input(field, in(prefix+madeUp), "NOT_FOUND", "input."+at)
	}
	for _, key := range sqlKeys {
		all["metadata under the key "+key] = input("userCreate",
			map[string]any{"metadata": map[string]any{key: "x"}}, "INVALID", "input.metadata")
		all["metadata, changed, under the key "+key] = input("userUpdate",
			map[string]any{"id": w.ada, "metadata": map[string]any{key: "x"}}, "INVALID", "input.metadata")
	}
	for id, at := range map[string]string{"int_" + madeUp: "of nobody", w.foreign["integration"]: "of another company"} {
		all["integrationInvoke "+at] = input("integrationInvoke",
			call(map[string]any{"integrationId": id}), "NOT_FOUND", "input.integrationId")
	}
	for _, answer := range badAnswers {
		all["a webhook's answer to a call: "+answer] = input("integrationInvoke",
			call(map[string]any{"integrationId": w.webhook[answer]}), "PROVIDER_FAILED", "", question...)
		all["a webhook's answer: "+answer] = input("integrationQuery",
			ask(map[string]any{"integrationId": w.webhook[answer]}), "PROVIDER_FAILED", "", question...)
		all["a calendar's answer: "+answer] = input("integrationQuery", map[string]any{
			"integrationId": w.calendar[answer], "query": "what meetings do i have tomorrow",
		}, "PROVIDER_FAILED", "", question...)
	}
	return all
}

// nested returns a list in a list, so many times.
func nested(times int) any {
	var v any = mark
	for range times {
		v = []any{v}
	}
	return v
}
