package backstop

import "time"

// Page selects a part of a list: up to Limit items after the item with the id After, in the order of the list.
type Page struct {
	After string // empty for the first page
	Limit int
}

// Order is the order of a list of sends, by the time of acceptance.
type Order string

// The orders. An empty one is NewestFirst.
const (
	NewestFirst Order = "newest"
	OldestFirst Order = "oldest"
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
	ToEnds   string    // the last digits of To
	From     time.Time // accepted at or after
	Until    time.Time // accepted before

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

// SMSFilter selects sends of which one SMS fits all fields.
type SMSFilter struct {
	Sender string // the sender ID
	Route  string
	Result SMSResult
}

// CodeFilter selects sends of which a message failed with a provider's error code.
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
