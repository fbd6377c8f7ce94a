package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

// callWhatsApp starts the WhatsApp call and waits for its first try. Nothing interrupts the first try, because no other wait has
// started. callWhatsApp does not wait for the retries, because the rules' waits run meanwhile.
func (s *send) callWhatsApp(ctx workflow.Context) error {
	step := activities.Step{Send: s.in.ID, Resend: s.resent, AwaitReceipts: s.receiptWait(ctx)}
	s.call = s.provide(ctx, "WhatsApp", acts.SendWhatsApp, step)
	return s.await(ctx, func() bool { return s.call.tried })
}

// receiptWait returns how long the first try may wait for receipts. It is 0 unless a delivery ends the send. The wait ends
// before the next wait of a rule ends, and before the message expires.
func (s *send) receiptWait(ctx workflow.Context) time.Duration {
	if s.in.Settings.QueuedCalls || !s.plan.IsSatisfied(backstop.Delivered, s.view.Used.Has) {
		return 0
	}
	until := workflow.Now(ctx).Add(s.in.Settings.AwaitReceipts)
	for i, rule := range s.in.Rules {
		if deadline, waits := rule.Deadline(s.origin); waits && !s.view.Used.Has(i) && deadline.Before(until) {
			until = deadline
		}
	}
	if s.expires != nil && s.expires.Before(until) {
		until = *s.expires
	}
	return max(until.Sub(workflow.Now(ctx)), 0)
}

func (s *send) callEnded() bool { return s.call != nil && s.call.ended }

// stopWhatsApp ends the WhatsApp call because a rule fired, or because its retries are over. A call between two tries ends at
// once. If a call is in flight, stopWhatsApp waits for its result, because the message may have gone out.
func (s *send) stopWhatsApp(ctx workflow.Context) error {
	s.call.cancel()
	if err := s.call.await(ctx); err != nil {
		return err
	}
	return s.endWhatsApp(ctx)
}

// endWhatsApp takes in the end of the WhatsApp call. Without a result, the call was stopped or the engine's retries ended. Then
// endWhatsApp gives up WhatsApp, unless a rule fires, an SMS is out, or the send is ended, expired or cancelled.
func (s *send) endWhatsApp(ctx workflow.Context) error {
	r, ended, err := s.call.result(ctx)
	unsaved := s.call.unsaved
	s.call = nil
	if s.last && (!isReady(s.alarm) || !s.hasLapsed(ctx)) {
		s.alarm, s.last = nil, false // that alarm was for the end of the retries
	}
	if err != nil {
		return err
	}
	_, fired := s.fired(ctx)
	isCancelled := ctx.Err() != nil
	switch {
	case ended:
		s.takeIn(ctx, r)
		return nil
	case fired || s.isEnded() || s.hasSMS() || s.hasLapsed(ctx) || isCancelled:
		return nil //nolint:nilerr // the next wait returns the cancellation
	default:
		return s.giveUp(ctx, backstop.WhatsApp, activities.Step{Send: s.in.ID, Resend: s.resent, Ended: unsaved})
	}
}

func (s *send) takeIn(ctx workflow.Context, r activities.Result) {
	s.see(ctx, r.View)
	s.isDone = s.isDone || r.Verdict == activities.NoMoreCalls && !s.hasSMS()
	if r.Verdict == activities.Unknown && s.view.WhatsApp == backstop.Queued {
		s.awaitUnknown(ctx)
	}
}

// awaitUnknown starts the wait for a receipt after a call of unknown end.
func (s *send) awaitUnknown(ctx workflow.Context) {
	until := workflow.Now(ctx).Add(s.in.Settings.UnknownWait)
	s.waiting = by("a receipt for a WhatsApp call of unknown end", until)
	s.unknown, s.isAwaited = alarm(ctx, until, s.waiting), true
}

// findUnknown starts the same wait for a WhatsApp call of an earlier run. This run made no WhatsApp call, because a rule was due
// at its start.
func (s *send) findUnknown(ctx workflow.Context) {
	_, due := s.fired(ctx)
	if s.view.WhatsApp == backstop.Queued && s.call == nil && !s.isAwaited && !due && !s.hasSMS() && !s.isEnded() {
		s.awaitUnknown(ctx)
	}
}

// resendWhatsApp sends WhatsApp again, once, if ResendWhatsApp is set and no receipt came after a call of unknown end.
func (s *send) resendWhatsApp(ctx workflow.Context) error {
	s.unknown, s.waiting = nil, ""
	if s.view.WhatsApp != backstop.Queued || s.resent || !s.in.Settings.ResendWhatsApp {
		return nil
	}
	s.resent = true
	return s.callWhatsApp(ctx)
}
