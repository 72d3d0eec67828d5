package egress_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/egress"
	"github.com/patchbay/patchbay/internal/house/leak"
	"github.com/patchbay/patchbay/internal/problem"
)

const mark = "MARKED-SECRET-7f3a"

func TestMain(m *testing.M) { leak.Main(m) }

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// site is a TLS server on loopback and a door that may reach it.
func site(t *testing.T, o egress.Options, handle http.HandlerFunc) (*egress.Egress, *httptest.Server) {
	t.Helper()
	s := httptest.NewTLSServer(handle)
	t.Cleanup(s.Close)
	o.RootCAs = x509.NewCertPool()
	o.RootCAs.AddCert(s.Certificate())
	if o.AllowPrefixes == nil {
		o.AllowPrefixes = loopback
	}
	o.ConnectTimeout = time.Minute // a busy machine takes its time for a handshake
	e := egress.New(o)
	t.Cleanup(e.Close)
	return e, s
}

func get(t *testing.T, c *http.Client, at string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err == nil {
		t.Cleanup(func() { res.Body.Close() })
	}
	return res, err
}

func ok(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }

func TestOnlyPublicAddressesAreDialled(t *testing.T) {
	t.Parallel()
	e := egress.New(egress.Options{AllowHTTP: true})
	t.Cleanup(e.Close)
	for _, host := range []string{
		"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "[fd00:ec2::254]", "[fe80::1%25lo]",
		"[64:ff9b::7f00:1]",
		"[64:ff9b:1::1]", "100.64.0.1", "0.0.0.0", "[::]", "10.0.0.1", "172.16.0.1", "192.168.0.1", "198.18.0.1", "[2002::1]",
		"[2001::1]", "[fec0::1]", "240.0.0.1", "255.255.255.255", "224.0.0.1", "localhost",
	} {
		for _, scheme := range []string{"http", "https"} {
			_, err := get(t, e.Client(egress.Policy{}), scheme+"://"+host+"/")
			if !problem.Is(err, problem.TargetRefused) {
				t.Errorf("%s %s: %v", scheme, host, err)
			}
		}
		if err := e.CheckURL("https://" + host + "/"); !problem.Is(err, problem.TargetRefused) {
			t.Errorf("CheckURL %s: %v", host, err)
		}
	}
}

func TestAnAllowanceOpensWhatItNamesAndNothingElse(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.HandlerFunc(ok))
	t.Cleanup(plain.Close)
	addr := plain.Listener.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	for name, c := range map[string]struct {
		o    egress.Options
		at   string
		open bool
	}{
		"nothing allowed":            {egress.Options{}, addr, false},
		"plain http is not a prefix": {egress.Options{AllowHTTP: true}, addr, false},
		"the prefix":                 {egress.Options{AllowPrefixes: loopback}, addr, true},
		"another prefix": {
			egress.Options{AllowPrefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, addr, false,
		},
		"the host and port":    {egress.Options{AllowHosts: []string{"LOCALHOST:" + port}}, "localhost:" + port, true},
		"another port":         {egress.Options{AllowHosts: []string{"localhost:1"}}, "localhost:" + port, false},
		"the host by its name": {egress.Options{AllowHosts: []string{"localhost:" + port}}, addr, false},
	} {
		e := egress.New(c.o)
		t.Cleanup(e.Close)
		res, err := get(t, e.Client(egress.Policy{}), "http://"+c.at)
		if c.open && (err != nil || res.StatusCode != 200) || !c.open && !problem.Is(err, problem.TargetRefused) {
			t.Errorf("%s: %v", name, err)
		}
		if err := e.CheckURL("http://" + c.at); c.open && err != nil {
			t.Errorf("%s: CheckURL %v", name, err)
		}
	}
}

func TestWhoeverIsCalledLearnsWhoCalls(t *testing.T) {
	t.Parallel()
	e, s := site(t, egress.Options{}, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.UserAgent()) })
	for own, want := range map[string]string{"": "Patchbay", "Acme/1.0": "Acme/1.0"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		if own != "" {
			req.Header.Set("User-Agent", own)
		}
		res, err := e.Client(egress.Policy{}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		if res.Body.Close(); string(body) != want {
			t.Errorf("it was called by %q, want %q", body, want)
		}
		if req.Header.Get("User-Agent") != own {
			t.Error("the caller's request was changed")
		}
	}
}

func TestTheEnvironmentsProxyIsNotUsed(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	e, s := site(t, egress.Options{}, ok)
	if _, err := get(t, e.Client(egress.Policy{}), s.URL); err != nil {
		t.Error(err)
	}
}

func TestAPolicyNamesItsHosts(t *testing.T) {
	t.Parallel()
	e, s := site(t, egress.Options{}, ok)
	u, _ := url.Parse(s.URL)
	for name, c := range map[string]struct {
		hosts []string
		open  bool
	}{
		"any": {nil, true}, "the host": {[]string{"api.example", u.Hostname()}, true},
		"host and port": {[]string{u.Host}, true},
		"another":       {[]string{"api.example"}, false}, "another port": {[]string{u.Hostname() + ":1"}, false},
		"a suffix": {[]string{"0.0.1"}, false},
	} {
		_, err := get(t, e.Client(egress.Policy{Hosts: c.hosts}), s.URL)
		if c.open != (err == nil) || !c.open && !problem.Is(err, problem.TargetRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAddressesThatHideSomethingAreRefused(t *testing.T) {
	t.Parallel()
	e, s := site(t, egress.Options{}, ok)
	c := e.Client(egress.Policy{})
	for name, at := range map[string]string{
		"userinfo":       strings.Replace(s.URL, "https://", "https://"+mark+":x@", 1),
		"another scheme": "ftp://127.0.0.1/",
	} {
		_, err := get(t, c, at)
		if !problem.Is(err, problem.TargetRefused) {
			t.Errorf("%s: %v", name, err)
		}
		if clean := egress.Failure(err); strings.Contains(clean.Error(), mark) {
			t.Errorf("%s: the error holds a secret: %v", name, clean)
		}
	}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
	req.Host = "other.example"
	if res, err := c.Do(req); !problem.Is(err, problem.TargetRefused) {
		t.Errorf("another Host header: %v, %v", res, err)
	}
}

func TestARedirectStaysAtHomeAndIsCounted(t *testing.T) {
	t.Parallel()
	var elsewhere []http.Header
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		elsewhere = append(elsewhere, r.Header)
	}))
	t.Cleanup(other.Close)
	e, s := site(t, egress.Options{}, func(w http.ResponseWriter, r *http.Request) {
		to := map[string]string{
			"/once": "/end", "/loop": "/loop", "/away": other.URL, "/private": "http://169.254.169.254/latest",
			"/downgrade": "http://" + r.Host + "/end",
		}[r.URL.Path]
		if to != "" {
			http.Redirect(w, r, to, http.StatusTemporaryRedirect)
			return
		}
		_, _ = io.WriteString(w, r.Header.Get("X-Api-Key"))
	})
	call := func(path string, redirects int) (*http.Response, error) {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
		req.Header.Set("X-Api-Key", mark)
		req.Header.Set("Authorization", "Bearer "+mark)
		res, err := e.Client(egress.Policy{MaxRedirects: redirects}).Do(req)
		if err == nil {
			t.Cleanup(func() { res.Body.Close() })
		}
		return res, err
	}
	if res, err := call("/once", 3); err != nil || res.StatusCode != 200 {
		t.Errorf("within one origin: %v", err)
	}
	if res, err := call("/once", 0); err != nil || res.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("no redirects followed: %v", err)
	}
	for _, path := range []string{"/loop", "/away", "/private", "/downgrade"} {
		if _, err := call(path, 3); !problem.Is(err, problem.TargetRefused) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if len(elsewhere) > 0 {
		t.Errorf("the credential followed: %v", elsewhere)
	}
}

func TestABodyBeyondItsLimitIsAnErrorThatCanBeTold(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = z.Write(make([]byte, 1<<20))
	_ = z.Close()
	e, s := site(t, egress.Options{}, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/gzip":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		case "/exact":
			_, _ = w.Write(make([]byte, 1000))
		default:
			_, _ = w.Write(make([]byte, 1001))
		}
	})
	for path, want := range map[string]error{"/exact": nil, "/over": egress.ErrTooLarge, "/gzip": egress.ErrTooLarge} {
		res, err := get(t, e.Client(egress.Policy{MaxBytes: 1000}), s.URL+path)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(res.Body)
		if !errors.Is(err, want) || want == nil && err != nil || len(b) != 1000 {
			t.Errorf("%s: %d bytes, %v", path, len(b), err)
		}
		clean := egress.Failure(err)
		if want != nil && (!problem.Is(clean, problem.ProviderFailed) || !errors.Is(clean, want)) {
			t.Errorf("%s: %v", path, clean)
		}
	}
}

func TestFailuresSayNothingOfTheURLOrTheAnswer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, mark+" is not HTTP\r\n\r\n")
			c.Close()
		}
	}()
	e := egress.New(egress.Options{AllowPrefixes: loopback})
	t.Cleanup(e.Close)
	for _, at := range []string{"http://" + l.Addr().String() + "/?key=" + mark, "http://127.0.0.1:1/?key=" + mark} {
		_, err := get(t, e.Client(egress.Policy{}), at)
		clean := egress.Failure(err)
		if !problem.Is(clean, problem.ProviderFailed) || strings.Contains(clean.Error(), mark) {
			t.Errorf("%v", clean)
		}
	}
	if egress.Failure(nil) != nil {
		t.Error("nil became a failure")
	}
}

func TestAnUntrustedCertificateIsAFailure(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(ok))
	t.Cleanup(s.Close)
	e := egress.New(egress.Options{AllowPrefixes: loopback})
	t.Cleanup(e.Close)
	if _, err := get(t, e.Client(egress.Policy{}), s.URL); !problem.Is(err, problem.ProviderFailed) {
		t.Error(err)
	}
}

func TestANameThatChangesItsAddressGainsNothing(t *testing.T) {
	t.Parallel()
	dns, leadsTo := nameServer(t)
	leadsTo(netip.MustParseAddr("127.0.0.1"))
	e, s := site(t, egress.Options{Resolver: dns}, ok)
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	at := fmt.Sprintf("https://example.com:%s/", port) // httptest's certificate is for example.com
	if _, err := get(t, e.Client(egress.Policy{}), at); err != nil {
		t.Fatalf("first answer: %v", err)
	}
	e.Close() // the next call needs a connection, so it looks the name up again
	leadsTo(netip.MustParseAddr("10.0.0.1"))
	if _, err := get(t, e.Client(egress.Policy{}), at); !problem.Is(err, problem.TargetRefused) {
		t.Errorf("second answer: %v", err)
	}
}

func TestTheSandboxServesItsNamesAndIsTrustedForNothingElse(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(ok))
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	e := egress.New(egress.Options{AllowPrefixes: loopback, Sandbox: &egress.Redirect{
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, s.Listener.Addr().String())
		},
		RootCAs: roots,
		Hosts:   func(host string) bool { return host == "example.com" },
	}})
	t.Cleanup(e.Close)
	if res, err := get(t, e.Client(egress.Policy{Hosts: []string{"example.com"}}), "https://EXAMPLE.com/x"); err != nil {
		t.Error(err)
	} else if res.StatusCode != 200 {
		t.Error(res.Status)
	}
	if _, err := get(t, e.Client(egress.Policy{}), s.URL); !problem.Is(err, problem.ProviderFailed) {
		t.Errorf("the sandbox's certificate was trusted elsewhere: %v", err)
	}
	if err := e.CheckURL("https://example.com/x"); err != nil {
		t.Error(err)
	}
}

func TestACustomersAddressIsCheckedWhenItIsGiven(t *testing.T) {
	t.Parallel()
	e := egress.New(egress.Options{})
	t.Cleanup(e.Close)
	for raw, open := range map[string]bool{
		"https://hooks.example.com/x?y=1": true, "https://93.184.216.34/": true, "https://hooks.example.com:443/": true,
		"http://hooks.example.com/": false, "https://hooks.example.com:8443/": false, "": false, "hooks.example.com": false,
		"https://": false, "https:///x": false, "mailto:a@b.example": false,
		"https://u:" + mark + "@hooks.example.com/": false,
		"https://localhost/":                        false, "https://db.internal/": false, "https://printer.local./": false,
		"https://intranet/":   false,
		"https://2130706433/": false, "https://127.1/": false, "https://0x7f.0x1/": false,
		"https://[::ffff:10.0.0.1]/": false,
		"https://%zz/":               false, "https://hooks.example.com:99999/": false, "javascript:alert(1)": false,
		"//hooks.example.com/": false,
	} {
		err := e.CheckURL(raw)
		if open && err != nil || !open && !problem.Is(err, problem.TargetRefused) {
			t.Errorf("%q: %v", raw, err)
		}
		if err != nil && strings.Contains(err.Error(), mark) {
			t.Errorf("%q: the error holds a secret", raw)
		}
	}
}
