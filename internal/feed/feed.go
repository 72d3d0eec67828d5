package feed

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// buffered is how many changes wait for one follower.
	buffered = 64
	// recent is how many changes are kept at least for those who join a little behind.
	recent = 128
	// retryFirst and retryLast pace the attempts while the database does not answer.
	retryFirst = 50 * time.Millisecond
	retryLast  = 2 * time.Second
	// pendingFirst and pendingLast pace the looks at what is there and cannot be told yet.
	pendingFirst = 10 * time.Millisecond
	pendingLast  = 250 * time.Millisecond
)

// Waker tells that there may be something to read; store.Subscription is one.
type Waker interface {
	// C receives when there is, and is closed when nothing will come any more.
	C() <-chan struct{}
	// Take resets C. Lost is true when changes may have been missed.
	Take() (payloads []string, lost bool)
}

// Change is one row at its place in the order.
type Change[P, T any] struct {
	At   P
	What T
}

// Batch is what one read has found.
type Batch[P, T any] struct {
	Changes []Change[P, T]
	// At is the place up to which everything has been read.
	At P
	// More asks to be read again at once.
	More bool
	// Pending says that there is more, whose time to be told has not come yet and is announced by nobody.
	Pending bool
	// Broken says that changes before these are lost: whoever follows must be told.
	Broken bool
}

// Table says how the changes of one company are read. P is a place in their order.
type Table[P, T any] struct {
	Listen  func(ctx context.Context, company string) (Waker, error)
	End     func(ctx context.Context, company string) (P, error)
	Read    func(ctx context.Context, company string, after P) (Batch[P, T], error)
	Compare func(a, b P) int
	// Look is after how long a silence to read although nobody wakes, where a wake can be lost; 0 for never.
	Look time.Duration
	Log  *slog.Logger
}

// Feeds are the companies that somebody in this process follows. The zero value is ready. It is safe for concurrent use.
type Feeds[P, T any] struct {
	mu   sync.Mutex
	open map[string]*Feed[P, T]
}

// Enter returns the company's feed once it reads, beginning it when nobody else has. Whoever enters must Leave.
func (f *Feeds[P, T]) Enter(ctx context.Context, t *Table[P, T], company string) (*Feed[P, T], error) {
	f.mu.Lock()
	one := f.open[company]
	if one == nil {
		one = &Feed[P, T]{feeds: f, table: t, company: company, ready: make(chan struct{}), live: map[*Follower[P, T]]struct{}{}}
		// The first follower's values come along, the end of its context does not.
		one.ctx, one.cancel = context.WithCancel(context.WithoutCancel(ctx))
		if f.open == nil {
			f.open = map[string]*Feed[P, T]{}
		}
		f.open[company] = one
		go one.run()
	}
	one.inside++
	f.mu.Unlock()

	select {
	case <-one.ready:
	case <-ctx.Done():
		one.Leave()
		return nil, context.Cause(ctx)
	}
	if one.failed != nil {
		one.Leave()
		return nil, one.failed
	}
	return one, nil
}

// Feed is one company's.
type Feed[P, T any] struct {
	feeds   *Feeds[P, T]
	table   *Table[P, T]
	company string
	inside  int // guarded by feeds.mu

	ctx    context.Context //nolint:containedctx // the reader's own: it belongs to no caller
	cancel context.CancelFunc
	ready  chan struct{} // closed once failed is settled
	failed error

	mu   sync.Mutex
	at   P
	kept []Change[P, T] // the last ones, oldest first
	live map[*Follower[P, T]]struct{}
	// behind is the place before the oldest that is kept.
	behind P
}

// Context ends when the feed reads no more: the store is closed, or everybody has left.
func (f *Feed[P, T]) Context() context.Context { return f.ctx }

// Leave says that one who has entered needs the feed no more.
func (f *Feed[P, T]) Leave() {
	f.feeds.mu.Lock()
	defer f.feeds.mu.Unlock()
	if f.inside--; f.inside == 0 {
		f.close()
	}
}

// close ends the reader and forgets the feed, so that the next who enters begins another. It needs feeds.mu.
func (f *Feed[P, T]) close() {
	f.cancel()
	if f.feeds.open[f.company] == f {
		delete(f.feeds.open, f.company)
	}
}

// run reads until the feed is closed or nothing can wake it any more.
func (f *Feed[P, T]) run() {
	defer func() {
		f.feeds.mu.Lock()
		f.close()
		f.feeds.mu.Unlock()
		f.drop()
	}()
	waker, err := f.table.Listen(f.ctx, f.company)
	if err == nil {
		f.at, err = f.table.End(f.ctx, f.company)
		f.behind = f.at
	}
	f.failed = err
	close(f.ready)
	if err != nil {
		return
	}
	pause, patience := retryFirst, pendingFirst
	for {
		told, pending, err := f.read()
		again := f.table.Look
		if err == nil {
			pause = retryFirst
		}
		if told || !pending {
			patience = pendingFirst
		}
		switch {
		case f.ctx.Err() != nil:
			return
		case err != nil:
			f.table.Log.WarnContext(f.ctx, "cannot read changes, trying again", "company", f.company, "error", err)
			again, pause = pause, min(2*pause, retryLast)
		case pending:
			again, patience = patience, min(2*patience, pendingLast)
		}
		if !f.wait(waker, again) {
			return
		}
	}
}

// wait returns when there may be something to read, and false when there never will be.
func (f *Feed[P, T]) wait(waker Waker, again time.Duration) bool {
	var due <-chan time.Time
	if again > 0 {
		timer := time.NewTimer(again)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-f.ctx.Done():
		return false
	case <-due:
	case _, open := <-waker.C():
		if !open {
			return false
		}
		waker.Take() // whatever was lost is read by place
	}
	return true
}

// read hands on everything that is new. It reports whether that was anything, and whether there is more that has to wait.
func (f *Feed[P, T]) read() (told, pending bool, err error) {
	for {
		batch, err := f.table.Read(f.ctx, f.company, f.at)
		if err != nil {
			return told, false, err
		}
		f.publish(batch)
		told = told || len(batch.Changes) > 0
		if !batch.More {
			return told, batch.Pending, nil
		}
	}
}

func (f *Feed[P, T]) publish(b Batch[P, T]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if b.Broken {
		f.kept = nil
		f.lose()
	}
	for _, c := range b.Changes {
		for follower := range f.live {
			follower.offer(c)
		}
	}
	f.at = b.At
	if b.Broken {
		f.behind = b.At
		return
	}
	f.kept = append(f.kept, b.Changes...)
	if len(f.kept) >= 2*recent { // not each time: it copies
		over := len(f.kept) - recent
		f.behind = f.kept[over-1].At
		f.kept = append(make([]Change[P, T], 0, 2*recent), f.kept[over:]...)
	}
}

// drop lets go of everybody who has joined.
func (f *Feed[P, T]) drop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lose()
}

func (f *Feed[P, T]) lose() {
	for follower := range f.live {
		follower.lose()
	}
}
