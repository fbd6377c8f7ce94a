package backstop

import "time"

// AttemptState is what is known about one call to a provider.
type AttemptState string

// The states of an attempt: Calling until the call has ended, then Accepted or a failure's kind.
const (
	Calling  AttemptState = "calling"
	Accepted AttemptState = "accepted"
)

// Attempt is one call to one provider for a send. It is written down before the call is made, so a call whose
// worker died leaves a Calling attempt behind, which its successor must take for Unknown.
type Attempt struct {
	Ref       Ref
	Number    int // of the call within the step, counted from 1
	Channel   Channel
	Provider  string
	Rule      string // the name of the rule that fired, for an SMS
	Reason    string // why it fired
	SendID    string // the sender ID, for an SMS
	State     AttemptState
	Status    Status   // of this message, by its receipts
	MessageID string   // of an Accepted attempt
	Segments  int      // of an Accepted SMS
	Failure   *Failure // of a failed one
	StartedAt time.Time
	EndedAt   *time.Time

	// LingersUntil is until when the activity that made the call waits for the message's receipts, at most; nil if it does not,
	// or not any more. They need no signal meanwhile.
	LingersUntil *time.Time

	FallbackReason FallbackReason // for an SMS: goes to the send when the attempt begins, and is not kept with the attempt
}

// End closes the attempt with what the call returned: a submission, or a failure.
func (a Attempt) End(s Submission, failure *Failure, at time.Time) Attempt {
	a.EndedAt = &at
	if failure != nil {
		a.State, a.Failure = AttemptState(failure.Kind), failure
		return a
	}
	a.State, a.MessageID, a.Segments = Accepted, s.MessageID, s.Segments
	a.Status = a.Status.Advance(Submitted)
	return a
}

// Attended reports whether an activity is still on the attempt: its end will tell the workflow what both statuses have
// become. One that should have left is not waited for: whoever took over may not know that it had to.
func (a Attempt) Attended(now time.Time) bool {
	return a.State == Calling || (a.LingersUntil != nil && now.Before(*a.LingersUntil))
}

// Retriable reports whether the attempt surely sent nothing, so that the call may be made again.
func (a Attempt) Retriable() bool {
	return a.State == AttemptState(Throttled) || a.State == AttemptState(Unavailable)
}
