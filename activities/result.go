package activities

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/backstophq/backstop"
)

// Verdict is how a step ended.
type Verdict string

// The verdicts. A step that is to be retried returns an error instead.
const (
	Accepted    Verdict = "accepted" // the provider has taken the message
	Rejected    Verdict = "rejected" // the provider will never take it
	Unknown     Verdict = "unknown"  // the provider may have taken it
	Averted     Verdict = "averted"  // not called: the last look found that the message had arrived
	Out         Verdict = "out"      // not called: another message is out, or may be
	NoMoreCalls Verdict = "over"     // the send has ended, is expired, or its recipient has opted out
)

// Result is the result of a step: its verdict, and the view of the send after it.
type Result struct {
	Verdict Verdict       `json:"verdict"`
	View    backstop.View `json:"view"`
}

// The types of the errors that are no failure of a provider. The engine retries all of them.
const (
	Busy     = "busy"      // as many calls are under way as this worker may make at once
	UnderWay = "under_way" // another process may still be calling for this send
	TooEarly = "too_early" // the engine's clock is ahead of the store's
	Unsaved  = "unsaved"   // the end of the call could not be stored; the details have it

	NextAccount = "next_account" // an account did not take the message, and this run has no time left to call the next one
)

// resultOf turns an attempt that has ended into the step's result, or into an error that the engine retries.
func resultOf(attempt backstop.Attempt, view backstop.View) (Result, error) {
	r := Result{Verdict: Accepted, View: view}
	switch {
	case attempt.Reported != 0 || attempt.State == backstop.Accepted:
	case attempt.State == backstop.StateRejected || attempt.Status == backstop.Failed:
		r.Verdict = Rejected
	case attempt.Failure != nil && attempt.Failure.Kind != backstop.Unknown:
		f := attempt.Failure
		return Result{}, retryableError(string(f.Kind), f.Code, f.RetryAfter)
	case attempt.MayRepeat():
		const why = "the provider refuses a repeated message"
		return Result{}, retryableError(string(backstop.Unknown), why, attempt.Failure.RetryAfter)
	default:
		r.Verdict = Unknown
	}
	return r, nil
}

// resultOfRefusal turns the ledger's refusal of a call into the step's result, or into an error that the engine retries.
func resultOfRefusal(r backstop.Ruling, view backstop.View, now time.Time) (Result, error) {
	switch r.Answer {
	case backstop.MadeAlready:
		return resultOf(r.Attempt, view)
	case backstop.UnderWay:
		return Result{}, retryableError(UnderWay, "an earlier call may still be under way", r.Until.Sub(now))
	case backstop.TooEarly:
		return Result{}, retryableError(TooEarly, "the rule's wait has not ended", r.Until.Sub(now))
	case backstop.Satisfied:
		return Result{Verdict: Averted, View: view}, nil
	case backstop.AlreadyOut:
		return Result{Verdict: Out, View: view}, nil
	case backstop.GivenUp:
		return Result{Verdict: Rejected, View: view}, nil
	case backstop.SendFinished, backstop.SendExpired, backstop.RecipientOptedOut:
		return Result{Verdict: NoMoreCalls, View: view}, nil
	case backstop.MayCall:
	}
	return Result{}, fmt.Errorf("begin attempt: %q is no refusal", r.Answer)
}

// retryableError is an error that the engine retries, after the given delay if it is not 0. The history records its text, so of a
// provider's answer it contains only a code.
func retryableError(kind, why string, after time.Duration, details ...any) error {
	return temporal.NewApplicationErrorWithOptions(why, kind, temporal.ApplicationErrorOptions{
		NextRetryDelay: max(after, 0),
		Details:        details,
		Category:       temporal.ApplicationErrorCategoryBenign, // the log has what an operator needs, see logFailure
	})
}

// finalIfNotFound makes the engine not retry an error of the store if the send does not exist.
func finalIfNotFound(err error) error {
	if backstop.CodeOf(err) == backstop.NotFound {
		return temporal.NewNonRetryableApplicationError(err.Error(), string(backstop.NotFound), err)
	}
	return err
}
