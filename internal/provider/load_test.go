package provider_test

import (
	"testing"

	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/provider/catalog"
)

func TestTheBuiltInManifestsLoad(t *testing.T) {
	t.Parallel()
	c, err := provider.Load(catalog.FS)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.All()) == 0 {
		t.Fatal("there are no providers")
	}
}
