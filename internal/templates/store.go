// Package templates reads the WhatsApp templates and the number of each account from its provider, every 10 minutes and when a
// webhook reports a change. It counts the recipients of the accounts whose number has a messaging limit.
package templates

import (
	"context"
	"time"

	"github.com/backstophq/backstop"
)

// Store stores what providers report. The errors of its methods have the type backstop.Error and the code TryLater, or are
// faults.
type Store interface {
	// DueSyncs returns the accounts that are due, of those given with their versions.
	DueSyncs(ctx context.Context, versions map[string]int) ([]string, error)
	// ClaimSync claims an account that is due, until the end of the lease. It returns false if another process has claimed it.
	ClaimSync(ctx context.Context, account string, version int, lease time.Duration) (Claim, bool, error)
	// SaveSync stores what was read, and ends the claim. It returns what was stored before, or false if the claim was lost.
	SaveSync(ctx context.Context, claim Claim, r Reading) (Stored, bool, error)
	// ApplyNotice stores a change that a provider reported, and makes the account due. It returns the template before the change,
	// or nil if the notice is about no stored template.
	ApplyNotice(ctx context.Context, account string, n backstop.Notice) (*backstop.MessageTemplate, error)

	// ListLimits returns the messaging limits of accounts, without Group. An account whose provider reports none may be absent.
	ListLimits(ctx context.Context, accounts []string) ([]Limit, error)
	// ClaimCount claims the count of an account until the end of the lease. It returns false if another process has claimed it.
	ClaimCount(ctx context.Context, l Limit, lease time.Duration) (CountClaim, bool, error)
	// CountRecipients counts the different recipients of accounts in the last 24 hours, outside customer service windows.
	CountRecipients(ctx context.Context, accounts []string) (int, error)
	// SaveCount stores a count, and ends the claim. It returns false if the claim was lost.
	SaveCount(ctx context.Context, claim CountClaim, c Count) (bool, error)
}

// Claim is an account that this process reads now.
type Claim struct {
	Account  string
	Token    string
	Failures int // of the readings before, in a row
}

// Reading is what was read of an account's provider.
type Reading struct {
	// Templates are all templates of the account, if HasTemplates is true. Otherwise the stored ones stay, unless DropTemplates
	// is true: the account has none any more.
	Templates     []backstop.MessageTemplate
	HasTemplates  bool
	DropTemplates bool

	Profile *backstop.NumberProfile // nil: the stored one stays
	Fault   string                  // what could not be read, and why; empty if all was read
	Next    time.Duration           // until the account is due again
}

// Stored is what was stored of an account.
type Stored struct {
	Templates []backstop.MessageTemplate
	IsSynced  bool                    // its templates were read before
	Profile   *backstop.NumberProfile // nil: it was not read before
}
