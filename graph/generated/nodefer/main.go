// Command nodefer takes out of gqlgen's code what it writes into every object for @defer, which Patchbay does not serve:
// on the nested read that was a quarter of all allocations. It fails when gqlgen writes something else than it knows.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var parts = []*regexp.Regexp{
	regexp.MustCompile(`\tdeferredFieldSet := graphql\.NewFieldSet\(nil\)\n` +
		`\tdeferLabelToView := make\(map\[string\]\*graphql\.FieldSetView\)\n`),
	regexp.MustCompile(`(?s)\n\t\t\tif field\.IsDeferred\(\) \{\n.*?\n\t\t\t\}\n`),
	regexp.MustCompile(`\tatomic\.AddInt32\(&ec\.Deferred, [^\n]*\n\n` +
		`\tec\.ProcessDeferredGroup\(graphql\.DeferredGroup\{\n[^}]*\}\)\n\n`),
}

func main() {
	if err := run("generated"); err != nil {
		fmt.Fprintln(os.Stderr, "nodefer:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.generated.go"))
	if err != nil {
		return err
	}
	taken := make([]int, len(parts))
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		code := string(b)
		for i, part := range parts {
			taken[i] += len(part.FindAllStringIndex(code, -1))
			code = part.ReplaceAllString(code, "")
		}
		for pkg, use := range map[string]string{"\t\"sync/atomic\"\n": "atomic.", "\t\"math\"\n": "math."} {
			if !strings.Contains(code, use) {
				code = strings.Replace(code, pkg, "", 1)
			}
		}
		if strings.Contains(code, "deferredFieldSet") {
			return fmt.Errorf("%s still speaks of deferred fields: gqlgen's template has changed", name)
		}
		if err := os.WriteFile(name, []byte(code), 0o644); err != nil { //nolint:gosec // source code
			return err
		}
	}
	for i, n := range taken {
		if n == 0 {
			return fmt.Errorf("nothing matches %s: gqlgen's template has changed", parts[i])
		}
	}
	return nil
}
