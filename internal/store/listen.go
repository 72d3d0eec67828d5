package store

import (
	"context"
	"sync"
)

// maxPayloads bounds what a Subscription that nobody reads remembers; more becomes a resync.
const maxPayloads = 1000

// Subscription collects the notifications of one channel between two looks at them. However slow its reader, it holds
// each payload once and delays nobody.
type Subscription struct {
	wake chan struct{}

	mu       sync.Mutex
	ended    bool
	resync   bool
	payloads []string
	seen     map[string]struct{}
}

// C returns the channel that receives when there is something to Take. It is closed when the Subscription ends.
func (s *Subscription) C() <-chan struct{} { return s.wake }

// Take returns the payloads since the last call, each once, in the order of their first arrival. resync is true when
// some may have been missed: the reader then looks at everything.
func (s *Subscription) Take() (payloads []string, resync bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	payloads, resync = s.payloads, s.resync
	s.payloads, s.resync = nil, false
	clear(s.seen)
	return payloads, resync
}

func (s *Subscription) add(payload string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.seen[payload]; !known && !s.resync {
		s.seen[payload] = struct{}{}
		s.payloads = append(s.payloads, payload)
	}
	if len(s.payloads) > maxPayloads {
		s.missed()
	}
	s.ring()
}

func (s *Subscription) lost() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.missed()
	s.ring()
}

func (s *Subscription) missed() {
	s.resync, s.payloads = true, nil
	clear(s.seen)
}

// ring wakes the reader, once however often it is called before the reader looks.
func (s *Subscription) ring() {
	if s.ended {
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Subscription) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.ended = true
		close(s.wake)
	}
}

// Listen subscribes to a channel of Notify, on every replica when the database is PostgreSQL, until ctx ends or the
// Store is closed. It returns once notifications arrive, so that what is read after it misses nothing. It blocks while
// PostgreSQL cannot be reached.
func (s *Store) Listen(ctx context.Context, channel string) (*Subscription, error) {
	return s.listen(ctx, topic{channel: channel})
}

// ListenTo is Listen for the notifications with one payload: others wake nobody, however many there are.
func (s *Store) ListenTo(ctx context.Context, channel, payload string) (*Subscription, error) {
	return s.listen(ctx, topic{channel, payload})
}

func (s *Store) listen(ctx context.Context, t topic) (*Subscription, error) {
	sub, err := s.hub.subscribe(t)
	if err != nil {
		return nil, err
	}
	if s.hub.remote != nil {
		if err := s.hub.remote.listen(ctx, t.channel); err != nil {
			s.hub.unsubscribe(t, sub)
			return nil, err
		}
	}
	context.AfterFunc(ctx, func() { s.hub.unsubscribe(t, sub) })
	return sub, nil
}

// Notify wakes those who Listen to a channel, on PostgreSQL in every replica, once the transaction that ctx is inside
// of is committed. Equal payloads of one transaction arrive once. A payload is an id: PostgreSQL takes at most 7,999
// bytes.
func (s *Store) Notify(ctx context.Context, channel, payload string) error {
	if s.dialect == Postgres {
		_, err := s.SQL(ctx).ExecContext(ctx, "select pg_notify($1, $2)", channel, payload)
		return err
	}
	s.AfterCommit(ctx, func() { s.hub.deliver(channel, payload) })
	return nil
}

// Wake is Notify for what happens all the time: it costs the transaction that ctx is inside of nothing. Once that is
// committed it wakes those who Listen here, and on PostgreSQL, together with what others have said in the same moment,
// those in other replicas. A process that is killed in that moment tells nobody, and what the database cannot take just
// then is not told either: whoever listens has to look now and then.
func (s *Store) Wake(ctx context.Context, channel, payload string) {
	s.AfterCommit(ctx, func() {
		s.hub.deliver(channel, payload)
		if s.crier != nil {
			s.crier.tell(topic{channel, payload})
		}
	})
}
