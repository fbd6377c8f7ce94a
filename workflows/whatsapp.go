package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

// callWhatsApp starts the WhatsApp call and waits for its first try, which nothing may interrupt: no other wait is
// started before. What follows is not waited for, because the rules' waits run meanwhile.
func (s *send) callWhatsApp(ctx workflow.Context) error {
	step := activities.Step{Ref: s.nextStep(backstop.WhatsApp), Linger: s.linger(ctx)}
	s.call = s.provide(ctx, "WhatsApp", acts.SendWhatsApp, step)
	if err := workflow.Await(ctx, func() bool { return s.call.tried }); err != nil {
		return fmt.Errorf("call whatsapp: %w", err)
	}
	return nil
}

// linger is how long the first try may wait for receipts: where a delivery ends the send, and not past the moment when
// something is to be done without one.
func (s *send) linger(ctx workflow.Context) time.Duration {
	if s.in.Settings.QueuedCalls || !s.plan.Over(backstop.Delivered, s.isSpent) {
		return 0
	}
	until := workflow.Now(ctx).Add(s.in.Settings.Linger)
	for i, rule := range s.in.Rules {
		if deadline, waits := rule.Deadline(s.in.AcceptedAt); waits && !s.spent[i] && deadline.Before(until) {
			until = deadline
		}
	}
	if s.in.ExpiresAt != nil && s.in.ExpiresAt.Before(until) {
		until = *s.in.ExpiresAt
	}
	return max(until.Sub(workflow.Now(ctx)), 0)
}

func (s *send) callEnded() bool { return s.call != nil && s.call.ended }

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
	r, gaveUp, err := s.call.end(ctx)
	s.call = nil
	switch {
	case temporal.IsCanceledError(err):
		return nil // by callOff, or by an operator, whom the next wait will tell of
	case gaveUp:
		return s.giveUp(ctx, backstop.WhatsApp)
	case err != nil:
		return fmt.Errorf("send whatsapp: %w", err)
	}
	s.merge(r)
	if r.Verdict == activities.Expired {
		s.expired = true
		return s.write(ctx, backstop.Event{Kind: backstop.EventExpired})
	}
	if r.Failure != nil && r.Verdict != activities.Unknown {
		s.failure = r.Failure
	}
	if r.Verdict == activities.Unknown && s.is.WhatsAppStatus == backstop.Queued {
		until := workflow.Now(ctx).Add(s.in.Settings.UnknownWait)
		s.waiting = by("a receipt for a WhatsApp call of unknown end", until)
		s.unknown = alarm(ctx, until, s.waiting)
	}
	return nil
}

// resendWhatsApp decides about a call of unknown end when no receipt has told that it went out.
func (s *send) resendWhatsApp(ctx workflow.Context) error {
	s.unknown, s.waiting = nil, ""
	if s.is.WhatsAppStatus != backstop.Queued || s.resent || !s.in.Settings.ResendWhatsApp {
		return nil
	}
	s.resent = true
	return s.callWhatsApp(ctx)
}
