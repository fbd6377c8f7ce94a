package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

// callWhatsApp starts the WhatsApp call. It is not waited for, because the rules' waits run meanwhile.
func (s *send) callWhatsApp(ctx workflow.Context) {
	ctx, cancel := workflow.WithCancel(callOptions(ctx, s.tryFor(ctx), "WhatsApp"))
	ref := s.nextStep(backstop.WhatsApp)
	s.call = &call{result: workflow.ExecuteActivity(ctx, acts.SendWhatsApp, ref), cancel: cancel}
}

// tryFor is how long a provider may be retried from now: not past the moment when the message expires.
func (s *send) tryFor(ctx workflow.Context) time.Duration {
	if s.in.ExpiresAt == nil {
		return tryFor
	}
	return min(tryFor, max(s.in.ExpiresAt.Sub(workflow.Now(ctx)), time.Second))
}

func (s *send) callEnded() bool { return s.call != nil && s.call.result.IsReady() }

// callOff ends the WhatsApp call because a rule fired. A call between two tries ends at once; one that is under way
// is waited for, because what it returns may be a message that went out.
func (s *send) callOff(ctx workflow.Context) error {
	s.call.cancel()
	if err := workflow.Await(ctx, s.callEnded); err != nil {
		return fmt.Errorf("call off whatsapp: %w", err)
	}
	return nil
}

// endWhatsApp takes in how the WhatsApp call ended.
func (s *send) endWhatsApp(ctx workflow.Context) error {
	var r activities.Result
	err := s.call.result.Get(ctx, &r)
	s.call = nil
	switch {
	case temporal.IsCanceledError(err):
		return nil // by callOff, or by an operator, whom the next wait will tell of
	case gaveUp(err):
		return s.giveUp(ctx, backstop.WhatsApp)
	case err != nil:
		return fmt.Errorf("send whatsapp: %w", err)
	}
	s.merge(r)
	if r.Verdict == activities.Expired {
		s.expired = true
		return s.write(ctx, backstop.Event{Kind: backstop.EventExpired})
	}
	if r.Failure != nil && r.Verdict == activities.Rejected {
		s.failure = r.Failure
	}
	if r.Verdict == activities.Unknown && s.is.WhatsAppStatus == backstop.Queued {
		until := workflow.Now(ctx).Add(s.in.Settings.UnknownWait)
		s.waiting = by("a receipt for a WhatsApp call of unknown end", until)
		s.unknown = alarm(ctx, until, s.waiting)
	}
	return nil
}

// gaveUp reports whether an activity failed because the time for its retries ran out.
func gaveUp(err error) bool {
	failed, ok := errors.AsType[*temporal.ActivityError](err)
	return ok && failed.RetryState() != enums.RETRY_STATE_NON_RETRYABLE_FAILURE
}

// resendWhatsApp decides about a call of unknown end when no receipt has told that it went out.
func (s *send) resendWhatsApp(ctx workflow.Context) {
	s.unknown, s.waiting = nil, ""
	if s.is.WhatsAppStatus != backstop.Queued || s.resent || !s.in.Settings.ResendWhatsApp {
		return
	}
	s.resent = true
	s.callWhatsApp(ctx)
}
