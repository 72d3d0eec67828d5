package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/app"
)

// developing is a running `patchbay dev` and what it has printed.
type developing struct {
	URL, Key string
	commands []string // to paste, in order
	stop     func() (code int)
}

func develop(t *testing.T, dir string) *developing {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, ended, code := newOutput(), make(chan struct{}), 0
	go func() {
		defer close(ended)
		code = app.Main(ctx, []string{"dev", "--dir", dir, "--listen", "127.0.0.1:0"}, out, out)
	}()
	d := &developing{stop: func() int { cancel(); <-ended; return code }}
	t.Cleanup(func() { d.stop() })
	out.find(t, `(Ctrl-C stops)`, ended)
	d.URL, d.Key = out.find(t, `GraphQL +(\S+)`, ended), out.find(t, `API key +(pb_\S+)`, ended)
	d.commands = regexp.MustCompile(`(?m)^(?:answer=|curl ).*$`).FindAllString(out.String(), -1)
	return d
}

// paste runs a printed command as it stands, in a shell that has nothing but curl and a home of its own.
func (d *developing) paste(t *testing.T, n int) string {
	t.Helper()
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("pasting the commands needs curl, which is not installed")
	}
	c := exec.CommandContext(t.Context(), "sh", "-c", d.commands[n])
	c.Dir = t.TempDir()
	c.Env = []string{"PATH=" + filepath.Dir(curl), "HOME=" + c.Dir}
	said, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("command %d: %v\n%s", n+1, err, said)
	}
	return string(said)
}

// TestDevRunsTheMainJobAsItIsPasted starts as somebody does who has just cloned the project, stops, and starts again.
func TestDevRunsTheMainJobAsItIsPasted(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "kept")
	first := develop(t, dir)
	if len(first.commands) != 4 {
		t.Fatalf("%d commands are printed: %q", len(first.commands), first.commands)
	}
	ask := func(d *developing) {
		t.Helper()
		var answer any
		said := d.paste(t, 1)
		if err := json.Unmarshal([]byte(said), &answer); err != nil {
			t.Fatal(said)
		}
		if results, _ := at(answer, "data", "integrationQuery", "result", "results").([]any); len(results) == 0 {
			t.Errorf("no meetings: %s", said)
		}
		said = d.paste(t, 2)
		if !strings.Contains(said, `"status":"HEALTHY","reason":"OK"`) || !strings.Contains(said, `"eventType":"QUERY"`) {
			t.Errorf("what is read: %s", said)
		}
	}
	if said := first.paste(t, 0); !strings.Contains(said, "Google Calendar is connected") {
		t.Errorf("connecting: %s", said)
	}
	ask(first)
	if said := first.paste(t, 3); !strings.Contains(said, `"provider": "whatsapp"`) || !strings.Contains(said, `"questions"`) {
		t.Errorf("the other providers: %s", said)
	}
	if code := first.stop(); code != 0 {
		t.Errorf("the first start ended with code %d", code)
	}
	for _, name := range []string{"api-key", "keyring.json", "patchbay.db", "sandbox.json"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}

	second := develop(t, dir)
	if second.Key != first.Key {
		t.Error("the second start has another key")
	}
	ask(second)
	taken := strings.TrimSuffix(strings.TrimPrefix(second.URL, "http://localhost"), "/graphql")
	fails(t, "cannot listen on", "dev", "--dir", dir, "--listen", "127.0.0.1"+taken)
	if code := second.stop(); code != 0 {
		t.Errorf("the second start ended with code %d", code)
	}

	// What cannot be used is one clear line, and nothing is made in its place.
	ring := filepath.Join(dir, "keyring.json")
	kept, err := os.ReadFile(ring)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(want string) { t.Helper(); fails(t, want, "dev", "--dir", dir, "--listen", "127.0.0.1:0") }
	change := func(name string, content []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(ring); err != nil {
		t.Fatal(err)
	}
	refused("put it back")
	change("keyring.json", kept[:len(kept)/2])
	refused("the key ring is damaged")
	change("keyring.json", kept)
	change("sandbox.json", []byte("{"))
	refused("state file")
	change("patchbay.db", bytes.Repeat([]byte("no database "), 1000))
	refused("damaged")
}

// fails runs a command line that must end with one line that says why.
func fails(t *testing.T, want string, args ...string) {
	t.Helper()
	var out, errs bytes.Buffer
	code := app.Main(t.Context(), args, &out, &errs)
	line, more, _ := strings.Cut(errs.String(), "\n")
	if code == 0 || out.Len() > 0 || more != "" || !strings.HasPrefix(line, "patchbay: ") || !strings.Contains(line, want) {
		t.Errorf("code %d, want a line with %q: %s%s", code, want, &out, &errs)
	}
}
