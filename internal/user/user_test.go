package user_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/access"
	"github.com/patchbay/patchbay/internal/audit"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
	"github.com/patchbay/patchbay/internal/user"
	"github.com/patchbay/patchbay/internal/viewer"
)

func newService(t *testing.T, s *store.Store) (*user.Service, context.Context) {
	t.Helper()
	now := func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
	newID := id.NewSource(now).New
	trail := &audit.Service{Store: s, Now: now, NewID: newID}
	company, err := (&access.Service{Store: s, Audit: trail, Now: now, NewID: newID}).CreateCompany(t.Context(), "Acme")
	if err != nil {
		t.Fatal(err)
	}
	service := &user.Service{Store: s, Audit: trail, Now: now, NewID: newID}
	return service, viewer.With(t.Context(), viewer.Viewer{Company: company.ID, Actor: "key_test", Scopes: viewer.Scopes})
}

func create(t *testing.T, s *user.Service, ctx context.Context, externalID string, metadata map[string]any) *ent.User {
	t.Helper()
	row, err := s.Create(ctx, user.CreateInput{ExternalID: &externalID, Metadata: metadata})
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func TestAnExternalIDIsTakenOnceInACompany(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		service, ctx := newService(t, s)
		_, other := newService(t, s)
		create(t, service, ctx, "ada", nil)
		create(t, service, other, "ada", nil)
		ada := "ada"
		_, err := service.Create(ctx, user.CreateInput{ExternalID: &ada})
		if !problem.Is(err, problem.Taken) || problem.All(err)[0].Field[1] != "externalId" {
			t.Errorf("a second ada: %v", err)
		}
		bob := create(t, service, ctx, "bob", nil)
		if _, err := service.Update(ctx, user.UpdateInput{ID: bob.ID, SetExternalID: true, ExternalID: &ada}); !problem.Is(err, problem.Taken) {
			t.Errorf("bob becomes ada: %v", err)
		}
		if n := s.Client(ctx).AuditEvent.Query().CountX(ctx); n != 2 {
			t.Errorf("%d audit events, want one for each user that was made", n)
		}
	})
}

func TestMetadataIsMergedKeyByKey(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		service, ctx := newService(t, s)
		row := create(t, service, ctx, "ada", map[string]any{"plan": "free", "seats": 2.0, "gone": true})
		row, err := service.Update(ctx, user.UpdateInput{ID: row.ID, Metadata: map[string]any{"plan": "premium", "gone": nil}})
		if err != nil {
			t.Fatal(err)
		}
		if row.Metadata["plan"] != "premium" || row.Metadata["seats"] != 2.0 || len(row.Metadata) != 2 || *row.ExternalID != "ada" {
			t.Errorf("user = %v %v", row.Metadata, row.ExternalID)
		}
		row, err = service.Update(ctx, user.UpdateInput{ID: row.ID, SetExternalID: true})
		if err != nil || row.ExternalID != nil {
			t.Errorf("clearing the external id: %v, %v", row, err)
		}
	})
}

func TestMergesSideBySideLoseNothing(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		service, ctx := newService(t, s)
		row := create(t, service, ctx, "ada", nil)
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				key := "k" + string(rune('a'+i))
				if _, err := service.Update(ctx, user.UpdateInput{ID: row.ID, Metadata: map[string]any{key: 1.0}}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := s.Client(ctx).User.GetX(ctx, row.ID).Metadata; len(got) != 20 {
			t.Errorf("%d keys are left of 20", len(got))
		}
	})
}

func nested(levels int) any {
	v := any(1.0)
	for range levels {
		v = []any{v}
	}
	return v
}

func TestBadInputChangesNothing(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		service, ctx := newService(t, s)
		_, foreign := newService(t, s)
		theirs := create(t, service, foreign, "eve", nil)
		empty, long := "", strings.Repeat("x", 256)
		for name, in := range map[string]user.CreateInput{
			"an empty external id":        {ExternalID: &empty},
			"a long external id":          {ExternalID: &long},
			"a key that looks like SQL":   {Metadata: map[string]any{`x' , 1) OR 1=1 --`: 1.0}},
			"a key with a quote":          {Metadata: map[string]any{`a"b`: 1.0}},
			"an empty key":                {Metadata: map[string]any{"": 1.0}},
			"a NUL":                       {Metadata: map[string]any{"a": "x\x00y"}},
			"too much":                    {Metadata: map[string]any{"a": strings.Repeat("x", 17<<10)}},
			"a number without end":        {Metadata: map[string]any{"a": []any{json.Number("1e400")}}},
			"an abyss":                    {Metadata: map[string]any{"a": nested(100)}},
			"a value that cannot be JSON": {Metadata: map[string]any{"a": func() {}}},
		} {
			if _, err := service.Create(ctx, in); !problem.Is(err, problem.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, id := range map[string]string{
			"another company's": theirs.ID, "nobody's": "user_" + strings.Repeat("0", 26),
		} {
			_, err := service.Update(ctx, user.UpdateInput{ID: id, Metadata: map[string]any{"a": 1.0}})
			if !problem.Is(err, problem.NotFound) {
				t.Errorf("updating %s user: %v", name, err)
			}
			if _, err := service.Delete(ctx, id); !problem.Is(err, problem.NotFound) {
				t.Errorf("deleting %s user: %v", name, err)
			}
		}
		if _, err := service.Update(ctx, user.UpdateInput{ID: "int_" + theirs.ID[5:]}); !problem.Is(err, problem.Invalid) {
			t.Errorf("an id of the wrong kind: %v", err)
		}
		if n := s.Client(ctx).User.Query().CountX(ctx); n != 0 {
			t.Errorf("%d users were made", n)
		}
	})
}
