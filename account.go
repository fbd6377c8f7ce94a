package backstop

import (
	"slices"
	"strings"
	"time"
)

// MaxAccounts is the most accounts that are stored.
const MaxAccounts = 500

// FormerSecretsValid is how long former secrets verify webhooks, unless the change says otherwise. MaxFormerSecretsValid is the
// longest time.
const (
	FormerSecretsValid    = 7 * 24 * time.Hour
	MaxFormerSecretsValid = 366 * 24 * time.Hour
)

// MaxFormerSecrets is the most former secrets of an account. A webhook may be checked with each of them.
const MaxFormerSecrets = 32

// WebhookKeyField is the field of a FormerSetting that is a former key of the webhook's address. No driver has such a field.
const WebhookKeyField = "webhook_key"

// FormerAt returns the former secrets that are valid at a time.
func (a Account) FormerAt(now time.Time) []FormerSetting {
	var valid []FormerSetting
	for _, f := range a.Former {
		if now.Before(f.ValidUntil) {
			valid = append(valid, f)
		}
	}
	return valid
}

// WebhookKeys returns the keys that are valid in the address of the account's webhook at a time. The first is the present one.
func (a Account) WebhookKeys(now time.Time) []string {
	var keys []string
	if a.WebhookKey != "" {
		keys = append(keys, a.WebhookKey)
	}
	for _, f := range a.FormerAt(now) {
		if f.Field == WebhookKeyField && f.Value != "" {
			keys = append(keys, f.Value)
		}
	}
	return keys
}

// AccountState is an account as the API shows it. No value of a secret is in it, except the key in WebhookURL.
type AccountState struct {
	Account

	SecretsSet         []string  // the names of the secrets that the account has
	WebhookURL         string    // the full address, with its key if the provider signs nothing
	FormerWebhookUntil time.Time // when the former key of the address ends; zero if there is none
	Unchecked          string    // why the provider could not be asked before the account was stored; empty if it was
	Fault              string    // why the account cannot be used; empty if it can
	HidesStored        bool      // an account of the environment that hides a stored one of the same name
	Health             AccountHealth
	Profile            *AccountProfile // nil: the provider was not asked, or has none
}

// AccountHealth is the health of an account, as its calls show it.
type AccountHealth struct {
	State  HealthState
	Since  time.Time // zero if it is not known
	Reason string
}

// HealthState is a state of an account's health.
type HealthState string

// The states. An unhealthy account is not called. A probing one gets a single call.
const (
	Healthy       HealthState = "healthy"
	Unhealthy     HealthState = "unhealthy"
	Probing       HealthState = "probing"
	UnknownHealth HealthState = "unknown"
)

// AccountChange are the new values of an account. Its name decides which account changes. The provider, the channel and all that
// the store sets keep their values.
type AccountChange struct {
	// Account has the new values. A secret that is absent in its Settings keeps its value, and an empty one is removed.
	Account Account

	NewWebhookKey bool // the address of the webhook gets a new key

	// KeepFormerUntil is when the former values of changed secrets end. Nil: FormerSecretsValid from now. A past time ends all
	// former values at once.
	KeepFormerUntil *time.Time
}

// AccountCheck is the result of a check of an account.
type AccountCheck struct {
	Result CheckResult
	Fields []Field // of CheckRefused: the settings that are wrong
	Reason string  // of CheckUnreachable and CheckNotPossible
}

// CheckResult is what a check of an account found.
type CheckResult string

// The results.
const (
	CheckWorks       CheckResult = "works"
	CheckRefused     CheckResult = "refused"
	CheckUnreachable CheckResult = "unreachable"
	CheckNotPossible CheckResult = "not_checkable"
)

// AccountFilter selects accounts of a list. A zero field selects all.
type AccountFilter struct {
	Search   string // a part of the name
	Channel  Channel
	Provider string
	Disabled *bool
}

// Selects reports whether the account passes the filter.
func (f AccountFilter) Selects(a Account) bool {
	return strings.Contains(a.Name, strings.ToLower(f.Search)) &&
		(f.Channel == "" || f.Channel == a.Channel) &&
		(f.Provider == "" || f.Provider == a.Provider) &&
		(f.Disabled == nil || *f.Disabled == a.IsDisabled)
}

// Secrets returns the names of the fields that are secrets.
func (p Provider) Secrets() []string {
	var names []string
	for _, field := range p.Fields {
		if field.Kind == SecretField {
			names = append(names, field.Name)
		}
	}
	return names
}

// IsSecret reports whether a field is a secret. A field that the provider does not have counts as one.
func (p Provider) IsSecret(field string) bool {
	f, known := p.Field(field)
	return !known || f.Kind == SecretField
}

// Verifying returns the names of the fields that verify webhooks.
func (p Provider) Verifying() []string {
	fields := slices.DeleteFunc(slices.Clone(p.Fields), func(f AccountField) bool { return !f.Verifies })
	names := make([]string, len(fields))
	for i, field := range fields {
		names[i] = field.Name
	}
	return names
}
