package house_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

func TestMakeFuzzRunsEveryFuzzTarget(t *testing.T) {
	t.Parallel()
	root := os.DirFS("../..")
	text, err := fs.ReadFile(root, "Makefile")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?m)^FUZZ\s*=((?:.*\\\n)*.*)$`).FindStringSubmatch(string(text))
	if list == nil {
		t.Fatal("the Makefile has no list FUZZ")
	}
	named := map[string]bool{}
	for _, one := range strings.Fields(strings.ReplaceAll(list[1], `\`, " ")) {
		named[one] = true
	}
	target := regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)
	err = fs.WalkDir(root, "internal", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		source, err := fs.ReadFile(root, name)
		for _, m := range target.FindAllStringSubmatch(string(source), -1) {
			one := strings.TrimPrefix(path.Dir(name), "internal/") + ":" + m[1]
			if !named[one] {
				t.Errorf("%s is not in the Makefile's list FUZZ", one)
			}
			delete(named, one)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for one := range named {
		t.Errorf("the Makefile's list FUZZ names %s, which does not exist", one)
	}
}
