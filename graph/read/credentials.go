package read

import (
	"context"
	"time"

	"github.com/patchbay/patchbay/graph/model"
	"github.com/patchbay/patchbay/graph/page"
)

// Expiring is the list of credentials that end, the soonest first. Nothing sealed is read.
type Expiring struct {
	reader *Reader
	until  time.Time
	self   bool
}

// ExpiringCredentials returns the company's credentials that end before a time; with self, also those that renew
// themselves.
func (r *Reader) ExpiringCredentials(until time.Time, self bool) *Expiring {
	return &Expiring{reader: r, until: moment(until), self: self}
}

func (e *Expiring) conditions(s *statement) {
	s.within(scope{company: "company_id", user: "user_id"})
	s.add(" AND t.state = 'active' AND t.integration_id IS NOT NULL AND t.expires_at < ?", e.until)
	if !e.self {
		s.add(" AND coalesce(length(t.refresh_token), 0) = 0")
	}
}

// Page reads one page, and one row more if there is one.
func (e *Expiring) Page(ctx context.Context, q page.Request) ([]*model.ExpiringCredential, error) {
	s, err := e.reader.begin(ctx)
	if err != nil {
		return nil, err
	}
	s.add("SELECT t.id, t.integration_id, t.expires_at, coalesce(length(t.refresh_token), 0) > 0 FROM credentials AS t")
	e.conditions(s)
	if at, id, ok := page.CutTimed(q.After); ok {
		s.add(" AND (t.expires_at, t.id) > (?, ?)", at, id)
	}
	s.add(" ORDER BY t.expires_at, t.id LIMIT ?", q.Size+1)
	var out []*model.ExpiringCredential
	err = e.reader.each(ctx, s, func(scan func(...any) error) error {
		row := &model.ExpiringCredential{}
		out = append(out, row)
		return scan(&row.ID, &row.IntegrationID, &row.ExpiresAt, &row.RenewsItself)
	})
	return out, err
}

// Count implements page.Source.
func (e *Expiring) Count(ctx context.Context) (int, error) {
	s, err := e.reader.begin(ctx)
	if err != nil {
		return 0, err
	}
	s.add("SELECT count(*) FROM credentials AS t")
	e.conditions(s)
	return one[int](ctx, e.reader, s)
}

// Reaches implements page.Source.
func (e *Expiring) Reaches(ctx context.Context, from string, upwards bool) (bool, error) {
	s, err := e.reader.begin(ctx)
	if err != nil {
		return false, err
	}
	at, id, _ := page.CutTimed(from)
	s.add("SELECT EXISTS (SELECT 1 FROM credentials AS t")
	e.conditions(s)
	if upwards {
		s.add(" AND (t.expires_at, t.id) >= (?, ?))", at, id)
	} else {
		s.add(" AND (t.expires_at, t.id) <= (?, ?))", at, id)
	}
	return one[bool](ctx, e.reader, s)
}
