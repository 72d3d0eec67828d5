package store_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/ent/user"
	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
	"github.com/patchbay/patchbay/internal/viewer"
)

// everyMode runs a test on both databases, and on PostgreSQL the way it is spoken to through a pooler as well.
func everyMode(t *testing.T, fn func(t *testing.T, s *store.Store)) {
	t.Helper()
	storetest.Run(t, fn)
	t.Run("PostgreSQL behind a pooler", func(t *testing.T) {
		t.Parallel()
		url := storetest.Postgres(t)
		fn(t, storetest.Open(t, store.Options{URL: url + "&pooler=transaction", ListenURL: url}))
	})
}

func TestEveryKindOfColumnComesBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	everyMode(t, func(t *testing.T, s *store.Store) {
		ctx := viewer.System(t.Context())
		east := time.FixedZone("east", 5*3600+1800)
		object := column.Object{"text": `"quoted" 'single' ☃ {}`, "number": 1.5, "list": []any{"a", nil, true},
			"deep": column.Object{"er": map[string]any{}}}
		sealed := seal.Sealed{0, 1, 0xff, '\\', 'x', 0}
		c := s.Client(ctx).Credential.Create().SetID("cred_1").SetCompanyID("co_a").SetProvider("p").SetAuthKind("OAUTH2").
			SetState("active").SetScopes(column.Strings{"a b", "c"}).SetAccessToken(sealed).
			SetExpiresAt(noon.In(east)).SetCreatedAt(noon).SetUpdatedAt(noon).SaveX(ctx)
		for range 3 {
			got := s.Client(ctx).Credential.GetX(ctx, c.ID)
			if !got.ExpiresAt.Equal(noon) || got.ExpiresAt.Location() != time.UTC {
				t.Errorf("time: got %v", got.ExpiresAt)
			}
			if !bytes.Equal(got.AccessToken, sealed) || got.RefreshToken != nil {
				t.Errorf("sealed: got %x and %x", []byte(got.AccessToken), []byte(got.RefreshToken))
			}
			if diff := cmp.Diff(column.Strings{"a b", "c"}, got.Scopes); diff != "" {
				t.Error(diff)
			}
		}
		for _, id := range []string{"user_1", "user_2"} {
			s.Client(ctx).User.Create().SetID(id).SetCompanyID("co_a").SetMetadata(object).SetCreatedAt(noon).
				SetUpdatedAt(noon).ExecX(ctx)
		}
		s.Client(ctx).User.UpdateOneID("user_2").SetMetadata(column.Object{}).ExecX(ctx)
		want := column.Object{"text": `"quoted" 'single' ☃ {}`, "number": 1.5, "list": []any{"a", nil, true},
			"deep": map[string]any{"er": map[string]any{}}}
		if diff := cmp.Diff(want, s.Client(ctx).User.GetX(ctx, "user_1").Metadata); diff != "" {
			t.Error(diff)
		}
		if n := s.Client(ctx).User.Query().Where(user.CreatedAt(noon.In(east))).CountX(ctx); n != 2 {
			t.Errorf("a time of another zone finds %d of 2 rows", n)
		}
		if n := s.Client(ctx).User.Query().Where(user.CreatedAtLT(noon.Add(time.Microsecond).In(east))).CountX(ctx); n != 2 {
			t.Errorf("before a time of another zone are %d of 2 rows", n)
		}
	})
}
