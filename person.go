package backstop

import (
	"slices"
	"time"
)

// Role is what a person may do at the console.
type Role string

// The roles. Each one may do what the one before may do.
const (
	RoleViewer   Role = "viewer"
	RoleOperator Role = "operator"
	RoleAdmin    Role = "admin"
)

// Roles returns all roles, the least first.
func Roles() []Role { return []Role{RoleViewer, RoleOperator, RoleAdmin} }

// Scopes returns the scopes of a role; none if it is unknown.
func (r Role) Scopes() []Scope {
	switch r {
	case RoleViewer:
		return []Scope{ScopeSendsRead, ScopeSettingsRead}
	case RoleOperator:
		return []Scope{ScopeSendsWrite, ScopeSendsRead, ScopeSettingsWrite, ScopeSettingsRead}
	case RoleAdmin:
		return []Scope{ScopeAdmin}
	}
	return nil
}

// HighestRole returns the highest of some roles, or false if there is none.
func HighestRole(roles []Role) (Role, bool) {
	for _, role := range slices.Backward(Roles()) {
		if slices.Contains(roles, role) {
			return role, true
		}
	}
	return "", false
}

// Person is who has signed in at the identity provider.
type Person struct {
	ID   string // the subject: it is unique at the provider, and stays
	Name string // as people know it: an email address or a name
	Role Role
}

// Session is a session of the web console: of a person, or of an API key.
type Session struct {
	ID        string // a UUIDv7; it is no secret
	Person    Person // zero: the session is of a key
	Key       string // the id of the stored key; empty: BACKSTOP_API_KEY, or the session is of a person
	KeyName   string // empty: as Key
	Address   string // from which somebody signed in; empty: unknown
	Agent     string // what the browser calls itself
	CreatedAt time.Time
	SeenAt    time.Time // of the newest request; it may be a minute old
	ExpiresAt time.Time
}

// IsOfPerson reports whether a person has signed in.
func (s Session) IsOfPerson() bool { return s.Person.ID != "" }

// SessionOwner is a person or an API key whose sessions are meant.
type SessionOwner struct {
	Person string
	Key    string // the id of a stored key; both empty: BACKSTOP_API_KEY
}

// Owner returns whose session it is.
func (s Session) Owner() SessionOwner { return SessionOwner{Person: s.Person.ID, Key: s.Key} }

// SessionSeenEvery is how old the SeenAt of a session may be that is in use. Idle times of sessions are longer.
const SessionSeenEvery = time.Minute
