package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/server"
	"github.com/patchbay/patchbay/internal/store"
)

// databaseSettings say which database to use.
type databaseSettings struct {
	Database       seal.Secret `help:"Database URL: sqlite:PATH or postgres://user:password@host/name." default:"sqlite:patchbay.db"`
	ListenDatabase seal.Secret `help:"PostgreSQL URL for LISTEN, when --database goes through a pooler in transaction mode." `
}

// keySettings say where the keys are that seal secrets.
type keySettings struct {
	KeyRingFile string      `help:"File with the key ring (mode 0600). On SQLite it is made when it does not exist." type:"path" placeholder:"FILE"`
	KeyRing     seal.Secret `help:"The key ring itself, as JSON or as base64 of it; instead of --key-ring-file." placeholder:"VALUE"`
}

// catalogSettings say which providers there are.
type catalogSettings struct {
	Manifests string `help:"Directory of provider manifests that add to the built-in ones or replace those of the same name." type:"existingdir" placeholder:"DIR"`
}

// logSettings say what is logged.
type logSettings struct {
	LogLevel  logLevel `help:"debug, info, warn or error." default:"info"`
	LogFormat string   `help:"text or json." enum:"text,json" default:"text"`
}

// logLevel is the least level that is logged.
type logLevel slog.Level

// UnmarshalText reads one of the four levels, in any case.
func (l *logLevel) UnmarshalText(text []byte) error {
	if err := (*slog.Level)(l).UnmarshalText(text); err != nil {
		return fmt.Errorf("%q is none of debug, info, warn and error", text)
	}
	return nil
}

// serverSettings are everything that a running server needs.
type serverSettings struct {
	databaseSettings `embed:""`
	keySettings      `embed:""`
	catalogSettings  `embed:""`
	logSettings      `embed:""`

	Listen       string       `help:"Address to listen on." default:"127.0.0.1:8080"`
	PublicURL    string       `help:"Where browsers and providers reach this server, for example https://patchbay.example.com." placeholder:"URL"`
	OAuthClients oauthClients `name:"oauth-clients" help:"OAuth client of each client group, as JSON: {\"GROUP\":{\"client_id\":\"…\",\"client_secret\":\"…\"}}." placeholder:"JSON"`
	EgressAllow  []string     `help:"What egress may reach besides public addresses: networks (10.1.0.0/16) and host:port pairs." placeholder:"NETWORK|HOST:PORT"`
	Origins      []string     `help:"Browser origins besides the server's own that may call it, for example https://app.example.com." placeholder:"ORIGIN"`

	KeepHealthChanges time.Duration `help:"How long changes of health are kept, which streams and histories read; 0 keeps them for ever." default:"720h" placeholder:"DURATION"`
	KeepAttempts      time.Duration `help:"How long the outcome of an attempt to connect is kept after the attempt has ended; 0 keeps it for ever." default:"24h" placeholder:"DURATION"`

	Sandbox       bool   `help:"Serve every provider from a sandbox, by its fixtures, in place of the real services."`
	SandboxListen string `help:"Address of the sandbox; loopback only." default:"127.0.0.1:0"`
	SandboxState  string `help:"File in which the sandbox keeps its accounts and tokens; absent: in memory." type:"path" placeholder:"FILE"`
}

// oauthClients maps a client group, which several providers may share, to the client that was registered there.
type oauthClients map[string]oauth.Client

// UnmarshalText reads the clients from JSON, wherever they are set. Errors never quote the input.
func (c *oauthClients) UnmarshalText(text []byte) error {
	var raw map[string]struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&raw); err != nil {
		return errors.New(`the OAuth clients are not of the form {"GROUP":{"client_id":"…","client_secret":"…"}}`)
	}
	*c = oauthClients{}
	for group, client := range raw {
		if client.ID == "" {
			return fmt.Errorf("the OAuth client of %s has no client_id", group)
		}
		(*c)[group] = oauth.Client{ID: client.ID, Secret: seal.NewSecret(client.Secret)}
	}
	return nil
}

// allowances splits what egress may reach into networks and hosts.
func allowances(entries []string) (prefixes []netip.Prefix, hosts []string, err error) {
	for _, entry := range entries {
		entry = strings.TrimSpace(entry)
		if prefix, err := netip.ParsePrefix(entry); err == nil {
			prefixes = append(prefixes, prefix)
			continue
		}
		if host, port, ok := strings.Cut(entry, ":"); ok && host != "" && port != "" {
			hosts = append(hosts, entry)
			continue
		}
		return nil, nil, fmt.Errorf("egress-allow: %q is neither a network such as 10.1.0.0/16 nor a host:port pair", entry)
	}
	return prefixes, hosts, nil
}

// publicURL returns the address to give to browsers and providers, without a slash at its end.
func (s serverSettings) publicURL() (string, error) {
	raw := s.PublicURL
	if raw == "" {
		_, port, err := net.SplitHostPort(s.Listen)
		if err != nil {
			return "", fmt.Errorf("listen: %q is not an address such as 127.0.0.1:8080", s.Listen)
		}
		raw = "http://localhost:" + port
	}
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", fmt.Errorf("public-url: %q is not an address such as https://patchbay.example.com", raw)
	}
	return strings.TrimSuffix(u.String(), "/"), nil
}

// logger returns the process's logger.
func (s logSettings) logger(w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.Level(s.LogLevel)}
	var handler slog.Handler = slog.NewTextHandler(w, options)
	if s.LogFormat == "json" {
		handler = slog.NewJSONHandler(w, options)
	}
	return slog.New(server.LogHandler(handler))
}

// ring opens the key ring. On SQLite a ring file that does not exist is made, and said says so; but not where something
// is sealed already, which a new ring could not open: that looks like every connection ended by itself.
func (s keySettings) ring(ctx context.Context, f *foundation, said io.Writer, log *slog.Logger) (*seal.Ring, error) {
	_, err := os.Stat(s.KeyRingFile)
	if s.KeyRingFile == "" || !s.KeyRing.IsZero() || !errors.Is(err, os.ErrNotExist) {
		return s.present(log)
	}
	switch lost, err := f.sealed(ctx); {
	case err != nil:
		return nil, err
	case lost:
		return nil, fmt.Errorf("there is no key ring at %s, and %s holds credentials that only it can open: put it back",
			s.KeyRingFile, f.store)
	case f.store.Dialect() != store.SQLite:
		return nil, fmt.Errorf("there is no key ring at %s: make one with patchbay keys create, the same for every replica",
			s.KeyRingFile)
	}
	if err := makeRing(s.KeyRingFile, said); err != nil {
		return nil, err
	}
	return s.present(log)
}

// present opens a key ring that exists. It follows its file if it has one, and tells log.
func (s keySettings) present(log *slog.Logger) (*seal.Ring, error) {
	switch {
	case s.KeyRingFile != "" && !s.KeyRing.IsZero():
		return nil, errors.New("give key-ring-file or key-ring, not both")
	case !s.KeyRing.IsZero():
		return seal.ParseRing(s.KeyRing.Reveal())
	case s.KeyRingFile == "":
		return nil, errors.New("there is no key to seal secrets with: set key-ring-file (or key-ring); " +
			"patchbay keys create makes such a file")
	}
	return seal.FollowRingFile(s.KeyRingFile, log)
}
