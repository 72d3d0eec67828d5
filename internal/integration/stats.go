package integration

import (
	"context"
	"fmt"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/patchbay/patchbay/ent/usagecounter"
)

// Stats is how much an integration was asked. QueriesToday counts since midnight UTC.
type Stats struct {
	QueriesToday int64 `json:"queries_today"`
	QueriesTotal int64 `json:"queries_total"`
}

// Stats returns the numbers of each integration, in one statement. One that was never asked has zeros.
func (s *Service) Stats(ctx context.Context, integrationIDs ...string) (map[string]Stats, error) {
	var rows []struct {
		IntegrationID string `json:"integration_id"`
		Stats
	}
	today := s.Now().UTC().Format(time.DateOnly)
	err := s.Store.Client(ctx).UsageCounter.Query().Where(usagecounter.IntegrationIDIn(integrationIDs...)).
		Modify(func(q *sql.Selector) {
			queries, day := q.C(usagecounter.FieldQueries), q.C(usagecounter.FieldDay)
			q.Select(q.C(usagecounter.FieldIntegrationID)).
				AppendSelectExprAs(sql.Expr("CAST(SUM("+queries+") AS bigint)"), "queries_total").
				AppendSelectExprAs(sql.ExprFunc(func(b *sql.Builder) {
					b.WriteString("CAST(SUM(CASE WHEN " + day + " = ").Arg(today).
						WriteString(" THEN " + queries + " ELSE 0 END) AS bigint)")
				}), "queries_today").
				GroupBy(q.C(usagecounter.FieldIntegrationID))
		}).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	out := make(map[string]Stats, len(integrationIDs))
	for _, one := range integrationIDs {
		out[one] = Stats{}
	}
	for _, row := range rows {
		out[row.IntegrationID] = row.Stats
	}
	return out, nil
}
