package seal

import (
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// Key is one key of a ring.
type Key struct {
	ID uint32
	// Primary is true for the one that seals.
	Primary bool
}

// Keys returns the ring's keys in the order in which they were added.
func (r *Ring) Keys() []Key {
	r.follow()
	info := r.held.Load().handle.KeysetInfo()
	keys := make([]Key, 0, len(info.GetKeyInfo()))
	for _, k := range info.GetKeyInfo() {
		keys = append(keys, Key{ID: k.GetKeyId(), Primary: k.GetKeyId() == info.GetPrimaryKeyId()})
	}
	return keys
}

// Primary returns the id of the key that seals.
func (r *Ring) Primary() uint32 {
	r.follow()
	return r.held.Load().handle.KeysetInfo().GetPrimaryKeyId()
}

// Holds reports whether the ring has this key.
func (r *Ring) Holds(key uint32) bool {
	r.follow()
	return r.held.Load().holds(key)
}

// With returns a ring with one more key, which opens but does not seal yet, and its id.
func (r *Ring) With() (*Ring, uint32, error) {
	var id uint32
	made, err := r.change(func(m *keyset.Manager) (err error) {
		id, err = m.Add(aead.AES256GCMKeyTemplate())
		return err
	})
	return made, id, err
}

// Promote returns a ring in which this key seals and the others only open.
func (r *Ring) Promote(key uint32) (*Ring, error) {
	if !r.Holds(key) {
		return nil, noKey(key)
	}
	return r.change(func(m *keyset.Manager) error { return m.SetPrimary(key) })
}

// Without returns a ring that lacks this key: what it sealed opens never again. The primary key is refused.
func (r *Ring) Without(key uint32) (*Ring, error) {
	if !r.Holds(key) {
		return nil, noKey(key)
	}
	if r.Primary() == key {
		return nil, fmt.Errorf("key %d is the primary, with which everything is sealed: promote another first", key)
	}
	return r.change(func(m *keyset.Manager) error { return m.Delete(key) })
}

func noKey(key uint32) error { return fmt.Errorf("the key ring holds no key %d", key) }

func (r *Ring) change(do func(*keyset.Manager) error) (*Ring, error) {
	manager := keyset.NewManagerFromHandle(r.held.Load().handle) // works on a copy
	if err := do(manager); err != nil {
		return nil, errors.New("the key ring cannot be changed so")
	}
	h, err := manager.Handle()
	if err != nil {
		return nil, errors.New("the key ring cannot be changed so")
	}
	return ringOf(h)
}
