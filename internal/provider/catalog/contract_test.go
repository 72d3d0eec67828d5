package catalog_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/provider/catalog"
)

// contract says what a vendor publishes and how the fixtures are compared with it: testdata/specs/NAME/contract.yaml.
type contract struct {
	// OpenAPI and GraphQL are the vendor's descriptions; None is the reason why there is neither.
	OpenAPI []string `yaml:"openapi"`
	GraphQL string   `yaml:"graphql"`
	None    string   `yaml:"none"`
	// From is the base of the fixtures' addresses that stands for To, which the description has.
	From string `yaml:"from"`
	To   string `yaml:"to"`
	// Examples are answers that the vendor publishes.
	Examples []example `yaml:"examples"`
	// Inconsistencies are the faults of the vendor's own description, with the reason why they are not ours.
	Inconsistencies []*inconsistency `yaml:"inconsistencies"`

	dir string
}

type inconsistency struct {
	Where  string `yaml:"where"`
	Reason string `yaml:"reason"`
	met    bool
}

// described checks requests and their answers against a vendor's description.
type described interface {
	// exchange returns every fault, one error each; c is nil for a probe and an account.
	exchange(t *testing.T, r *provider.Request, a provider.Answer, c *provider.Capability) []error
}

func TestRequestsAndAnswersAreWhatTheVendorDescribes(t *testing.T) {
	t.Parallel()
	for _, p := range known(t).All() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			v := &vendor{provider: p, contract: readContract(t, p.Name)}
			v.described = v.contract.open(t, p)
			fixtures, findings := provider.Fixtures(catalog.FS, p.Name)
			if len(findings) > 0 {
				t.Fatal(findings)
			}
			for _, f := range fixtures {
				t.Run(f.String(), func(t *testing.T) { v.check(t, f) })
			}
			for _, e := range v.contract.Examples {
				t.Run(e.File+" "+e.At, func(t *testing.T) { v.example(t, e) })
			}
			for _, i := range v.contract.Inconsistencies {
				if !i.met || i.Reason == "" {
					t.Errorf("contract.yaml: nothing is inconsistent in the way of %q, or the reason is missing", i.Where)
				}
			}
		})
	}
}

func known(t *testing.T) *provider.Catalog {
	t.Helper()
	c, err := provider.Load(catalog.FS)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func readContract(t *testing.T, name string) *contract {
	t.Helper()
	c := &contract{dir: filepath.Join("testdata", "specs", name)}
	text, err := os.ReadFile(filepath.Join(c.dir, "contract.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalWithOptions(text, c, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *contract) open(t *testing.T, p *provider.Provider) described {
	t.Helper()
	switch {
	case len(c.OpenAPI) > 0:
		return openOpenAPI(t, c, p)
	case c.GraphQL != "":
		return openGraphQL(t, c)
	case c.None == "":
		t.Fatal("contract.yaml: name a description, or the reason why there is none")
	}
	return undescribed{}
}

// undescribed is a vendor who publishes nothing.
type undescribed struct{}

func (undescribed) exchange(*testing.T, *provider.Request, provider.Answer, *provider.Capability) []error {
	return nil
}

type vendor struct {
	provider  *provider.Provider
	contract  *contract
	described described
}

// check renders what the fixture asks, by the real engine, and validates it and the answer.
func (v *vendor) check(t *testing.T, f provider.Fixture) {
	in := f.Input.Build()
	switch f.Shows {
	case provider.ShowsAccount:
		v.exchange(t, must(v.provider.Account.NewRequest(t.Context(), in)), f.Answer, nil)
	case provider.ShowsProbeGood, provider.ShowsProbeBad:
		v.exchange(t, must(v.provider.Probe.NewRequest(t.Context(), in)), f.Answer, nil)
	}
	for _, c := range v.provider.CapabilitiesFor(in.Config, nil) {
		if c.Name != f.Shows {
			continue
		}
		sent := 0
		in.Lookup, _ = c.LookUp(t.Context(), in, func(_ context.Context, r *provider.Request) (provider.Response, error) {
			if sent == len(f.Lookup) {
				t.Fatalf("no exchange of the lookup describes %s", r.Summary())
			}
			answer := f.Lookup[sent].Answer
			sent++
			v.exchange(t, r, answer, nil)
			if !succeeded(answer) {
				return provider.Response{}, provider.ErrNotThere
			}
			return provider.Response{Status: 200, Body: must(json.Marshal(answer.Body))}, nil
		})
		if f.Refused != "" {
			continue
		}
		v.exchange(t, must(c.Request(t.Context(), in)), f.Answer, c)
		v.names(t, c, in, f)
		if c.Each == nil || !succeeded(f.Answer) {
			continue
		}
		page := must(c.Map(t.Context(), in, provider.Response{Status: 200, Body: must(json.Marshal(f.Answer.Body))}))
		for i, item := range page.Items {
			in.Item = item
			v.exchange(t, must(c.Each.Request(t.Context(), in)), f.Each[i].Answer, c)
		}
	}
}

// names checks the requests that tell the names behind the ids in an answer.
func (v *vendor) names(t *testing.T, c *provider.Capability, in provider.Input, f provider.Fixture) {
	t.Helper()
	if !succeeded(f.Answer) || len(c.Names) == 0 {
		return
	}
	sent := 0
	for _, q := range must(c.Inquiries(t.Context(), in, []provider.Response{answered(f.Answer.Body)}, nil)) {
		for _, r := range q.Requests {
			if sent < len(f.Names) { // of those that were refused the others are not sent
				v.exchange(t, r, f.Names[sent].Answer, nil)
				sent++
			}
		}
	}
}

func (v *vendor) exchange(t *testing.T, r *provider.Request, a provider.Answer, c *provider.Capability) {
	t.Helper()
	if rest, ok := strings.CutPrefix(r.URL, v.contract.From); ok && v.contract.From != "" {
		r.URL = v.contract.To + rest
	}
	v.report(t, r.Summary(), v.described.exchange(t, r, a, c))
}

// report fails for every fault that contract.yaml does not explain.
func (v *vendor) report(t *testing.T, what string, faults []error) {
	t.Helper()
next:
	for _, fault := range faults {
		for _, i := range v.contract.Inconsistencies {
			if strings.Contains(fault.Error(), i.Where) {
				i.met = true
				continue next
			}
		}
		t.Errorf("%s: %v", what, fault)
	}
}

// succeeded reports whether an answer of a fixture has a status of success.
func succeeded(a provider.Answer) bool { return a.Status == 0 || a.Status >= 200 && a.Status < 300 }

// example is an answer that a vendor publishes, and what comes of it.
type example struct {
	File string `yaml:"file"`
	// At leads to the answer in the file's `responses`: a status, and a name where one status has several.
	At string `yaml:"at"`
	// Shows is the capability that reads it, or `account`, or empty for an answer that is only classified.
	Shows string         `yaml:"shows"`
	Input provider.Given `yaml:"input"`
	// Verdict must be how it is classified; empty means ok.
	Verdict provider.VerdictKind `yaml:"verdict"`
	// Results is how many things it holds.
	Results int `yaml:"results"`
	// Fields must be what the first of them has.
	Fields map[string]any `yaml:"fields"`
}

func (v *vendor) example(t *testing.T, e example) {
	status, body := v.read(t, e)
	answer := provider.Response{Status: status, Body: must(json.Marshal(body))}
	want := e.Verdict
	if want == "" {
		want = provider.OK
	}
	if got := v.provider.Classify(answer); got.Kind != want {
		t.Fatalf("classified as %s, want %s", got.Kind, want)
	}
	if e.Shows == "" || want != provider.OK {
		return
	}
	in := e.Input.Build()
	if e.Shows == provider.ShowsAccount {
		if _, err := v.provider.Account.Read(t.Context(), in, answer); err != nil {
			t.Error(err)
		}
		return
	}
	for _, c := range v.provider.CapabilitiesFor(in.Config, nil) {
		if c.Name != e.Shows {
			continue
		}
		operation := &c.Operation
		if c.Each != nil {
			operation = c.Each
		}
		page, err := operation.Map(t.Context(), in, answer)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Results) != e.Results {
			t.Errorf("%d results, want %d", len(page.Results), e.Results)
		}
		for i, r := range page.Results {
			if r.Title == "" && r.Content == "" {
				t.Errorf("results[%d] has neither title nor content", i)
			}
			for name, value := range r.Fields {
				if at, ok := value.(time.Time); ok && (at.Year() < 2000 || at.Year() > 2100) {
					t.Errorf("results[%d].%s is %s", i, name, at)
				}
			}
			if _, err := json.Marshal(r.Data); err != nil {
				t.Errorf("results[%d].data: %v", i, err)
			}
		}
		for name, want := range e.Fields {
			if len(page.Results) > 0 && present(page.Results[0].Fields[name]) != fmt.Sprint(want) {
				t.Errorf("results[0].%s is %v, want %v", name, present(page.Results[0].Fields[name]), want)
			}
		}
		return
	}
	t.Fatalf("there is no capability named %q", e.Shows)
}

// present writes a field as contract.yaml does.
func present(v any) string {
	if at, ok := v.(time.Time); ok {
		return at.UTC().Format(time.RFC3339)
	}
	return fmt.Sprint(v)
}

func (v *vendor) read(t *testing.T, e example) (status int, body any) {
	t.Helper()
	var file struct {
		Responses map[string]any `json:"responses"`
	}
	if err := json.Unmarshal(must(os.ReadFile(filepath.Join(v.contract.dir, e.File))), &file); err != nil {
		t.Fatal(err)
	}
	body = file.Responses
	for part := range strings.SplitSeq(e.At, ".") {
		fields, ok := body.(map[string]any)
		if body = fields[part]; !ok || body == nil {
			t.Fatalf("%s has no %s", e.File, e.At)
		}
	}
	if _, err := fmt.Sscanf(e.At, "%d", &status); err != nil {
		t.Fatalf("%s does not begin with a status", e.At)
	}
	return status, body
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
