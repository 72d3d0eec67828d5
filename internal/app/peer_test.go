package app_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const (
	// installLimit and peerLimit bound the processes that the peer needs.
	installLimit = 5 * time.Minute
	peerLimit    = 10 * time.Minute
)

// peer is a Google that nobody here wrote, in a process of its own: npm's @emulators/google, held by testdata/peer.
type peer struct {
	t        *testing.T
	URL      string // without a slash at the end
	commands io.Writer
	answers  *bufio.Scanner
	log      *output
}

// installPeer installs the peer's packages into a directory of the test's and returns it. Without node and npm the test
// is skipped with one line; with them, a registry that cannot be reached is a failure in CI.
func installPeer(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("the independent peer needs node, which is not installed")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/peer")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), installLimit)
	defer cancel()
	install := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--engine-strict", "--prefer-offline",
		"--fetch-retry-mintimeout=1000", "--no-audit", "--no-fund", "--loglevel=error")
	install.Dir = dir
	install.WaitDelay = time.Second
	if said, err := install.CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the independent peer cannot be installed: %v\n%s", err, said)
		}
		why, _, _ := strings.Cut(string(said), "\n")
		t.Skipf("the independent peer cannot be installed: %v %s", err, why)
	}
	return dir
}

// startPeer runs the peer until the test ends.
func startPeer(t *testing.T, dir string) *peer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), peerLimit)
	g := &peer{t: t, log: newOutput()}
	node := exec.CommandContext(ctx, "node", "server.mjs")
	node.Dir = dir
	node.Stderr = g.log
	commands, err := node.StdinPipe()
	answers, err2 := node.StdoutPipe()
	if err := errors.Join(err, err2, node.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer cancel()
		if err := errors.Join(commands.Close(), node.Wait()); err != nil {
			t.Errorf("the peer: %v\n%s", err, g.log)
		}
	})
	g.commands, g.answers = commands, bufio.NewScanner(answers)
	g.URL = g.answer().(string)
	return g
}

// tell gives the peer a command of testdata/peer/server.mjs and returns its answer.
func (g *peer) tell(command string, argument any) any {
	g.t.Helper()
	if err := json.NewEncoder(g.commands).Encode(map[string]any{command: argument}); err != nil {
		g.t.Fatal(err)
	}
	return g.answer()
}

func (g *peer) answer() (v any) {
	g.t.Helper()
	if !g.answers.Scan() {
		g.t.Fatalf("the peer said nothing: %v\n%s", g.answers.Err(), g.log)
	}
	if err := json.Unmarshal(g.answers.Bytes(), &v); err != nil {
		g.t.Fatalf("the peer said %q: %v", g.answers.Text(), err)
	}
	return v
}

// manifests writes an operator's directory in which the built-in manifests are replaced by ones with the peer's
// addresses, and returns it.
func (g *peer) manifests() string {
	g.t.Helper()
	oauth := []string{
		"https://accounts.google.com/o/oauth2/v2/auth", g.URL + "/o/oauth2/v2/auth",
		"https://oauth2.googleapis.com/token", g.URL + "/oauth2/token",
		"https://oauth2.googleapis.com/revoke", g.URL + "/oauth2/revoke",
	}
	dir := g.t.TempDir()
	g.rewrite(dir, "google_calendar.yaml", append(oauth,
		"hosts: [www.googleapis.com]", "hosts: [127.0.0.1]",
		"https://www.googleapis.com/calendar/v3", g.URL+"/calendar/v3",
		// The peer has calendarList.list and lacks calendarList.get.
		"account: { get: /users/me/calendarList/primary, id: .id, name: .summary }",
		"account: { get: /users/me/calendarList, id: '.items[] | select(.primary) | .id', "+
			"name: '.items[] | select(.primary) | .summary' }",
	))
	g.rewrite(dir, "gmail.yaml", append(oauth,
		"hosts: [gmail.googleapis.com]", "hosts: [127.0.0.1]",
		"https://gmail.googleapis.com/gmail/v1", g.URL+"/gmail/v1",
		// The peer lacks users.getProfile; its send-as settings name the same address.
		"account: { get: /users/me/profile, id: .emailAddress, name: .emailAddress }",
		"account: { get: /users/me/settings/sendAs, id: '.sendAs[] | select(.isDefault) | .sendAsEmail', "+
			"name: '.sendAs[] | select(.isDefault) | .sendAsEmail' }",
		"get: /users/me/profile?fields=emailAddress", "get: /users/me/settings/sendAs?fields=sendAs",
		"or .body.emailAddress != null", "or .body.sendAs != null",
	))
	return dir
}

// rewrite copies a built-in manifest into dir, with each old text, which must be there, replaced by its new one.
func (g *peer) rewrite(dir, name string, oldnew []string) {
	g.t.Helper()
	manifest, err := os.ReadFile("../provider/catalog/" + name)
	if err != nil {
		g.t.Fatal(err)
	}
	for i := 0; i < len(oldnew); i += 2 {
		if !strings.Contains(string(manifest), oldnew[i]) {
			g.t.Fatalf("%s no longer says %s", name, oldnew[i])
		}
	}
	text := strings.NewReplacer(oldnew...).Replace(string(manifest))
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

var (
	formOf   = regexp.MustCompile(`(?s)<form[^>]*method="post".*?</form>`)
	actionOf = regexp.MustCompile(`<form[^>]*action="([^"]*)"`)
	fieldsOf = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
)

// browse acts as a person in front of a browser who goes on wherever a page has a button, at the peer with the account
// named. It returns the last page, and the address at which it is or, outside this machine, would be.
func (g *peer) browse(address, account string) (page string, last *url.URL) {
	g.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		g.t.Fatal(err)
	}
	stay := func(req *http.Request, _ []*http.Request) error {
		if host := req.URL.Hostname(); host != "127.0.0.1" && host != "localhost" {
			return http.ErrUseLastResponse
		}
		return nil
	}
	browser := &http.Client{Jar: jar, Timeout: patience, CheckRedirect: stay}
	resp, err := browser.Get(address)
	for range 5 {
		if err != nil {
			g.t.Fatal(err)
		}
		text, err2 := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err2 != nil {
			g.t.Fatal(err2)
		}
		page, last = string(text), resp.Request.URL
		if away, err := resp.Location(); err == nil {
			return page, away
		}
		form := pick(formOf.FindAllString(page, -1), account)
		if form == "" {
			return page, last
		}
		target, fields := last, url.Values{}
		if m := actionOf.FindStringSubmatch(form); m != nil {
			if target, err = last.Parse(html.UnescapeString(m[1])); err != nil {
				g.t.Fatal(err)
			}
		}
		for _, m := range fieldsOf.FindAllStringSubmatch(form, -1) {
			fields.Add(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
		}
		resp, err = browser.PostForm(target.String(), fields)
	}
	g.t.Fatalf("the pages go round and round:\n%s", page)
	return "", nil
}

// pick returns the form that names the account, or the only one; "" where there is none.
func pick(forms []string, account string) string {
	for _, form := range forms {
		if len(forms) == 1 || strings.Contains(form, fmt.Sprintf("value=%q", account)) {
			return form
		}
	}
	return ""
}
