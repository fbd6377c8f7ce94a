package backstop

import "time"

// Page selects a part of a list, newest first: up to Limit items after the item with the id After.
type Page struct {
	After string // empty for the first page
	Limit int
}

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
