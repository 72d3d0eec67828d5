package question_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/goccy/go-yaml"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/provider/catalog"
	"github.com/patchbay/patchbay/internal/question"
)

// golden is one line of a file in testdata/golden: those of reading.txt must be read exactly, those of the other files,
// which are called after providers, are scored.
type golden struct {
	file                             string
	line                             int
	group                            string
	options                          question.Options
	set, ask, capability, window, is string
}

func TestGoldenQuestionsAreReadExactly(t *testing.T) {
	t.Parallel()
	sets := candidates(t)
	right, total, groups := map[string]int{}, map[string]int{}, []string{}
	for _, g := range readGolden(t, "reading.txt") {
		if !slices.Contains(groups, g.group) {
			groups = append(groups, g.group)
		}
		total[g.group]++
		if diff := g.check(sets[g.set]); diff != "" {
			t.Errorf("%s: %s | %s\n%s", g, g.set, g.ask, diff)
			continue
		}
		right[g.group]++
	}
	sumRight, sumTotal := 0, 0
	for _, name := range groups {
		t.Logf("%3d of %3d  %s", right[name], total[name], name)
		sumRight, sumTotal = sumRight+right[name], sumTotal+total[name]
	}
	t.Logf("%3d of %3d  in all", sumRight, sumTotal)
	if sumTotal < 150 {
		t.Errorf("only %d questions", sumTotal)
	}
}

// check returns what differs from the golden line, or "".
func (g golden) check(s question.Service) string {
	var diff strings.Builder
	same := func(what, got, want string) {
		if got != want {
			fmt.Fprintf(&diff, "  %s: got %q, want %q\n", what, got, want)
		}
	}
	g.options.Names = s.Names
	for _, c := range s.Candidates {
		g.options.Phrases = append(g.options.Phrases, slices.Concat(c.Phrases, c.Decisive)...)
	}
	r := question.Read(g.ask, g.options)
	choice, err := question.Choose(g.ask, s)
	same("capability", outcome(choice, err), g.capability)
	if g.window == "" {
		return diff.String()
	}
	same("window", window(r.Window), g.window)
	if err == nil || g.is != "" {
		same("reading", rest(r, g.is), g.is)
	}
	return diff.String()
}

func outcome(c question.Choice, err error) string {
	switch {
	case err == nil:
		return c.Name
	case problem.Is(err, problem.Ambiguous):
		return "ambiguous"
	case problem.Is(err, problem.NoCapabilityMatched) && strings.Contains(err.Error(), "change something"):
		return "write"
	case problem.Is(err, problem.NoCapabilityMatched):
		return "none"
	}
	return err.Error()
}

func window(w *question.Window) string {
	if w == nil {
		return "-"
	}
	end := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return strings.TrimSuffix(t.Format("2006-01-02T15:04"), "T00:00")
	}
	return strings.TrimSpace(end(w.Start) + " .. " + end(w.End))
}

// rest prints everything but the window in the order that want has; what want does not name comes last.
func rest(r question.Reading, want string) string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, p := range r.People {
		add("%s %s", p.Role, p.Name)
	}
	if r.Text != "" {
		add("text %s", r.Text)
	}
	for _, s := range r.States {
		add("is %s", s)
	}
	if r.Limit > 0 {
		add("limit %d", r.Limit)
	}
	if r.Latest {
		add("latest")
	}
	for _, q := range r.Quoted {
		add("quoted %s", q)
	}
	for _, n := range r.Numbers {
		add("number %v", n)
	}
	for _, s := range r.Spans {
		if s.Kind == "unclear" {
			add("unclear %s", s.Words)
		}
	}
	if w := r.Window; strings.Contains(want, "hours") && w != nil {
		add("hours %v", w.End.Sub(*w.Start).Hours())
	}
	order := strings.Split(want, "; ")
	slices.SortStableFunc(out, func(a, b string) int { return place(order, a) - place(order, b) })
	return strings.Join(out, "; ")
}

func place(order []string, s string) int {
	if i := slices.Index(order, s); i >= 0 {
		return i
	}
	return len(order)
}

func (g golden) String() string { return fmt.Sprintf("testdata/golden/%s:%d", g.file, g.line) }

func readGolden(t testing.TB, file string) []golden {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "golden", file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []golden
	head := golden{file: file}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "== "):
			head.line = n
			head.begin(t, strings.TrimPrefix(line, "== "))
		default:
			g := head
			g.line = n
			for i, field := range strings.SplitN(line, "|", 5) {
				*[]*string{&g.set, &g.ask, &g.capability, &g.window, &g.is}[i] = strings.TrimSpace(field)
			}
			out = append(out, g)
		}
	}
	return out
}

// begin reads the line that starts a group.
func (g *golden) begin(t testing.TB, line string) {
	t.Helper()
	f := strings.Split(line, " | ")
	if len(f) != 3 {
		t.Fatalf("%s: a group needs a name, a time and a zone", g)
	}
	zone, err := time.LoadLocation(f[2])
	if err != nil {
		t.Fatal(err)
	}
	now, err := time.ParseInLocation("2006-01-02T15:04", f[1], zone)
	if err != nil {
		t.Fatal(err)
	}
	g.group, g.options = f[0], question.Options{Now: now, Location: zone}
}

// candidates are the sets of capabilities that golden lines name: the providers of the catalog, and testdata's.
func candidates(t testing.TB) map[string]question.Service {
	t.Helper()
	raw, err := os.ReadFile("testdata/candidates.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var own map[string][]question.Candidate
	if err := yaml.Unmarshal(raw, &own); err != nil {
		t.Fatal(err)
	}
	out := map[string]question.Service{}
	for name, all := range own {
		out[name] = question.Service{Candidates: all}
	}
	for _, p := range known(t).All() {
		out[p.Name] = p.Asked(p.Capabilities)
	}
	out["cal"], out["mail"] = out["google_calendar"], out["gmail"]
	return out
}

func known(t testing.TB) *provider.Catalog {
	t.Helper()
	c, err := provider.Load(catalog.FS)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
