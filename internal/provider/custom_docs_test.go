package provider_test

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"

	"github.com/patchbay/patchbay/internal/provider"
)

func TestThePageAboutCustomAPIsWorksAsItStands(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/custom-api.md")
	if err != nil {
		t.Fatal(err)
	}
	p := builtin(t, "custom_api")
	blocks := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllSubmatch(text, -1)
	if len(blocks) != 2 {
		t.Fatalf("%d examples", len(blocks))
	}
	for _, block := range blocks {
		var config map[string]any
		if err := json.Unmarshal(block[1], &config); err != nil {
			t.Fatal(err)
		}
		d, err := p.TakeDescription(config)
		if err != nil {
			t.Fatal(err)
		}
		if d != nil {
			d.Operations = nil
			if err := p.Describe(t.Context(), config, d, []byte(orderDesk)); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.ValidateConfig(provider.APIKey, config); err != nil {
			t.Errorf("%s\n%v", block[1], err)
		}
	}
}
