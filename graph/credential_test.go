package graph_test

import (
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/viewer"
)

// newCredential makes an active credential of an integration that ends after some hours.
func (e *env) newCredential(i *ent.Integration, company string, hours int, renews bool) *ent.Credential {
	e.t.Helper()
	ctx := e.ctxOf(company)
	create := e.store.Client(ctx).Credential.Create().SetID(e.newID(id.Credential)).SetIntegrationID(i.ID).
		SetNillableUserID(i.UserID).SetProvider(i.Provider).SetAuthKind("OAUTH2").SetState("active").
		SetAccessToken(seal.Sealed("never shown")).SetExpiresAt(e.now().Add(time.Duration(hours) * time.Hour)).
		SetCreatedAt(e.now()).SetUpdatedAt(e.now())
	if renews {
		create.SetRefreshToken(seal.Sealed("never shown"))
	}
	row, err := create.Save(ctx)
	if err != nil {
		e.t.Fatal(err)
	}
	return row
}

const expiring = `query($hours: Int!, $self: Boolean!, $first: Int, $after: String) {
	expiringCredentials(withinHours: $hours, includeSelfRenewing: $self, first: $first, after: $after) {
		nodes { expiresAt renewsItself integration { name user { externalId } } }
		edges { cursor } pageInfo { hasNextPage hasPreviousPage endCursor } totalCount } }`

func TestCredentialsThatEndAreListedSoonestFirst(t *testing.T) {
	both(t, func(t *testing.T, e *env) {
		ada := e.newUser(e.ctx(), "ada", nil)
		named := func(name string, hours int, renews bool) {
			i := e.newIntegration(e.ctx(), &ada.ID, name)
			e.newCredential(i, e.company, hours, renews)
		}
		named("third", 48, false)
		named("late", -1, false)
		named("second", 2, false)
		named("renewed", 1, true)
		named("far", 100, false)
		other := e.newCompany("Other")
		e.newCredential(e.newIntegration(e.ctxOf(other), nil, "theirs"), other, 1, false)
		ended := e.newCredential(e.newIntegration(e.ctx(), nil, "ended"), e.company, 1, false)
		e.store.Client(e.ctx()).Credential.UpdateOne(ended).SetState("expired").ExecX(e.ctx())

		names := func(r *reply) []string {
			var out []string
			for n := range r.at("expiringCredentials", "nodes").([]any) {
				out = append(out, r.at("expiringCredentials", "nodes", n, "integration", "name").(string))
			}
			return out
		}
		ask := map[string]any{"hours": 72, "self": false}
		r := e.must("acme", expiring, ask)
		same(t, "within 72 hours", names(r), []string{"late", "second", "third"})
		if r.at("expiringCredentials", "totalCount") != 3.0 ||
			r.at("expiringCredentials", "nodes", 0, "integration", "user", "externalId") != "ada" {
			t.Error(r.body)
		}
		ask["self"] = true
		same(t, "with those that renew", names(e.must("acme", expiring, ask)), []string{"late", "renewed", "second", "third"})

		var paged []string
		ask["first"] = 1
		for more := true; more; {
			r := e.must("acme", expiring, ask)
			if got := r.at("expiringCredentials", "pageInfo", "hasPreviousPage"); got != (len(paged) > 0) {
				t.Errorf("page %d: hasPreviousPage %v", len(paged), got)
			}
			paged = append(paged, names(r)...)
			ask["after"] = r.at("expiringCredentials", "pageInfo", "endCursor")
			more = r.at("expiringCredentials", "pageInfo", "hasNextPage").(bool)
		}
		same(t, "page by page", paged, []string{"late", "renewed", "second", "third"})

		e.as("ada", viewer.Viewer{Company: e.company, User: e.newUser(e.ctx(), "eve", nil).ID, Scopes: viewer.Scopes})
		same(t, "another user's", names(e.must("ada", expiring, map[string]any{"hours": 72, "self": true})), nil)
		for name, wrong := range map[string]map[string]any{
			"no hours":       {"hours": 0, "self": false},
			"too many hours": {"hours": 9000, "self": false},
			"another list's": {"hours": 1, "self": false, "after": "MS51c2VyKy51c2VyXzAx"},
			"too many":       {"hours": 1, "self": false, "first": 101},
		} {
			if r := e.do("acme", expiring, wrong); r.code() != "BAD_USER_INPUT" {
				t.Errorf("%s: %s", name, r.body)
			}
		}
	})
}
