package main

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/lib/pq"
)

// The statements of the server by hand: one for each level, each row limited below its parent.
const (
	usersSQL = `select id, external_id, metadata from users where company_id = $1 order by id desc limit 20`
	linksSQL = `select i.user_id, i.id, i.provider, i.health_status, i.health_reason, i.scopes, i.last_used_at
		from unnest($1::text[]) with ordinality as p(id, n)
		cross join lateral (select * from integrations where user_id = p.id order by id limit 5) i order by p.n, i.id`
	eventsSQL = `select e.integration_id, e.event_type, e.timestamp from unnest($1::text[]) with ordinality as p(id, n)
		cross join lateral (select * from audit_events where integration_id = p.id order by id desc limit 3) e
		order by p.n, e.id desc`
)

// serveRows answers the nested read as somebody would write it for this one request: prepared statements, bytes appended,
// no authentication, no schema. It has the same settings of the collector.
func serveRows(ctx context.Context, database string) error {
	debug.SetGCPercent(400)
	db, err := sql.Open("postgres", database)
	if err != nil {
		return err
	}
	defer db.Close()
	var company string
	if err := db.QueryRowContext(ctx, "select id from companies").Scan(&company); err != nil {
		return err
	}
	var prepared [3]*sql.Stmt
	for i, text := range []string{usersSQL, linksSQL, eventsSQL} {
		if prepared[i], err = db.PrepareContext(ctx, text); err != nil {
			return err
		}
	}
	return serve(ctx, "rows", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := nested(r.Context(), prepared, company)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer)
	}))
}

// child is what one level has encoded for a parent so far.
type child struct {
	id   string
	head []byte // up to where the next level's edges go
}

func nested(ctx context.Context, prepared [3]*sql.Stmt, company string) ([]byte, error) {
	people, ids, err := level(ctx, prepared[0], []any{company}, func(rows *sql.Rows) (string, child, error) {
		var id string
		var external sql.NullString
		var metadata []byte
		err := rows.Scan(&id, &external, &metadata)
		b := append([]byte(`{"node":{"id":"`), id...)
		b = append(b, `","externalId":`...)
		b = strconv.AppendQuote(b, external.String)
		b = append(b, `,"metadata":`...)
		b = append(b, metadata...)
		b = append(b, `,"integrations":{"edges":[`...)
		return "", child{id, b}, err
	})
	if err != nil {
		return nil, err
	}
	links, linkIDs, err := level(ctx, prepared[1], []any{pq.Array(ids)}, func(rows *sql.Rows) (string, child, error) {
		var user, id, provider, status, reason string
		var scopes []byte
		var used sql.NullTime
		err := rows.Scan(&user, &id, &provider, &status, &reason, &scopes, &used)
		b := append([]byte(`{"node":{"id":"`), id...)
		b = append(b, `","provider":{"name":"`...)
		b = append(b, provider...)
		b = append(b, `"},"status":"CONNECTED","scopes":`...) // every row of this world is healthy
		b = append(b, scopes...)
		b = append(b, `,"lastUsedAt":"`...)
		b = used.Time.UTC().AppendFormat(b, time.RFC3339Nano)
		b = append(b, `","auditEvents":{"edges":[`...)
		return user, child{id, b}, err
	})
	if err != nil {
		return nil, err
	}
	events, _, err := level(ctx, prepared[2], []any{pq.Array(linkIDs)}, func(rows *sql.Rows) (string, child, error) {
		var link, kind string
		var at time.Time
		err := rows.Scan(&link, &kind, &at)
		b := append([]byte(`{"node":{"eventType":"`), kind...)
		b = append(b, `","timestamp":"`...)
		b = at.UTC().AppendFormat(b, time.RFC3339Nano)
		b = append(b, `"}}`...)
		return link, child{"", b}, err
	})
	if err != nil {
		return nil, err
	}

	out := make([]byte, 0, 64<<10)
	out = append(out, `{"data":{"users":{"edges":[`...)
	for i, person := range people[""] {
		out = comma(out, i)
		out = append(out, person.head...)
		for j, link := range links[person.id] {
			out = comma(out, j)
			out = append(out, link.head...)
			for k, event := range events[link.id] {
				out = comma(out, k)
				out = append(out, event.head...)
			}
			out = append(out, `]}}}`...)
		}
		out = append(out, `]}}}`...)
	}
	return append(out, `]}}}`...), nil
}

func comma(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return b
}

// level runs one statement and groups what it returns by parent; it also returns the ids in order.
func level(ctx context.Context, stmt *sql.Stmt, args []any, scan func(*sql.Rows) (string, child, error)) (map[string][]child, []string, error) {
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	out := map[string][]child{}
	var ids []string
	for rows.Next() {
		parent, c, err := scan(rows)
		if err != nil {
			return nil, nil, err
		}
		out[parent] = append(out[parent], c)
		ids = append(ids, c.id)
	}
	return out, ids, rows.Err()
}

// serve serves on a free port until ctx ends, and says where.
func serve(ctx context.Context, name string, h http.Handler) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s listens on %s\n", name, l.Addr())
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(l); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}
