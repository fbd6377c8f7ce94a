package backstop

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Bounds of API keys.
const (
	MaxKeys       = 500
	MaxKeyRate    = 10_000 // requests a second
	MaxKeyTargets = 100    // policies, and accounts
	// DefaultKeyOverlap is how long the former secret of a rotated key stays valid, if the request does not say it.
	DefaultKeyOverlap = 24 * time.Hour
	MaxKeyOverlap     = 30 * 24 * time.Hour
)

// Scope is what an API key may do.
type Scope string

// The scopes. The contract names that of each operation. ScopeAdmin implies all.
const (
	ScopeSendsWrite    Scope = "sends:write"
	ScopeSendsRead     Scope = "sends:read"
	ScopeSettingsWrite Scope = "settings:write"
	ScopeSettingsRead  Scope = "settings:read"
	ScopeAdmin         Scope = "admin"
)

// Scopes returns all scopes.
func Scopes() []Scope {
	return []Scope{ScopeSendsWrite, ScopeSendsRead, ScopeSettingsWrite, ScopeSettingsRead, ScopeAdmin}
}

// KeyKind is a kind of API keys.
type KeyKind string

// The kinds. The sends of a test key go to the accounts of the sandbox alone.
const (
	KeyLive KeyKind = "live"
	KeyTest KeyKind = "test"
)

// APIKeyInput is what an administrator sets of an API key.
type APIKeyInput struct {
	Name      string
	Scopes    []Scope
	Policies  []string // ids; empty: all, and sends with rules of their own
	Accounts  []string // names; empty: all
	RateLimit int      // requests a second in each process; 0: no limit
	Callback  *Callback
	ExpiresAt *time.Time
}

// APIKey is an API key, without its secret.
type APIKey struct {
	APIKeyInput

	ID          string
	Kind        KeyKind
	Prefix      string     // of the secret, for people
	Former      string     // the prefix of the former secret; empty if there is none
	FormerUntil *time.Time // when the former secret ends
	LastUsedAt  *time.Time // it may be a minute old
	Version     int
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Has reports whether the key has a scope.
func (k APIKey) Has(scope Scope) bool {
	return slices.Contains(k.Scopes, scope) || slices.Contains(k.Scopes, ScopeAdmin)
}

// IsExpired reports whether the key has ended.
func (k APIKey) IsExpired(now time.Time) bool { return k.ExpiresAt != nil && !now.Before(*k.ExpiresAt) }

// IsTest reports whether the key sends by the sandbox.
func (k APIKey) IsTest() bool { return k.Kind == KeyTest }

// IsLimited reports whether the key sees only some of the sends.
func (k APIKey) IsLimited() bool { return len(k.Policies) > 0 || k.IsTest() }

// Sees reports whether the key may read and end a send. A send with rules of its own has no policy.
func (k APIKey) Sees(s Send) bool {
	return (len(k.Policies) == 0 || slices.Contains(k.Policies, s.Plan.PolicyID)) && (!k.IsTest() || s.IsTest)
}

// CheckPolicy returns an Error if the key may not use the policy of a send; "": the send has rules of its own.
func (k APIKey) CheckPolicy(id string) error {
	if len(k.Policies) == 0 || slices.Contains(k.Policies, id) {
		return nil
	}
	if id == "" {
		return outsideKey("fallback.rules", "the API key is for certain policies: name one of them")
	}
	return outsideKey("fallback.policy_id", "is not a policy of the API key")
}

// CheckPlan returns an Error if the plan of a send has an account that the key may not use.
func (k APIKey) CheckPlan(p Plan) error {
	if len(k.Accounts) == 0 {
		return nil
	}
	if !slices.Contains(k.Accounts, p.Account) {
		return outsideKey("whatsapp.account", "is not an account of the API key: "+p.Account)
	}
	for _, rule := range p.Rules {
		for _, route := range rule.Routes {
			if !slices.Contains(k.Accounts, route.Account) {
				return outsideKey("fallback.routes", "has an account that is not one of the API key: "+route.Account)
			}
		}
	}
	return nil
}

func outsideKey(field, reason string) error {
	return &Error{
		Code: Invalid, Message: "the API key does not allow this send",
		Fields: []Field{NewField(field, FieldOutsideKey, reason)},
	}
}

// Validate returns an Error of code Invalid that names every wrong field. It does not check the addresses of the callback.
func (in APIKeyInput) Validate(kind KeyKind, now time.Time) error {
	var f fields
	validateName(&f, in.Name)
	validateChoice(&f, "kind", kind, KeyLive, KeyTest)
	in.validateScopes(&f, kind)
	validateTargets(&f, "policies", in.Policies)
	validateTargets(&f, "accounts", in.Accounts)
	if in.RateLimit < 0 || in.RateLimit > MaxKeyRate {
		f.addBetween("rate_limit", FieldValueBetween, "must be between %d and %d", 0, MaxKeyRate)
	}
	if in.Callback != nil {
		in.Callback.validate(&f, "callback.")
	}
	if at := in.ExpiresAt; at != nil {
		switch {
		case !ValidTime(*at):
			f.addTime("expires_at")
		case !at.After(now):
			f.add("expires_at", FieldMustBeFuture, "must be in the future")
		}
	}
	return f.err("the API key is not valid")
}

// validateScopes refuses scopes by which a limited key could leave its limits.
func (in APIKeyInput) validateScopes(f *fields, kind KeyKind) {
	isLimited := kind == KeyTest || len(in.Policies) > 0 || len(in.Accounts) > 0
	if len(in.Scopes) == 0 {
		f.add("scopes", FieldItemsMin, "must have at least 1 item", "min", "1")
	}
	for i, scope := range in.Scopes {
		name := fmt.Sprintf("scopes.%d", i)
		switch {
		case !slices.Contains(Scopes(), scope):
			all := joinWords(Scopes())
			f.add(name, FieldOneOf, "must be one of "+all, "values", all)
		case slices.Contains(in.Scopes[:i], scope):
			f.add(name, FieldGivenTwice, "is given twice")
		case isLimited && (scope == ScopeSettingsWrite || scope == ScopeAdmin):
			f.add(name, FieldScopeOfLimited, "is not possible for a test key, or one with policies or accounts")
		}
	}
}

func validateTargets(f *fields, name string, targets []string) {
	if len(targets) > MaxKeyTargets {
		f.addMax(name, FieldItemsMax, "must have at most %d items", MaxKeyTargets)
	}
	for i, target := range targets {
		if slices.Contains(targets[:i], target) {
			f.add(fmt.Sprintf("%s.%d", name, i), FieldGivenTwice, "is given twice")
		}
	}
}

// secretForm is the form of the secrets: 8 characters to recognise a key by, and 256 random bits.
var secretForm = regexp.MustCompile(`^bsk_(live|test)_[a-z2-7]{8}_[a-z2-7]{52}$`)

// KeySecret is the secret of an API key, which its caller presents.
type KeySecret string

// NewKeySecret returns a random secret.
func NewKeySecret(kind KeyKind) KeySecret {
	var b [37]byte
	_, _ = rand.Read(b[:]) // never fails
	text := func(b []byte) string {
		return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))
	}
	return KeySecret("bsk_" + string(kind) + "_" + text(b[:5]) + "_" + text(b[5:]))
}

// IsWellFormed reports whether a text may be a secret.
func (s KeySecret) IsWellFormed() bool { return secretForm.MatchString(string(s)) }

// Prefix returns the part of a secret that may be shown.
func (s KeySecret) Prefix() string { return string(s)[:strings.LastIndexByte(string(s), '_')] }

// Digest returns the SHA-256 digest under which a secret is stored. A slow hash protects passwords, which can be guessed. Nobody
// can guess 256 random bits.
func (s KeySecret) Digest() [sha256.Size]byte { return sha256.Sum256([]byte(s)) }

// String hides the secret.
func (KeySecret) String() string { return "***" }

// GoString hides the secret.
func (KeySecret) GoString() string { return "***" }

// MarshalText hides the secret, in logs too.
func (KeySecret) MarshalText() ([]byte, error) { return []byte("***"), nil }
