package backstop

import "time"

// Page asks for a part of a list, newest first: up to Limit items that come after the one with id After.
type Page struct {
	After string // empty for the first page
	Limit int
}

// AnyVersion is a version of a rule or policy that matches the current one.
const AnyVersion = 0

// SendFilter narrows a list of sends; a zero field does not.
type SendFilter struct {
	Outcome  Outcome
	PolicyID string
	To       string
	From     time.Time // accepted at or after
	Until    time.Time // accepted before
}
