package backstop

import "time"

// Page selects a part of a list: up to Limit items after the item with the id After, in the order of the list.
type Page struct {
	Sort  Sort
	After string // empty for the first page
	Value string // of that item, in the field by which the list is sorted: a name, or a time in the form of time.RFC3339Nano
	Limit int
}

// Sort is the order of a list. Items with equal values are in the order of their ids, so each item has one
// place. The ids are in the order of creation, so a list by creation has no Page.Value.
type Sort string

// The orders. Sends have the first two.
const (
	ByNewest        Sort = ""
	ByOldest        Sort = "created_at"
	ByNewestChange  Sort = "-updated_at"
	ByOldestChange  Sort = "updated_at"
	ByName          Sort = "name" // capitals do not matter
	ByNameBackwards Sort = "-name"
)

// MaxTotal is the most items of a list that are counted.
const MaxTotal = 10_000

// Total is the number of the items of a list. If it is not exact, there are more than MaxTotal.
type Total struct {
	Count   int
	IsExact bool
}

// AnyVersion is a version of a rule or policy that matches the current one.
const AnyVersion = 0

// SendFilter selects sends of a list. A zero field selects all.
type SendFilter struct {
	Outcomes []Outcome
	PolicyID string
	To       string
	ToEnds   string // the last digits of To

	CorrelationID string
	OwnRules      *bool // in place of a policy

	From  time.Time // accepted at or after
	Until time.Time // accepted before

	IsTest bool // the sends of test keys; false: the others

	Scheduled *bool // see Send.IsScheduled
	FellBack  *bool
	Averted   *bool
	Duplicate *bool
	Reasons   []FallbackReason
	Rule      string   // the name of the newest rule that fired
	RuleType  RuleType // of that rule
	Country   *string  // an empty one: numbers without a country

	SMS     SMSFilter
	Failure CodeFilter
}

// SMSFilter selects sends with an SMS that fits all fields.
type SMSFilter struct {
	Sender string // the sender ID
	Route  string
	Result SMSResult
}

// CodeFilter selects sends with a message that failed with a provider's error code.
type CodeFilter struct {
	Provider string
	Code     string
}

// SMSResult is the result of an SMS, as far as it is known.
type SMSResult string

// The results. An SMS that was not delivered and may still be is NoReceipt.
const (
	SMSDelivered SMSResult = "delivered"
	SMSFailed    SMSResult = "failed"
	SMSNoReceipt SMSResult = "no_receipt"
)

// RuleFilter selects rules of a list. A zero field selects all.
type RuleFilter struct {
	Search  string // a part of the name, in capitals or not
	Type    RuleType
	SendID  string
	Country string // the rule applies there
	Account string // a route of the rule names it
	Used    *bool  // whether a policy includes the rule
}

// PolicyFilter selects policies of a list. A zero field selects all. Another field selects the policies with a rule that has
// this value. Two fields may fit two rules.
type PolicyFilter struct {
	Search  string // a part of the name, in capitals or not
	Type    RuleType
	SendID  string
	Country string // a rule applies there
}
