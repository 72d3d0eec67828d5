package feed

// Follower is one who has joined a feed.
type Follower[P, T any] struct {
	feed   *Feed[P, T]
	wants  func(T) bool
	buffer chan Change[P, T]
}

// Join lets a follower that has everything up to at take part: missed are the changes behind at that were read before,
// those that come go to C. It reports false when at lies too far back: the follower reads on by itself and tries again.
// Wants is asked once for each change, under a lock, and must not block. Who has joined must Leave.
func (f *Feed[P, T]) Join(at P, wants func(T) bool) (follower *Follower[P, T], missed []Change[P, T], ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.table.Compare(at, f.behind) < 0 {
		return nil, nil, false
	}
	for _, c := range f.kept {
		if f.table.Compare(c.At, at) > 0 && wants(c.What) {
			missed = append(missed, c)
		}
	}
	follower = &Follower[P, T]{feed: f, wants: wants, buffer: make(chan Change[P, T], buffered)}
	f.live[follower] = struct{}{}
	return follower, missed, true
}

// C gives the changes that the follower wants, in order; some may lie before the place it has joined at. It is closed
// when the follower was too slow for its buffer, when changes were lost, and when the feed ends.
func (f *Follower[P, T]) C() <-chan Change[P, T] { return f.buffer }

// Leave ends the follower's part.
func (f *Follower[P, T]) Leave() {
	f.feed.mu.Lock()
	defer f.feed.mu.Unlock()
	f.lose()
}

func (f *Follower[P, T]) offer(c Change[P, T]) {
	if !f.wants(c.What) {
		return
	}
	select {
	case f.buffer <- c:
	default:
		f.lose()
	}
}

// lose lets go of the follower. It needs the feed's lock; calling it again changes nothing.
func (f *Follower[P, T]) lose() {
	if _, live := f.feed.live[f]; live {
		delete(f.feed.live, f)
		close(f.buffer)
	}
}
