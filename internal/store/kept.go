package store

import (
	"container/list"
	"database/sql/driver"
	"errors"
	"fmt"
)

// cachedStatements bounds what one connection keeps prepared. ent makes a few texts for each table and list length.
const cachedStatements = 256

// prepared is a statement that a connection keeps.
type prepared struct {
	query string
	stmt  interface {
		driver.Stmt
		driver.StmtExecContext
		driver.StmtQueryContext
	}
	busy bool // its rows are being read
	gone bool // dropped while busy: closed when its rows are
}

// kept holds one connection's prepared statements, the least recently used last.
type kept struct {
	size    int
	byQuery map[string]*list.Element
	order   *list.List
}

// newKept returns nil for size 0.
func newKept(size int) *kept {
	if size == 0 {
		return nil
	}
	return &kept{size: size, byQuery: map[string]*list.Element{}, order: list.New()}
}

func (k *kept) get(query string) *prepared {
	e, ok := k.byQuery[query]
	if !ok {
		return nil
	}
	k.order.MoveToFront(e)
	return e.Value.(*prepared)
}

// add keeps a statement and lets go of the one used longest ago when there are too many.
func (k *kept) add(query string, stmt driver.Stmt) (*prepared, error) {
	p := &prepared{query: query}
	var ok bool
	if p.stmt, ok = stmt.(interface {
		driver.Stmt
		driver.StmtExecContext
		driver.StmtQueryContext
	}); !ok {
		return nil, errors.Join(fmt.Errorf("store: a %T cannot be cancelled", stmt), stmt.Close())
	}
	k.byQuery[query] = k.order.PushFront(p)
	if k.order.Len() > k.size {
		k.drop(k.order.Back().Value.(*prepared))
	}
	return p, nil
}

// drop forgets a statement. An error of closing it would show again at the connection's next use.
func (k *kept) drop(p *prepared) {
	if e, ok := k.byQuery[p.query]; ok && e.Value == p {
		k.order.Remove(e)
		delete(k.byQuery, p.query)
	}
	if p.busy {
		p.gone = true
		return
	}
	_ = p.stmt.Close()
}

// close lets go of everything.
func (k *kept) close() {
	if k == nil {
		return
	}
	for e := k.order.Front(); e != nil; e = e.Next() {
		_ = e.Value.(*prepared).stmt.Close()
	}
	k.order.Init()
	clear(k.byQuery)
}
