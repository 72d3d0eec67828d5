// Package house_test holds the rules of the house that a compiler does not know: which room may import which, and that
// Go code knows no vendor's name.
package house_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const module = "github.com/patchbay/patchbay/"

// floors lists the rooms from the top down. A room imports rooms of lower floors only, never its neighbours.
var floors = [][]string{
	{"cmd/patchbay", "internal/bench"},
	{"internal/app"},
	{"internal/server", "internal/jobs"},
	{"graph"},
	{"internal/query"},
	{"internal/user"},
	{"internal/integration", "internal/personality", "internal/access"},
	{"internal/credential"},
	{"internal/health"},
	{"internal/audit"},
	{"internal/store"},
	{"ent"},
	{"internal/sandbox"},
	{"internal/provider"},
	{"internal/oauth", "internal/egress", "internal/question"},
	{"internal/id", "internal/feed", "internal/turn"},
	{"internal/viewer", "internal/seal", "internal/problem", "internal/column"},
}

func TestRoomsImportDownwardsOnly(t *testing.T) {
	t.Parallel()
	floor := map[string]int{}
	for i, rooms := range floors {
		for _, room := range rooms {
			floor[room] = i
		}
	}
	roomOf := func(path string) (string, bool) {
		path, ours := strings.CutPrefix(path, module)
		for ours && path != "." {
			if _, ok := floor[path]; ok {
				return path, true
			}
			path = filepath.Dir(path)
		}
		return "", false
	}
	for _, p := range packages(t) {
		if strings.HasPrefix(p.ImportPath, module+"internal/house") {
			continue
		}
		from, ok := roomOf(p.ImportPath)
		if !ok {
			t.Errorf("%s belongs to no room: add it to the floors", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			to, ours := roomOf(imported)
			if ours && to != from && floor[to] <= floor[from] {
				t.Errorf("%s imports %s, which is not on a lower floor", p.ImportPath, imported)
			}
		}
	}
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []goPackage
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 20 {
		t.Fatalf("go list found only %d packages", len(all))
	}
	return all
}

// vendors are the names that belong into manifests alone.
var vendors = regexp.MustCompile(`(?i)google|gmail|microsoft|notion|linear\b|slack|shopify|zendesk|hubspot|whatsapp|odoo|intercom`)

func TestGoCodeKnowsNoVendor(t *testing.T) {
	t.Parallel()
	top := root(t)
	out, err := exec.CommandContext(t.Context(), "git", "-C", top, "ls-files", "*.go").Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	for name := range strings.Lines(string(out)) {
		name = strings.TrimSpace(name)
		switch {
		case strings.HasSuffix(name, "_test.go"),
			strings.HasPrefix(name, "internal/sandbox/"), // plays the vendors
			strings.HasPrefix(name, "ent/") && !strings.HasPrefix(name, "ent/schema/"),
			strings.HasPrefix(name, "graph/generated/"), strings.HasPrefix(name, "graph/model/"): // quote the contract
			continue
		}
		text, err := os.ReadFile(filepath.Join(top, name))
		if err != nil {
			continue // deleted, not yet committed
		}
		for i, line := range strings.Split(string(text), "\n") {
			code, _, _ := strings.Cut(strings.ReplaceAll(line, `"github.com/google/`, ""), "//")
			if m := vendors.FindString(code); m != "" {
				t.Errorf("%s:%d names a vendor (%s): it belongs into a manifest", name, i+1, m)
			}
		}
	}
}

func root(t *testing.T) string {
	t.Helper()
	top, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return top
}
