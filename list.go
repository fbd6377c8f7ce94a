package backstop

import "time"

// Page selects a part of a list: up to Limit items after the item with the id After.
type Page struct {
	Sort  Sort
	After string // empty for the first page
	Value string // of that item, in the field by which the list is sorted: a name, or a time in the form of time.RFC3339Nano
	Limit int
}

// Sort is the order of a list. Items with equal values are in the order of their ids, so each item has one place. The ids are in
// the order of creation, so a list by creation has no Page.Value.
type Sort string

// The orders of rules and policies. Sends have the zero value, newest first.
const (
	NewestFirst     Sort = ""
	OldestFirst     Sort = "created_at"
	LastChanged     Sort = "-updated_at"
	LongestKept     Sort = "updated_at"
	ByName          Sort = "name" // capitals do not matter
	ByNameBackwards Sort = "-name"
)

// Total is the number of all items that pass a filter. It is exact up to MaxTotal.
type Total struct {
	Count   int
	IsExact bool
}

// MaxTotal is the number of items that a total counts at most.
const MaxTotal = 10_000

// AnyVersion is a version of a rule or policy that matches the current one.
const AnyVersion = 0

// SendFilter selects sends of a list. A zero field selects all.
type SendFilter struct {
	Outcome  Outcome
	PolicyID string
	To       string
	From     time.Time // accepted at or after
	Until    time.Time // accepted before
}

// RuleFilter selects rules of a list. A zero field selects all.
type RuleFilter struct {
	Search  string // a part of the name, in capitals or not
	Type    RuleType
	SendID  string
	Country string // the rule applies there
	Used    *bool  // whether a policy includes the rule
}

// PolicyFilter selects policies of a list. A zero field selects all; each other field wants a rule that has it, not always the
// same rule.
type PolicyFilter struct {
	Search  string // a part of the name, in capitals or not
	Type    RuleType
	SendID  string
	Country string // a rule applies there
}
