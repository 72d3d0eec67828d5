package sandbox

import (
	"sync"
	"time"
	_ "time/tzdata" // people live in zones that the machine may not know
)

// account is a person of the sandbox who can sign in at its vendors.
type account struct {
	Name  string
	Email string
	// Zone is where the person lives: the calendar's time zone.
	Zone string
	// number tells the accounts' data apart.
	number string
}

// accountName is an account's e-mail address.
type accountName string

func (n accountName) is(a account) bool { return string(n) == a.Email }

// accounts are the people who can sign in; the first is chosen where nobody chooses.
var accounts = []account{
	{Name: "Ada Lovelace", Email: "ada@example.com", Zone: "Europe/Berlin", number: "108811234567890123451"},
	{Name: "Grace Hopper", Email: "grace@example.com", Zone: "America/New_York", number: "108811234567890123452"},
}

// accountOf returns the account with this address, and false when there is none.
func accountOf(email string) (account, bool) {
	for _, a := range accounts {
		if a.Email == email {
			return a, true
		}
	}
	return account{}, false
}

// location returns the account's time zone.
func (a account) location() *time.Location { return zone(a.Zone) }

var zones sync.Map // of *time.Location, by name: reading one is slow

// zone returns a time zone by its IANA name; the names come from the sandbox's own data.
func zone(name string) *time.Location {
	if l, ok := zones.Load(name); ok {
		return l.(*time.Location)
	}
	l, err := time.LoadLocation(name)
	if err != nil {
		panic("sandbox: unknown time zone " + name)
	}
	zones.Store(name, l)
	return l
}
