package read

import (
	"context"
	"time"
)

// Usage is how often one integration was asked.
type Usage struct{ Today, Total int64 }

// Usage counts the questions to each of many integrations, in the order of integrations; day is today's date in UTC. It
// is one statement.
func (r *Reader) Usage(ctx context.Context, integrations []string, day time.Time) ([]Usage, error) {
	out := make([]Usage, len(integrations))
	s, err := r.begin(ctx)
	if err != nil {
		return nil, err
	}
	s.add("SELECT p.n, CAST(sum(CASE WHEN t.day = ? THEN t.queries ELSE 0 END) AS bigint),"+
		" CAST(sum(t.queries) AS bigint) FROM ", day.UTC().Format(time.DateOnly))
	s.parents(integrations)
	s.add(" CROSS JOIN usage_counters AS t")
	s.within(scope{company: "company_id", user: throughIntegration})
	s.add(" AND t.integration_id = p.id GROUP BY p.n")
	err = r.each(ctx, s, func(scan func(...any) error) error {
		var n int
		var u Usage
		err := scan(&n, &u.Today, &u.Total)
		if err == nil {
			out[n] = u
		}
		return err
	})
	return out, err
}
