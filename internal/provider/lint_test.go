package provider_test

import (
	"testing"

	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/provider/catalog"
)

func TestTheBuiltInManifestsAreCleanAndTheirFixturesReplay(t *testing.T) {
	t.Parallel()
	for _, f := range provider.Lint(catalog.FS) {
		t.Error(f.Error())
	}
}
