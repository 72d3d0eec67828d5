package provider_test

import (
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/provider/catalog"
)

func TestThePageTellsAllThatPeopleAskAboutAProvider(t *testing.T) {
	t.Parallel()
	c, err := provider.Load(catalog.FS)
	if err != nil {
		t.Fatal(err)
	}
	page := c.Markdown()
	for _, p := range c.All() {
		_, section, ok := strings.Cut(page, "\n## "+p.Name+"\n")
		section, _, _ = strings.Cut(section, "\n## ")
		if !ok {
			t.Errorf("the page has no %s", p.Name)
			continue
		}
		for _, kind := range p.AuthKinds() {
			if !strings.Contains(section, "`"+kind+"`") {
				t.Errorf("%s: nothing about %s", p.Name, kind)
			}
			for name := range p.ConfigSchema(kind)["properties"].(map[string]any) {
				if !strings.Contains(section, "| `"+name+"` |") {
					t.Errorf("%s: nothing about the config %s", p.Name, name)
				}
			}
		}
		for _, capability := range p.Capabilities {
			if !strings.Contains(section, "| `"+capability.Name+"` |") {
				t.Errorf("%s: nothing about %s", p.Name, capability.Name)
			}
			for _, question := range capability.Examples {
				if !strings.Contains(section, question) {
					t.Errorf("%s: the example %q is missing", p.Name, question)
				}
			}
		}
		for _, line := range strings.Split(section, "\n") {
			if strings.HasPrefix(line, "|") && strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") > 5 {
				t.Errorf("%s: a row has too many cells: %s", p.Name, line)
			}
		}
	}
}
