package store_test

import (
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/column"
	"github.com/patchbay/patchbay/internal/store"
	"github.com/patchbay/patchbay/internal/store/storetest"
	"github.com/patchbay/patchbay/internal/viewer"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 123456000, time.UTC)

func TestARowComesBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		ctx := viewer.System(t.Context())
		s.Client(ctx).Company.Create().SetID("co_a").SetName("A").SetCreatedAt(noon).ExecX(ctx)
		s.Client(ctx).User.Create().SetID("user_a").SetCompanyID("co_a").SetCreatedAt(noon).SetUpdatedAt(noon).
			SetMetadata(column.Object{"plan": "pro", "seats": 3.0}).ExecX(ctx)
		u := s.Client(ctx).User.GetX(ctx, "user_a")
		if !u.CreatedAt.Equal(noon) || u.CreatedAt.Location() != time.UTC || u.Metadata["plan"] != "pro" {
			t.Fatalf("got %v %v", u.CreatedAt, u.Metadata)
		}
	})
}
