// Package id makes and checks Patchbay's identifiers: a kind, an underscore and 26 characters of base32 UUIDv7, the
// TypeID format. They sort by the time they were made, so one column pages; the kind tells which table holds the row.
package id

import (
	"crypto/rand"
	"encoding/binary"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/patchbay/patchbay/internal/problem"
)

// Kind is what an identifier names; it is the identifier's prefix.
type Kind string

// The kinds of things that have an identifier.
const (
	Company        Kind = "co"
	APIKey         Kind = "key"
	User           Kind = "user"
	Personality    Kind = "per"
	Integration    Kind = "int"
	Credential     Kind = "cred"
	ConnectAttempt Kind = "att"
	Access         Kind = "acc"
	AuditEvent     Kind = "evt"
	UsageCounter   Kind = "use"
	HealthChange   Kind = "hch"
	Invocation     Kind = "inv"

	ProviderIllness Kind = "ill"
)

var kinds = map[Kind]bool{
	Company: true, APIKey: true, User: true, Personality: true, Integration: true, Credential: true,
	ConnectAttempt: true, Access: true, AuditEvent: true, UsageCounter: true, HealthChange: true,
	Invocation: true, ProviderIllness: true,
}

// MaxLen is the length of the longest identifier.
const MaxLen = 32

// alphabet is Crockford's base32 in lower case, which sorts as the bits do.
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

const bodyLen = 26

// A Source makes identifiers that never go back in order within one process. It is safe for concurrent use.
type Source struct {
	now    func() time.Time
	random io.Reader

	mu   sync.Mutex
	last uint64 // milliseconds << 12 | counter
}

// NewSource returns a Source that reads the time from now and unpredictable bits from the system.
func NewSource(now func() time.Time) *Source { return &Source{now: now, random: rand.Reader} }

// New returns a fresh identifier of kind k.
//
// The twelve bits that follow the millisecond count the identifiers made within it (RFC 9562 section 6.2, method 1),
// so two identifiers of one process always compare in the order they were made.
func (s *Source) New(k Kind) string {
	s.mu.Lock()
	tick := uint64(s.now().UnixMilli()) << 12
	if tick <= s.last {
		tick = s.last + 1
	}
	s.last = tick
	s.mu.Unlock()

	var b [16]byte
	ms := tick >> 12
	b[0], b[1], b[2], b[3], b[4], b[5] = byte(ms>>40), byte(ms>>32), byte(ms>>24), byte(ms>>16), byte(ms>>8), byte(ms)
	binary.BigEndian.PutUint16(b[6:], 0x7000|uint16(tick&0xfff))
	if _, err := io.ReadFull(s.random, b[8:]); err != nil {
		panic("id: the system has no random source: " + err.Error())
	}
	b[8] = b[8]&0x3f | 0x80
	return string(k) + "_" + encode(b)
}

// Floor returns a bound below every identifier of kind k that is made at t or later, and above those made before, to the
// millisecond. It names nothing.
func Floor(k Kind, t time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(max(t.UnixMilli(), 0))<<16) //nolint:gosec // not negative
	return string(k) + "_" + encode(b)
}

// encode writes 128 bits as 26 characters; the first carries only three bits.
func encode(b [16]byte) string {
	hi, lo := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	var out [bodyLen]byte
	for i := bodyLen - 1; i >= 0; i-- {
		out[i] = alphabet[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return string(out[:])
}

// KindOf returns the kind of a well-formed identifier, and false for anything else.
func KindOf(s string) (Kind, bool) {
	prefix, body, ok := strings.Cut(s, "_")
	if !ok || !kinds[Kind(prefix)] || len(body) != bodyLen || body[0] > '7' {
		return "", false
	}
	for i := range len(body) {
		if strings.IndexByte(alphabet, body[i]) < 0 {
			return "", false
		}
	}
	return Kind(prefix), true
}

// Check returns nil when s is a well-formed identifier of kind k, and otherwise an INVALID problem at the given field that
// says what was expected and what came, without repeating more of s than its kind.
func Check(k Kind, s string, field ...string) error {
	got, ok := KindOf(s)
	switch {
	case !ok:
		return problem.New(problem.Invalid,
			"Expected an id that begins with %s_ and has its full length, which this is not.", k).At(field...)
	case got != k:
		return problem.New(problem.Invalid, "Expected an id that begins with %s_, got one that begins with %s_.", k, got).
			At(field...)
	}
	return nil
}
