package catalog_test

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/provider/catalog"
)

// namesCost is how many requests a question costs for names alone, at most. All others get them with the answer.
var namesCost = map[string]int{
	"hubspot.search_contacts":       2, // owners; stages, where some are the account's own
	"hubspot.search_deals":          2, // owners; pipelines and their stages
	"hubspot.search_tickets":        2,
	"intercom.get_conversation":     1, // all who work there
	"intercom.list_conversations":   1,
	"intercom.search_contacts":      1,
	"intercom.search_conversations": 1,
	"slack.channel_history":         provider.MaxNameRequests, // one for each person
	"slack.search_messages":         provider.MaxNameRequests,
}

func TestNamesCostFewRequestsHoweverManyPagesThereAre(t *testing.T) {
	t.Parallel()
	got := map[string]int{}
	for _, p := range known(t).All() {
		fixtures, findings := provider.Fixtures(catalog.FS, p.Name)
		if len(findings) > 0 {
			t.Fatal(findings)
		}
		for _, f := range fixtures {
			for _, c := range p.CapabilitiesFor(f.Input.Config, nil) {
				if c.Name != f.Shows || len(c.Names) == 0 || f.Answer.Body == nil {
					continue
				}
				answer := answered(f.Answer.Body)
				one := cost(t, c, f.Input.Build(), answer)
				if again := cost(t, c, f.Input.Build(), answer, answer, answer); again != one {
					t.Errorf("%s: %s: %d requests for a page, %d for three", p.Name, f, one, again)
				}
				got[p.Name+"."+c.Name] = max(got[p.Name+"."+c.Name], one)
			}
		}
	}
	for name, n := range namesCost {
		if n == provider.MaxNameRequests && got[name] > 0 { // the fixtures have fewer people
			got[name] = n
		}
	}
	if d := cmp.Diff(namesCost, got); d != "" {
		t.Error(d)
	}
}

func cost(t *testing.T, c *provider.Capability, in provider.Input, answers ...provider.Response) (n int) {
	t.Helper()
	for _, q := range must(c.Inquiries(t.Context(), in, answers, nil)) {
		n += len(q.Requests)
	}
	return n
}

func TestAFieldIsThereWithAndWithoutNames(t *testing.T) {
	t.Parallel()
	compared := 0
	for _, p := range known(t).All() {
		fixtures, _ := provider.Fixtures(catalog.FS, p.Name)
		for _, f := range fixtures {
			for _, c := range p.CapabilitiesFor(f.Input.Config, nil) {
				if c.Name != f.Shows || len(f.Names) == 0 {
					continue
				}
				in, answer := f.Input.Build(), answered(f.Answer.Body)
				bare := must(c.Map(t.Context(), in, answer)).Results
				in.Names = namesIn(t, c, f)
				for i, r := range must(c.Map(t.Context(), in, answer)).Results {
					for name := range r.Fields {
						if bare[i].Fields[name] == nil {
							t.Errorf("%s: %s: without names results[%d] has no %s", p.Name, f, i, name)
						}
					}
				}
				compared++
			}
		}
	}
	if compared < len(namesCost) {
		t.Errorf("%d fixtures were compared", compared)
	}
}

// namesIn returns the names that a fixture shows.
func namesIn(t *testing.T, c *provider.Capability, f provider.Fixture) map[string]string {
	t.Helper()
	out, sent := map[string]string{}, 0
	for _, q := range must(c.Inquiries(t.Context(), f.Input.Build(), []provider.Response{answered(f.Answer.Body)}, nil)) {
		for range q.Requests {
			if sent < len(f.Names) && succeeded(f.Names[sent].Answer) {
				maps.Copy(out, must(q.Read(t.Context(), f.Input.Build(), answered(f.Names[sent].Answer.Body))))
			}
			sent++
		}
	}
	return out
}
