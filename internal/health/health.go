// Package health is the circuit breakers of the accounts, one per account, which all processes share.
//
// A process counts how the calls of an account end. Every second it adds its counts to the account's row in the store, where a
// pure function decides whether the circuit opens, and reads the rows of all accounts. While a circuit is open, no process calls
// the account. After a pause one process leases the probe, a single call, whose end closes the circuit or opens it anew.
//
// An account whose messaging limit is reached is not called either, without a probe, until the store says otherwise. Package
// templates counts the recipients.
//
// While the store is away, a process opens and closes the circuits alone, by its own calls.
package health

import (
	"context"
	"fmt"
	"time"
)

// Reason is why a circuit is open.
type Reason string

// The reasons.
const (
	AccountFaults Reason = "account_faults" // the provider refuses the account's calls, for example because of a wrong password
	Down          Reason = "down"           // the provider is not available
	UnknownEnds   Reason = "unknown_ends"   // many calls end without an answer
)

// Record is the circuit of an account as it is stored. The zero Record is that of an account that has had no calls.
type Record struct {
	IsOpen bool
	Reason Reason    // of an open circuit
	Since  time.Time // the begin of the state; it also identifies the state

	RetryAt    time.Time // of an open circuit: no call is made before it
	ProbeBy    string    // the lease of the probe; empty: none
	ProbeUntil time.Time // the end of the lease

	WindowStart time.Time
	Window      Counts

	ChangedBy string // the report that began the state
}

// isLeased reports whether a probe may be under way.
func (r Record) isLeased(now time.Time) bool { return r.ProbeBy != "" && now.Before(r.ProbeUntil) }

// nextProbe returns when a probe may be leased.
func (r Record) nextProbe() time.Time {
	if r.ProbeUntil.After(r.RetryAt) {
		return r.ProbeUntil
	}
	return r.RetryAt
}

// Limit is a messaging limit that is reached: so many different people got a message in the last 24 hours.
type Limit struct {
	Recipients int
	Since      time.Time
}

// reason says for people why an account sends nothing.
func (l Limit) reason() string {
	return fmt.Sprintf("the messaging limit of %d recipients in 24 hours is reached", l.Recipients)
}

// Counts are the ends of calls.
type Counts struct {
	Calls       int // all, with those that ended well
	Faults      int // refused for a reason of the account
	Unavailable int
	Unknown     int
}

func (c Counts) plus(o Counts) Counts {
	return Counts{
		Calls: c.Calls + o.Calls, Faults: c.Faults + o.Faults, Unavailable: c.Unavailable + o.Unavailable,
		Unknown: c.Unknown + o.Unknown,
	}
}

// Store keeps the circuits, one row per account.
type Store interface {
	// Now returns the time by the store's clock, without a query.
	Now() time.Time

	// ListHealth returns the circuits of all accounts.
	ListHealth(ctx context.Context) (map[string]Record, error)

	// ChangeHealth locks the row of an account and stores what change returns for it, or nothing if change returns false. The row
	// of an account that has none is the zero Record. Now is the time by the store's clock. change may run more than once.
	ChangeHealth(ctx context.Context, account string, change func(r Record, now time.Time) (Record, bool)) error

	// LeaseProbe stores a lease, if the circuit is open, its RetryAt has passed by the store's clock, and no other lease is
	// valid. It returns the circuit afterwards, and whether the lease was stored.
	LeaseProbe(ctx context.Context, account, lease string, length time.Duration) (Record, bool, error)

	// ListReached returns the accounts whose messaging limit is reached.
	ListReached(ctx context.Context) (map[string]Limit, error)

	// DeleteHealth deletes the row of an account, if there is one.
	DeleteHealth(ctx context.Context, account string) error
}
