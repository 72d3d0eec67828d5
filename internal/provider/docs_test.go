package provider_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/provider/catalog"
	"github.com/patchbay/patchbay/internal/seal"
)

func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// blocks returns what stands in a document's code blocks of one language.
func blocks(text, language string) []string {
	var out []string
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

func TestTheStepsForANewProviderWorkAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	yaml := blocks(document(t, "adding-a-provider.md"), "yaml")
	if len(yaml) != 2 {
		t.Fatalf("the document has %d blocks of YAML", len(yaml))
	}
	dir := fstest.MapFS{"tickets.yaml": {Data: []byte(yaml[0])}, "tickets.fixtures.yaml": {Data: []byte(yaml[1])}}
	for _, f := range provider.Lint(dir) {
		t.Error(f.Error())
	}
	c, err := provider.Load(fstest.MapFS{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	p, ok := c.Get("tickets")
	if !ok {
		t.Fatal("the provider is not there")
	}
	r, err := p.Capabilities[0].Request(t.Context(), provider.Input{Text: "printer"})
	if err != nil {
		t.Fatal(err)
	}
	req, err := r.HTTP(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string]seal.Secret{"api_key": seal.NewSecret("tk_12345678")}
	if err := p.Authenticate(req, provider.Credential{Kind: provider.APIKey, Secrets: secrets}); err != nil {
		t.Fatal(err)
	}
	if req.URL.String() != "https://api.tickets.example/v1/desks/main/tickets?limit=20&search=printer" ||
		req.Header.Get("X-Api-Key") != "tk_12345678" {
		t.Errorf("%s %v", req.URL, req.Header)
	}
}

func TestTheSmallerExamplesOfTheStepsAreUnderstood(t *testing.T) {
	t.Parallel()
	text := document(t, "adding-a-provider.md")
	manifest, parts := blocks(text, "yaml")[0], blocks(text, "text")
	derive := regexp.MustCompile("`(derive: '[^`]*)`").FindStringSubmatch(strings.ReplaceAll(text, "\n", " "))
	if len(parts) != 4 || derive == nil {
		t.Fatalf("the document has %d blocks of text, and derives %q", len(parts), derive)
	}
	manifest = strings.Replace(manifest, "    request: |\n", parts[0]+parts[1]+"    request: |\n", 1)
	manifest = strings.Replace(manifest, "auth:\n", "auth:\n  oauth2: { authorize: { url: https://tickets.example/authorize }, "+
		"token: { url: https://tickets.example/token } }\n"+parts[3], 1)
	manifest = strings.Replace(manifest, "base_url:", derive[1]+"\nbase_url:", 1)
	p, findings := provider.Decode("tickets.yaml", []byte(manifest+parts[2]))
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	if !p.Revocable() {
		t.Error("what is granted cannot be taken back")
	}
	r, err := p.Capabilities[0].First(t.Context(), provider.Input{People: []provider.Person{{Name: "Ann", Role: "with"}}})
	if err != nil || r.Summary() != "GET https://api.tickets.example/v1/agents" {
		t.Errorf("%v, %v", r, err)
	}
	asked, err := p.Capabilities[0].Inquiries(t.Context(), provider.Input{}, []provider.Response{answer(`{"tickets":[{"agent":"a 1"}]}`)}, nil)
	if err != nil || len(asked) != 1 || asked[0].Requests[0].Summary() != "GET https://api.tickets.example/v1/agents/a%201" {
		t.Errorf("%v, %v", asked, err)
	}
	r, err = p.Capabilities[1].Request(t.Context(), provider.Input{Arguments: map[string]any{"number": 7}})
	if err != nil || r.Summary() != "PUT https://api.tickets.example/v1/tickets/7/closed" || !p.Capabilities[1].MayRepeat() {
		t.Errorf("%v, %v", r, err)
	}
}

func TestTheExampleOfARevocationIsUnderstood(t *testing.T) {
	t.Parallel()
	revoke := blocks(document(t, "adding-a-provider.md"), "text")[3]
	text, err := fs.ReadFile(catalog.FS, "google_calendar.yaml")
	if err != nil {
		t.Fatal(err)
	}
	own := regexp.MustCompile("(?m)^    revoke: .*\n").ReplaceAll(text, nil)
	manifest := strings.Replace(string(own), "\nauth:\n", "\nauth:\n"+revoke, 1)
	if len(own) == len(text) || len(manifest) == len(own) {
		t.Fatal("google_calendar.yaml is not as it was")
	}
	if _, findings := provider.Decode("google_calendar.yaml", []byte(manifest)); len(findings) > 0 {
		t.Error(findings)
	}
}

func TestTheStepsNameEveryKindOfResult(t *testing.T) {
	t.Parallel()
	text := document(t, "adding-a-provider.md")
	for _, kind := range provider.Kinds() {
		if !strings.Contains(text, "| `"+kind+"` |") {
			t.Errorf("%s is not in the document", kind)
		}
	}
}

func TestTheSignatureIsTheDocumentedOne(t *testing.T) {
	t.Parallel()
	text := document(t, "webhooks.md")
	cell := func(name string) string {
		m := regexp.MustCompile("(?m)^\\| " + name + " \\| `(.*)` \\|$").FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("the document has no %s", name)
		}
		return m[1]
	}
	key, timestamp, body, signature := cell("key"), cell("timestamp"), cell("body"), cell("signature")
	if got := provider.Sign(seal.NewSecret(key), timestamp, []byte(body)); got != signature {
		t.Errorf("the document says %s, it is %s", signature, got)
	}

	python, err := exec.LookPath("python3")
	if err != nil {
		t.Log("there is no python3: the documented snippet was not run")
		return
	}
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `\'`) + "'" }
	arguments := func(body string, now string) string {
		return "from_patchbay(" + strings.Join([]string{quote(key), quote(timestamp), quote(signature),
			quote(body) + ".encode()", now}, ", ") + ")"
	}
	script := blocks(text, "python")[0] +
		"print(" + arguments(body, timestamp) + ", " + arguments(body+" ", timestamp) + ", " + arguments(body, timestamp+" + 301") + ")\n"
	out, err := exec.CommandContext(t.Context(), python, "-c", script).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "True False False" {
		t.Errorf("the documented snippet says %s (%v)", out, err)
	}
}

func TestTheDocumentedWebhookIsValid(t *testing.T) {
	t.Parallel()
	p := builtin(t, "custom_webhook")
	if err := p.ValidateConfig(p.KindFor(webhookConfig()), webhookConfig()); err != nil {
		t.Error(err)
	}
}
