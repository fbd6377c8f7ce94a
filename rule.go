package backstop

import (
	"slices"
	"time"
)

// RuleType is the condition that a rule watches.
type RuleType string

// The rule types. Each also fires, at once, when the provider reports a permanent failure.
const (
	SendFailed  RuleType = "send_failed" // not sent when the wait ends
	Undelivered RuleType = "undelivered" // not delivered when the wait ends
	Unread      RuleType = "unread"      // not read when the wait ends
)

// RuleTypes returns all rule types, in the order in which they are listed.
func RuleTypes() []RuleType { return []RuleType{SendFailed, Undelivered, Unread} }

// Bounds of a rule and of a policy.
const (
	MinWait      = time.Second
	MaxWait      = 30 * 24 * time.Hour // Meta keeps a message for an offline phone that long
	MaxNameRunes = 64
	MaxCountries = 250
)

// Rule says when a send falls back to SMS, from which sender ID and by which accounts.
type Rule struct {
	ID          string   `json:"id,omitempty"`
	Name        string   `json:"name"`
	Type        RuleType `json:"type"`
	WaitSeconds int      `json:"wait_seconds,omitempty"` // 0: only a reported failure fires the rule
	SendID      string   `json:"send_id"`
	Routes      []Route  `json:"routes,omitempty"`    // the accounts that may send, in order; empty: the default one
	Countries   []string `json:"countries,omitempty"` // ISO 3166-1 alpha-2; empty: every country

	// UsedBy are the policies that include the rule, by name. It is empty in a plan and in a policy.
	UsedBy []PolicyRef `json:"-"`

	Version   int       `json:"-"`
	CreatedAt time.Time `json:"-"`
	UpdatedAt time.Time `json:"-"`
}

// Goal is the status that satisfies rules of this type.
func (t RuleType) Goal() Status {
	switch t {
	case SendFailed:
		return Sent
	case Undelivered:
		return Delivered
	case Unread:
		return Read
	default:
		return ""
	}
}

// Missed is why a rule of this type fires when its wait ends.
func (t RuleType) Missed() FallbackReason {
	switch t {
	case SendFailed:
		return NotSent
	case Undelivered:
		return NotDelivered
	case Unread:
		return NotRead
	default:
		return ""
	}
}

// Wait is how long the rule waits, counted from the moment the send was accepted; 0 is no wait.
func (r Rule) Wait() time.Duration { return time.Duration(r.WaitSeconds) * time.Second }

// Deadline is when the wait of a send accepted at origin ends; false when the rule has no wait.
func (r Rule) Deadline(origin time.Time) (time.Time, bool) {
	return origin.Add(r.Wait()), r.WaitSeconds > 0
}

// IsDue reports whether the rule fires now, for a message with this status that was accepted at origin.
func (r Rule) IsDue(s Status, origin, now time.Time) bool {
	if s == Failed {
		return true
	}
	deadline, waits := r.Deadline(origin)
	return waits && !now.Before(deadline) && !s.Reached(r.Type.Goal())
}

// IsSatisfied reports whether the rule, not having fired, can never fire again: the message has reached what the rule asks
// for and has been delivered, so that no failure can follow.
func (r Rule) IsSatisfied(s Status) bool { return s.Reached(r.Type.Goal()) && s.Reached(Delivered) }

// Applies reports whether the rule holds for recipients of a country (ISO 3166-1 alpha-2).
func (r Rule) Applies(country string) bool {
	return len(r.Countries) == 0 || slices.Contains(r.Countries, country)
}

// Validate returns an Error of code Invalid that names every wrong field, or nil.
func (r Rule) Validate() error {
	var f fields
	validateName(&f, r.Name)
	r.validate(&f, "")
	validateCountries(&f, "countries", r.Countries)
	return f.err("the rule is not valid")
}

// validate checks what a send may override too; prefix goes before the names of the fields.
func (r Rule) validate(f *fields, prefix string) {
	const least, most = int(MinWait / time.Second), int(MaxWait / time.Second) // Wait of a huge number overflows
	if r.Type.Goal() == "" {
		f.add(prefix+"type", FieldOneOf, "must be send_failed, undelivered or unread", "values", "send_failed undelivered unread")
	}
	switch {
	case r.WaitSeconds == 0 && r.Type == Unread:
		f.add(prefix+"wait_seconds", FieldWaitOfUnread,
			"is required for an unread rule: no provider reports that a message was not read")
	case r.WaitSeconds != 0 && (r.WaitSeconds < least || r.WaitSeconds > most):
		f.addBetween(prefix+"wait_seconds", FieldValueBetween, "must be between %d and %d", least, most)
	}
	if reason := checkSendID(r.SendID); reason != "" {
		f.add(prefix+"send_id", FieldSendID, reason)
	}
}
