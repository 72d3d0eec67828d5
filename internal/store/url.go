package store

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	defaultConns  = 20
	maxConnsParam = "pool_max_conns"
	poolerParam   = "pooler"
)

// target is a database URL, read.
type target struct {
	dialect string
	where   string // for people
	path    string // SQLite
	dsn     string // PostgreSQL: the URL as lib/pq takes it
	pooled  bool   // PostgreSQL: behind a pooler that hands out connections by transaction
	conns   int    // PostgreSQL: at most this many connections
}

// parseURL never repeats its input in an error: it may hold a password.
func parseURL(raw string) (target, error) {
	scheme, rest, _ := strings.Cut(raw, ":")
	switch scheme {
	case "sqlite":
		return sqliteTarget(rest)
	case "postgres", "postgresql":
		return postgresTarget(raw)
	default:
		return target{}, errors.New("the database URL must begin with sqlite: or postgres://")
	}
}

func sqliteTarget(path string) (target, error) {
	path = strings.TrimPrefix(path, "//")
	if path == "" || path == ":memory:" {
		return target{}, errors.New("the database URL names no file: write sqlite:PATH")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return target{}, fmt.Errorf("find the database file: %w", err)
	}
	return target{dialect: SQLite, path: path, where: "the SQLite database " + path}, nil
}

func postgresTarget(raw string) (target, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return target{}, errors.New("the database URL cannot be read: characters such as @ / : # % in the user name " +
			"or password must be percent-encoded, and a socket directory goes into ?host=")
	}
	query := u.Query()
	t := target{dialect: Postgres, conns: defaultConns}
	switch v := query.Get(poolerParam); v {
	case "", "session":
	case "transaction":
		t.pooled = true
	default:
		return target{}, fmt.Errorf("the database URL says %s=%s: it must be session or transaction", poolerParam, v)
	}
	if v := query.Get(maxConnsParam); v != "" {
		if t.conns, err = strconv.Atoi(v); err != nil || t.conns < 2 {
			return target{}, fmt.Errorf("the database URL says %s=%s: it must be a number of at least 2", maxConnsParam, v)
		}
	}
	query.Del(poolerParam)
	query.Del(maxConnsParam)
	if query.Get("sslmode") == "" { // never left to the driver's default, which may change
		query.Set("sslmode", "require")
		if query.Get("sslrootcert") != "" {
			query.Set("sslmode", "verify-full")
		}
	}
	setDefault(query, "connect_timeout", "10")
	setDefault(query, "fallback_application_name", "patchbay")
	query.Set("timezone", "UTC")
	query.Set("binary_parameters", "no")
	if t.pooled {
		query.Set("binary_parameters", "yes")
	}
	u.RawQuery = query.Encode()
	t.dsn = u.String()
	t.where = "PostgreSQL at " + whereabouts(u, query)
	return t, nil
}

func setDefault(query url.Values, name, value string) {
	if query.Get(name) == "" {
		query.Set(name, value)
	}
}

func whereabouts(u *url.URL, query url.Values) string {
	host, port := u.Hostname(), u.Port()
	if v := query.Get("host"); v != "" {
		host = v
	}
	if v := query.Get("port"); v != "" {
		port = v
	}
	switch {
	case host == "":
		host = "localhost"
	case strings.HasPrefix(host, "/"):
		return host + u.Path
	}
	if port == "" {
		port = "5432"
	}
	return net.JoinHostPort(host, port) + u.Path
}
