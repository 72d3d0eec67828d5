package provider_test

import (
	"slices"
	"testing"

	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/provider/catalog"
)

func TestTakesNamesWhatARequestUsesOfTheQuestion(t *testing.T) {
	t.Parallel()
	c, err := provider.Load(catalog.FS)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		"list_events": {"window"}, "search_events": {"people", "text", "window"}, "free_busy": {"window"},
		"search_messages": {"people", "text", "window"},
	}
	for _, p := range c.All() {
		for _, capability := range p.Capabilities {
			w, ok := want[capability.Name]
			if got := capability.Takes(); ok && !slices.Equal(got, w) {
				t.Errorf("%s %s takes %v, want %v", p.Name, capability.Name, got, w)
			}
			delete(want, capability.Name)
		}
	}
	if len(want) > 0 {
		t.Errorf("not in the catalog: %v", want)
	}
}
