package house_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	declared  = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	numbered  = regexp.MustCompile(`(?m)^\| (\d+) \|`)
	mentioned = regexp.MustCompile("(?:`((?:internal|graph)[\\w/]*)` )?`(Test\\w+)`")
)

// TestEveryBehaviourHasItsTest compares docs/behaviours.md with the tests that there are.
func TestEveryBehaviourHasItsTest(t *testing.T) {
	t.Parallel()
	top := root(t)
	out, err := exec.CommandContext(t.Context(), "git", "-C", top, "ls-files", "--cached", "--others", "--exclude-standard",
		"*_test.go").Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	rooms := map[string]string{} // test → folder
	for name := range strings.Lines(string(out)) {
		name = strings.TrimSpace(name)
		text, err := os.ReadFile(filepath.Join(top, name))
		if err != nil {
			continue // deleted, not yet committed
		}
		for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
			rooms[m[1]] = filepath.Dir(name)
		}
	}
	page, err := os.ReadFile(filepath.Join(top, "docs/behaviours.md"))
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, m := range mentioned.FindAllStringSubmatch(string(page), -1) {
		room, test := m[1], m[2]
		told[test] = true
		if at, ok := rooms[test]; !ok || room != "" && at != room {
			t.Errorf("docs/behaviours.md names %s in %s; it is in %q", test, room, at)
		}
	}
	for test := range rooms {
		if strings.HasPrefix(test, "TestBehaviour") && !told[test] {
			t.Errorf("%s is missing in docs/behaviours.md", test)
		}
	}
	for _, row := range strings.Split(string(page), "\n") {
		m := numbered.FindStringSubmatch(row)
		if m == nil {
			continue
		}
		number := m[1]
		if len(number) == 1 {
			number = "0" + number
		}
		if !strings.Contains(row, "`TestBehaviour"+number) {
			t.Errorf("behaviour %s has no test of its number", number)
		}
		told[number] = true
	}
	for _, number := range strings.Fields("01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 19") {
		if !told[number] {
			t.Errorf("behaviour %s is missing in docs/behaviours.md", number)
		}
	}
}
