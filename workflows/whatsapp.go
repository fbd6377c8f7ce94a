package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

// whatsAppState is the state of the WhatsApp message in this run.
type whatsAppState struct {
	call     *call // the call that is under way
	isResent bool

	unknownTimer workflow.Future // ends the wait for a receipt after a call of unknown end
	wasUnknown   bool            // such a wait has begun
}

// callWhatsApp starts the WhatsApp call and waits for its first try. Nothing interrupts the first try, because no other wait has
// started. callWhatsApp does not wait for the retries, because the rules' waits run meanwhile.
func (s *send) callWhatsApp(ctx workflow.Context) error {
	step := s.whatsAppStep()
	step.AwaitReceipts = s.receiptWait(ctx)
	s.whatsApp.call = s.startCall(ctx, "WhatsApp", acts.SendWhatsApp, step)
	return s.await(ctx, func() bool { return s.whatsApp.call.tried })
}

func (s *send) whatsAppStep() activities.Step {
	return activities.Step{Send: s.in.ID, Resend: s.whatsApp.isResent, Accounts: []string{s.in.Account}}
}

// receiptWait returns how long the first try may wait for receipts. It is 0 unless a delivery ends the send. The wait does not
// pass the end of a rule's wait or of the message.
func (s *send) receiptWait(ctx workflow.Context) time.Duration {
	if s.in.Settings.QueuedCalls || !s.plan().IsSatisfied(backstop.Delivered, s.view.Used.Has) {
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

// stopWhatsApp ends the WhatsApp call. A call between two tries ends at once. If a call is in flight, stopWhatsApp waits for its
// result, because the message may have gone out.
func (s *send) stopWhatsApp(ctx workflow.Context) error {
	s.whatsApp.call.cancel()
	if err := s.whatsApp.call.await(ctx); err != nil {
		return err
	}
	return s.endWhatsApp(ctx)
}

// endWhatsApp takes the result of the WhatsApp call. Without a result, the call was stopped or the engine's retries ended. Then
// endWhatsApp gives up WhatsApp, unless a rule is due, an SMS is out, or the send is ended, expired or cancelled.
func (s *send) endWhatsApp(ctx workflow.Context) error {
	r, ended, err := s.whatsApp.call.result(ctx)
	unsaved := s.whatsApp.call.unsaved
	s.whatsApp.call = nil
	if s.alarm.isLast && (!isReady(s.alarm.timer) || !s.hasLapsed(ctx)) {
		s.alarm = alarm{} // that alarm was for the end of the retries
	}
	if err != nil {
		return err
	}
	isCancelled := ctx.Err() != nil
	switch {
	case ended:
		s.takeWhatsAppResult(ctx, r)
		return nil
	case s.isPastWhatsApp(ctx) || s.hasLapsed(ctx) || isCancelled:
		return nil //nolint:nilerr // the next wait returns the cancellation
	default:
		step := s.whatsAppStep()
		step.Ended = unsaved
		return s.giveUp(ctx, backstop.WhatsApp, step)
	}
}

// isPastWhatsApp reports whether a rule is due, an SMS is out or the send has ended, so that no WhatsApp call follows.
func (s *send) isPastWhatsApp(ctx workflow.Context) bool {
	_, isDue := s.dueRule(ctx)
	return isDue || s.hasSMS() || s.isEnded()
}

func (s *send) takeWhatsAppResult(ctx workflow.Context, r activities.Result) {
	s.updateView(ctx, r.View)
	s.nothingToTry = s.nothingToTry || r.Verdict == activities.NoMoreCalls && !s.hasSMS()
	if r.Verdict == activities.Unknown && s.view.WhatsApp == backstop.Queued {
		s.awaitUnknown(ctx)
	}
}

// awaitUnknown starts the wait for a receipt after a call of unknown end.
func (s *send) awaitUnknown(ctx workflow.Context) {
	until := workflow.Now(ctx).Add(s.in.Settings.UnknownWait)
	s.waiting = textUntil("a receipt for a WhatsApp call of unknown end", until)
	s.whatsApp.unknownTimer, s.whatsApp.wasUnknown = startTimer(ctx, until, s.waiting), true
}

// resumeUnknownWait starts the same wait for a WhatsApp call of an earlier run. The status is then still Queued, although this
// run makes no WhatsApp call.
func (s *send) resumeUnknownWait(ctx workflow.Context) {
	isOpen := s.view.WhatsApp == backstop.Queued && s.whatsApp.call == nil
	if isOpen && !s.whatsApp.wasUnknown && !s.isPastWhatsApp(ctx) {
		s.awaitUnknown(ctx)
	}
}

// resendWhatsApp proposes to send WhatsApp again, once, if no receipt came after a call of unknown end. The ledger refuses that
// if the account holds such messages.
func (s *send) resendWhatsApp(ctx workflow.Context) error {
	s.whatsApp.unknownTimer, s.waiting = nil, ""
	if s.view.WhatsApp != backstop.Queued || s.whatsApp.isResent {
		return nil
	}
	s.whatsApp.isResent = true
	return s.callWhatsApp(ctx)
}
