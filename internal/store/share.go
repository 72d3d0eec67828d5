package store

import (
	"entgo.io/ent/dialect/sql"
)

// Share bounds what one claim takes of a table of due rows: PerProvider rows of one provider and PerCompany of one
// company, the oldest due first, and Limit in all. So one vendor that is slow, or one company with very much, leaves
// room for the others in every batch.
type Share struct {
	Limit, PerProvider, PerCompany int
}

// ShareOf returns the usual bounds of a batch: half of it for one provider, a quarter for one company.
func ShareOf(limit int) Share {
	return Share{Limit: limit, PerProvider: max(1, limit/2), PerCompany: max(1, limit/4)}
}

// Within returns a predicate that keeps to the share. The table has the columns id, provider and company_id; due is the
// column with the time at which a row is due; where narrows to the rows that are due and free, and has to be said of
// the claim itself as well, which another claim may have overtaken.
func (f Share) Within(due string, where ...func(*sql.Selector)) func(*sql.Selector) {
	return func(s *sql.Selector) {
		t := sql.Table(s.TableName())
		ranked := sql.Dialect(s.Dialect()).Select(t.C("id")).From(t)
		for _, narrow := range where {
			narrow(ranked)
		}
		rank := func(by string) sql.Querier {
			return sql.RowNumber().PartitionBy(t.C(by)).OrderBy(t.C(due), t.C("id"))
		}
		ranked.AppendSelectExprAs(rank("provider"), "of_provider").AppendSelectExprAs(rank("company_id"), "of_company")
		s.Where(sql.In(s.C("id"), sql.Dialect(s.Dialect()).Select("id").From(ranked.As("ranked")).
			Where(sql.And(sql.LTE("of_provider", f.PerProvider), sql.LTE("of_company", f.PerCompany)))))
	}
}
