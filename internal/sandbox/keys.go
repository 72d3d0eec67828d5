package sandbox

// keyID is the id of the grant that stands for a typed-in key of a client group.
func keyID(group, kind, key string) string {
	return "key_" + digest(group + " " + kind + " " + key)[:24]
}

// known returns the live grant with this id, nil when there is none.
func (l *ledger) known(id string) *Grant {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.state.live(id)
	if g == nil {
		return nil
	}
	c := *g
	return &c
}

// key returns the live grant that stands for a typed-in key of a client group: its first use makes it. It is nil for a
// key that has been revoked.
func (l *ledger) key(group, kind, key string) (*Grant, error) {
	id := keyID(group, kind, key)
	l.mu.Lock()
	_, before := l.state.Grants[id]
	l.mu.Unlock()
	if !before {
		err := l.change(func(st *state) {
			if st.Grants[id] == nil {
				st.Grants[id] = &Grant{
					ID: id, Group: group, Account: accounts[0].Email, Scopes: []string{}, CreatedAt: l.now(),
				}
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return l.known(id), nil
}
