package backstop

import "time"

// AttemptState is what is known about the newest call of an attempt.
type AttemptState string

// The states of an attempt: Calling until the call has ended, then Accepted or a failure's kind.
const (
	Calling  AttemptState = "calling"
	Accepted AttemptState = "accepted"
)

// CallTimeout bounds a provider call with the writes before and after it. A call that began longer ago is over, whatever
// became of its process. The call itself may take 20 s (a bound of the configuration); the rest is room for slow writes.
const CallTimeout = 30 * time.Second

// Attempt is one step of a send: a message to a provider, called for once, or again while it surely was not sent.
type Attempt struct {
	Ref       Ref
	Number    int // how many calls were begun, from 1
	Channel   Channel
	Provider  string
	Rule      string // the name of the rule that fired, for an SMS
	Reason    string // why it fired
	SendID    string // the sender ID, for an SMS
	State     AttemptState
	Status    Status   // of this message, by the call's end and its receipts
	MessageID string   // the provider's; a receipt may bring it before the call has ended
	Segments  int      // of an Accepted SMS
	Failure   *Failure // of the newest call, if it failed
	Refusal   *Failure // why the message failed after it was accepted, by its receipt
	StartedAt time.Time
	EndedAt   *time.Time

	// Token is a random text that the caller makes before it begins a call. A caller that finds its own token on a Calling
	// attempt began that call itself and has not called the provider yet.
	Token string

	// Reported are the statuses that receipts brought, so that a repeated receipt changes nothing.
	Reported Statuses

	// LingersUntil is until when the activity that made the call waits for the message's receipts, at most; nil if it does not,
	// or not any more. They need no signal meanwhile.
	LingersUntil *time.Time
}

// Attended reports whether an activity is still at work on the attempt: its end brings all that was stored meanwhile to the
// workflow. After the time that it has, a dead process is assumed.
func (a Attempt) Attended(now time.Time) bool {
	return a.isInFlight(now) || (a.LingersUntil != nil && now.Before(*a.LingersUntil))
}

// isInFlight reports whether the provider may be being called right now.
func (a Attempt) isInFlight(now time.Time) bool {
	return a.State == Calling && now.Before(a.StartedAt.Add(CallTimeout))
}

// isRetriable reports whether surely nothing was sent so far, and the call may be made again.
func (a Attempt) isRetriable() bool { return a.sentNothing() && a.Status == "" }

// sentNothing reports whether the provider surely took none of the calls.
func (a Attempt) sentNothing() bool {
	refused := a.State == AttemptState(Throttled) || a.State == AttemptState(Unavailable)
	return refused && a.Reported == 0
}

// mayBeOut reports whether the provider has, or may have, the message, whatever became of it there.
func (a Attempt) mayBeOut() bool {
	switch a.State {
	case Calling, Accepted, AttemptState(Unknown):
		return true
	default:
		return a.Reported != 0
	}
}

// MayArrive reports whether the message is out, or may be, and nothing final is known of it.
func (a Attempt) MayArrive() bool {
	return a.mayBeOut() && a.Status != Failed && !a.Status.Reached(Delivered)
}

// isSubmitted reports whether the provider is known to have the message, or to have had it. A message whose validity ended
// in the provider's queue does not count: it was never sent on.
func (a Attempt) isSubmitted() bool {
	return !a.wasDropped() && (a.State == Accepted || a.Reported != 0)
}

// wasDropped reports whether the provider dropped the message because its validity was over.
func (a Attempt) wasDropped() bool { return a.Refusal != nil && a.Refusal.Class == Expired }

// wasTried reports whether the attempt uses up its rule: its message is out, or may be, or failed for good.
func (a Attempt) wasTried() bool {
	return a.mayBeOut() || a.State == AttemptState(Rejected) || a.Status == Failed
}

// lacksID reports whether the attempt may have sent a message whose id is not known.
func (a Attempt) lacksID() bool { return a.MessageID == "" && a.mayBeOut() }

// Why is why the message failed: after it was accepted, or when it was called for. It is nil if it did not fail.
func (a Attempt) Why() *Failure {
	if a.Refusal != nil {
		return a.Refusal
	}
	return a.Failure
}
