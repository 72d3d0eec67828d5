package sandbox_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/sandbox"
)

func TestARestartKeepsClientsTokensAndTheAuthority(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "new", "sandbox.json")
	first := start(t, sandbox.Options{StateFile: file})
	tok := first.connect("ada@example.com", "calendar.readonly")
	v := oauth.NewVerifier()
	res, _ := get(t, first.authorizeURL(v, "gmail.readonly")+"&sandbox_consent=allow")
	code := back(t, res).Get("code")
	roots := first.Redirect().RootCAs
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	second := start(t, sandbox.Options{StateFile: file})
	if second.Client("google").ID != first.Client("google").ID ||
		second.Client("google").Secret != first.Client("google").Secret || !second.Redirect().RootCAs.Equal(roots) {
		t.Error("the client or the authority has changed")
	}
	if status, _ := second.call(tok.Access, listURL); status != 200 {
		t.Errorf("the access token gave %d", status)
	}
	if _, err := second.wire().Refresh(t.Context(), tok.Refresh); err != nil {
		t.Errorf("refresh: %v", err)
	}
	if _, err := second.wire().Exchange(t.Context(), code, v, redirectURL); err != nil {
		t.Errorf("a code from before: %v", err)
	}

	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range map[string]string{"access": tok.Access.Reveal(), "refresh": tok.Refresh.Reveal(),
		"code": code, "client": first.Client("google").Secret.Reveal()} {
		if bytes.Contains(raw, []byte(secret)) {
			t.Errorf("the file holds the %s in plain text", name)
		}
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	left, err := fs.Glob(os.DirFS(filepath.Dir(file)), "*")
	if err != nil || len(left) != 1 {
		t.Errorf("files %v, %v", left, err)
	}
}

func TestEverySandboxWithoutAFileIsAWorldOfItsOwn(t *testing.T) {
	t.Parallel()
	a, b := start(t, sandbox.Options{}), start(t, sandbox.Options{})
	if a.Client("google").ID == b.Client("google").ID || a.Redirect().RootCAs.Equal(b.Redirect().RootCAs) {
		t.Error("two sandboxes share their keys")
	}
	if a.Client("google").ID == a.Client("other").ID || !strings.HasPrefix(a.Client("google").ID, "google-") {
		t.Errorf("clients %v", a.Client("google").ID)
	}
}

func TestADamagedStateFileIsNamed(t *testing.T) {
	t.Parallel()
	good := filepath.Join(t.TempDir(), "good.json")
	if _, err := sandbox.New(sandbox.Options{StateFile: good}); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"empty": "", "half": string(whole[:len(whole)/2]), "array": "[]", "nothing": "{}", "null": "null",
		"other version": strings.Replace(string(whole), `"version": 1`, `"version": 2`, 1),
		"null grant":    strings.Replace(string(whole), `"grants": {}`, `"grants": {"g": null}`, 1),
		"no key":        strings.Replace(string(whole), "PRIVATE KEY", "PUBLIC KEY", 2),
	} {
		file := filepath.Join(t.TempDir(), "sandbox.json")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := sandbox.New(sandbox.Options{StateFile: file})
		if !problem.Is(err, problem.Unavailable) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := sandbox.New(sandbox.Options{StateFile: t.TempDir()}); !problem.Is(err, problem.Unavailable) {
		t.Errorf("a directory: %v", err)
	}
}

func TestAStateThatCannotBeWrittenIsSaid(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := sandbox.New(sandbox.Options{StateFile: filepath.Join(file, "sandbox.json")})
	if !problem.Is(err, problem.Unavailable) {
		t.Errorf("got %v", err)
	}
}
