// Package read is the reading half of the schema: pages of root lists, pages of one list for many parents at once,
// counts and look-ups, as one statement each.
//
//	list ──┬── Page:   where … order by id limit                          one statement for a root list
//	       ├── Pages:  parents × LATERAL (where … order by id limit)      one statement for a level, however many parents
//	       ├── Counts: group by parent
//	       └── Reach:  exists, for a page's other end
//
// PostgreSQL runs LATERAL; SQLite runs a correlated subquery. Both stop at the limit inside each parent, so that a long
// history costs what is shown of it. The SQL is written by hand, therefore every statement says the viewer's company,
// and the user when the viewer is one: scope does that, and nothing here builds a statement without it. Values are
// bound, metadata keys included; a list is one bound value, so that the texts stay few and prepared.
package read
