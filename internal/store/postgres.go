package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"github.com/patchbay/patchbay/ent"
)

// Connections that are idle this long are closed, and none lives longer than the second, so that a pool moves along
// when the servers behind a name change.
const (
	connIdle = 5 * time.Minute
	connLife = time.Hour
)

func (s *Store) openPostgres(ctx context.Context, t target, listenURL string) error {
	s.direct = t.dsn
	switch {
	case listenURL != "":
		l, err := parseURL(listenURL)
		if err != nil {
			return fmt.Errorf("the listen URL: %w", err)
		}
		if l.dialect != Postgres || l.pooled {
			return errors.New("the listen URL must reach PostgreSQL itself, without a pooler")
		}
		s.direct = l.dsn
	case t.pooled:
		return errors.New("with pooler=transaction a listen URL is needed too: it must reach PostgreSQL itself, because " +
			"LISTEN and migrations need a connection of their own")
	}
	var err error
	if s.db, err = postgresPool(t); err != nil {
		return err
	}
	s.reads = s.db
	if err := s.db.PingContext(ctx); err != nil {
		_ = s.db.Close()
		return s.unreachable(ctx, err)
	}
	s.client = ent.NewClient(ent.Driver(entsql.OpenDB(Postgres, s.db)))
	s.hub = newHub()
	s.hub.remote = newRemote(s.direct, s.hub, s.log)
	s.crier = newCrier(s.db, s.log)
	return nil
}

func postgresPool(t target) (*sql.DB, error) {
	config, err := pq.NewConfig(t.dsn)
	if err != nil { // may quote the URL
		return nil, errors.New("the database URL has a parameter that cannot be read: look at sslmode, port, " +
			"connect_timeout and the files it names")
	}
	base, err := pq.NewConnectorConfig(config)
	if err != nil {
		return nil, errors.New("the database URL cannot be used")
	}
	cache := cachedStatements
	if t.pooled {
		cache = 0 // a prepared statement belongs to one server connection
	}
	base.Dialer(&dialer{})
	db := sql.OpenDB(&connector{Connector: base, cache: cache, remote: true})
	db.SetMaxOpenConns(t.conns)
	db.SetMaxIdleConns(t.conns)
	db.SetConnMaxIdleTime(connIdle)
	db.SetConnMaxLifetime(connLife)
	return db, nil
}

// unreachable says in one line why PostgreSQL cannot be used. Neither the driver's nor the server's errors hold a
// password.
func (s *Store) unreachable(ctx context.Context, err error) error {
	switch e, _ := errors.AsType[*pq.Error](err); {
	case ctx.Err() != nil:
		return fmt.Errorf("%s did not answer in time: %w", s.where, ctx.Err())
	case errors.Is(err, pq.ErrSSLNotSupported):
		return fmt.Errorf("%s speaks no TLS: add sslmode=disable to the database URL if the network between is trusted",
			s.where)
	case e != nil && (e.Code == pqerror.InvalidPassword || e.Code == pqerror.InvalidAuthorizationSpecification):
		return fmt.Errorf("%s refuses the user or password of the database URL", s.where)
	case e != nil && e.Code == pqerror.InvalidCatalogName:
		return fmt.Errorf("%s does not exist: create the database first", s.where)
	case e != nil:
		return fmt.Errorf("%s refuses the connection: %s", s.where, e.Message)
	default:
		return fmt.Errorf("cannot reach %s: %s", s.where, strings.ReplaceAll(err.Error(), "\n", " "))
	}
}
