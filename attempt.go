package backstop

import "time"

// AttemptState is the state of the newest call of an attempt.
type AttemptState string

// The states of an attempt: Calling until the call has ended, then Accepted, or the kind of the call's failure.
const (
	Calling          AttemptState = "calling"
	Accepted         AttemptState = "accepted"
	StateRejected                 = AttemptState(Rejected)
	StateThrottled                = AttemptState(Throttled)
	StateUnavailable              = AttemptState(Unavailable)
	StateUnknown                  = AttemptState(Unknown)
)

// CallTimeout bounds a provider call with the writes before and after it. A call that began longer ago counts as over, even if
// its process still runs. The call itself may take 20 s (a bound of the configuration); the rest is room for slow writes.
const CallTimeout = 30 * time.Second

// Attempt is one step of a send: one message to a provider. Its call is repeated only if the provider did not take the message.
type Attempt struct {
	Ref       Ref
	Number    int // how many calls have begun, from 1
	Channel   Channel
	Provider  string         // the driver's name
	Account   string         // the account that the call goes to
	Rule      string         // the name of the rule that fired, for an SMS
	Reason    string         // why the rule fired, as a text
	Cause     FallbackReason // the same as a code
	SendID    string         // the sender ID, for an SMS
	State     AttemptState
	Status    Status   // of this message, from the call's result and the receipts
	MessageID string   // the provider's id; a receipt may bring it before the call has ended
	Segments  int      // of an Accepted SMS
	Failure   *Failure // of the newest call, if it failed
	Refusal   *Failure // why the message failed after it was accepted, from a receipt
	StartedAt time.Time
	EndedAt   *time.Time

	// Token is the idempotency key of a call: a random text that the caller makes before it begins the call. If a Calling
	// attempt has the caller's own token, that caller began the call and has not called the provider yet.
	Token string

	// RefusesRepeats is true if the provider refuses a message whose reference it had before. A call of unknown end may then be
	// repeated without risk.
	RefusesRepeats bool

	// WasUnknown is true if an earlier call of the attempt had an unknown end. Its message may be out, however a repeated call
	// ends.
	WasUnknown bool

	// Reported is the set of statuses that receipts brought. A repeated receipt changes nothing.
	Reported StatusSet

	// AwaitsReceiptsUntil is when the activity that made the call stops waiting for the message's receipts, at the latest. Until
	// then no receipt needs a signal. It is nil if the activity does not wait, or no longer waits.
	AwaitsReceiptsUntil *time.Time
}

// Attended reports whether an activity is still at work on the attempt. The activity's result brings the workflow all changes
// that are stored meanwhile. After CallTimeout, or AwaitsReceiptsUntil, its process counts as dead.
func (a Attempt) Attended(now time.Time) bool {
	return a.isInFlight(now) || (a.AwaitsReceiptsUntil != nil && now.Before(*a.AwaitsReceiptsUntil))
}

// isInFlight reports whether the provider call may be running now.
func (a Attempt) isInFlight(now time.Time) bool {
	return a.State == Calling && now.Before(a.StartedAt.Add(CallTimeout))
}

// IsRetriable reports whether the call may be made again: no provider took it so far, and it was not given up.
func (a Attempt) IsRetriable() bool { return a.sentNothing() && a.Status == "" }

// MayRepeat reports whether a call of unknown end may be made again, because the provider refuses the second message.
func (a Attempt) MayRepeat() bool {
	return a.State == StateUnknown && a.RefusesRepeats && a.Reported == 0 && a.Status == ""
}

// isAccountRefusal reports whether the provider took nothing for a reason of the account. Another account may then send the
// message.
func (a Attempt) isAccountRefusal() bool {
	return a.State == StateRejected && a.Failure != nil && a.Failure.Class == AccountFault && a.Reported == 0
}

// failureOf returns what the failure of a call means for the attempt. If an earlier call had an unknown end, the end stays
// unknown, unless the provider refused the message for a known reason that is not the account's: any other failure says nothing
// of the earlier call.
func (a Attempt) failureOf(f *Failure) *Failure {
	if isOfMessage := f != nil && f.Class != "" && f.Class != AccountFault; f == nil || !a.WasUnknown || isOfMessage {
		return f
	}
	return &Failure{Kind: Unknown, Class: f.Class, Code: f.Code, Reason: f.Reason, RetryAfter: f.RetryAfter}
}

// LeavesToNext reports whether the next account of the rule is tried at once: this one refused for a reason of its own, or asked
// for a long pause.
func (a Attempt) LeavesToNext() bool { return a.isAccountRefusal() || a.asksForLongPause() }

func (a Attempt) asksForLongPause() bool {
	return a.State == StateThrottled && a.Failure.RetryAfter > throttledTooLong
}

// sentNothing reports whether the provider took none of the calls: it throttled or was down, and no receipt came.
func (a Attempt) sentNothing() bool {
	refused := a.State == StateThrottled || a.State == StateUnavailable
	return refused && a.Reported == 0
}

// pausesUntil returns when the pause ends that the provider asked for. The attempt's call was throttled.
func (a Attempt) pausesUntil() time.Time { return a.EndedAt.Add(a.Failure.RetryAfter) }

// mayBeOut reports whether the provider took, or may have taken, the message. The message may have failed later.
func (a Attempt) mayBeOut() bool {
	switch a.State {
	case Calling, Accepted, StateUnknown:
		return true
	case StateRejected, StateThrottled, StateUnavailable:
	}
	return a.Reported != 0
}

// MayArrive reports whether the message is out, or may be, and has neither failed nor been delivered.
func (a Attempt) MayArrive() bool {
	return a.mayBeOut() && a.Status != Failed && !a.Status.Reached(Delivered)
}

// isSubmitted reports whether the provider is known to have taken the message. A message whose validity ended in the provider's
// queue does not count, because the provider never sent it.
func (a Attempt) isSubmitted() bool {
	return !a.wasDropped() && (a.State == Accepted || a.Reported != 0)
}

// wasDropped reports whether the provider dropped the message because its validity was over.
func (a Attempt) wasDropped() bool { return a.Refusal != nil && a.Refusal.Class == Expired }

// wasTried reports whether the attempt uses up its rule: its message is out, or may be, or failed for good.
func (a Attempt) wasTried() bool {
	return a.mayBeOut() || a.State == StateRejected || a.Status == Failed
}

// lacksID reports whether the attempt may have sent a message whose id is not stored.
func (a Attempt) lacksID() bool { return a.MessageID == "" && a.mayBeOut() }

// Why returns the failure of the message: from its receipt, or else from its newest call. It is nil if neither failed.
func (a Attempt) Why() *Failure {
	if a.Refusal != nil {
		return a.Refusal
	}
	return a.Failure
}
