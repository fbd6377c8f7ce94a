package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

// smsState is what this run has done about the SMS of each rule.
type smsState struct {
	rule   int              // the newest rule that fired, or -1
	called backstop.RuleSet // the rules whose SMS this run has asked for
}

// fallBack sends the SMS of the rule that fired. It waits until the SMS has arrived or failed, until SMSReceiptWait has passed,
// or until the store waits for the receipt instead.
func (s *send) fallBack(ctx workflow.Context, rule int) error {
	step := activities.Step{
		Send: s.in.ID, Rule: rule, ByFailure: s.view.WhatsApp == backstop.Failed, SMSReceiptWait: s.in.Settings.SMSReceiptWait,
	}
	for _, route := range s.in.Rules[rule].Routes {
		step.Accounts = append(step.Accounts, route.Account)
	}
	s.sms.called = s.sms.called.With(rule)
	verdict, err := s.submitSMS(ctx, step)
	if err == nil && verdict == activities.Unknown {
		verdict, err = s.resolveUnknownSMS(ctx, step)
	}
	s.waiting = ""
	if s.view.Used.Has(rule) {
		s.sms.rule = rule
	}
	switch {
	case err != nil, s.isEnded():
		return err
	case verdict == activities.Averted, verdict == activities.Rejected:
		return nil
	case verdict == activities.NoMoreCalls && !s.hasSMS():
		s.nothingToTry = true
		return nil
	case verdict == activities.Out && (!s.hasSMS() || s.isPassedOver()):
		return s.awaitNewerView(ctx) // the view is older than the ledger
	default:
		return s.awaitSMSReceipt(ctx)
	}
}

// awaitNewerView waits 1 minute after a refused proposal, so that the workflow does not repeat the proposal at once.
func (s *send) awaitNewerView(ctx workflow.Context) error {
	timer := startTimer(ctx, workflow.Now(ctx).Add(time.Minute), "another look at the send")
	return s.await(ctx, func() bool { return isReady(timer) || s.isEnded() || s.hasSMS() && !s.isPassedOver() })
}

// resolveUnknownSMS waits for a receipt after an SMS call of unknown end, and then asks the provider. If the provider answers and
// the SMS is still Queued, resolveUnknownSMS proposes to resend the SMS. The ledger refuses that if the account holds such
// messages.
func (s *send) resolveUnknownSMS(ctx workflow.Context, step activities.Step) (activities.Verdict, error) {
	isResolved := func() bool { return s.view.SMS != backstop.Queued || s.hasLostSMS() }
	if err := s.awaitSMSUntil(ctx, isResolved, s.in.Settings.UnknownWait); err != nil {
		return "", err
	}
	if isResolved() || s.isEnded() {
		return activities.Accepted, nil
	}
	answered, err := s.inquireSMS(ctx)
	if err != nil || !answered || isResolved() || s.isEnded() {
		return activities.Accepted, err
	}
	step.Resend = true
	return s.submitSMS(ctx, step)
}

// submitSMS makes the SMS call with its retries, until retriesEnd. If the retries end without success, the SMS counts as failed,
// unless the message has expired or the send has ended. If one of the calls may have sent the SMS, the other rule whose wait has
// ended cannot fire. submitSMS then proposes the call again.
func (s *send) submitSMS(ctx workflow.Context, step activities.Step) (activities.Verdict, error) {
	rule := s.in.Rules[step.Rule]
	c := s.startCall(ctx, fmt.Sprintf("SMS from %s, rule %s", rule.SendID, rule.Name), acts.SendSMS, step)
	err := s.await(ctx, func() bool { return c.tried })
	if err == nil && !c.ended {
		err = s.awaitRetries(ctx, c, step)
	}
	if err != nil {
		return "", c.abandon(ctx, err)
	}
	r, ended, err := c.result(ctx)
	switch {
	case err != nil:
		return "", fmt.Errorf("send sms: %w", err)
	case ended:
		s.updateView(ctx, r.View)
		return r.Verdict, nil
	case s.hasLapsed(ctx) || s.isEnded():
		s.nothingToTry = true
		return activities.NoMoreCalls, nil
	case s.isFreed(step):
		return activities.Rejected, nil // the failure decides which rule fires now
	default:
		step.Ended = c.unsaved
		err := s.giveUp(ctx, backstop.SMS, step)
		if err != nil || !c.isCutShort || !s.hasSMS() || s.isEnded() {
			return activities.Rejected, err
		}
		step.Ended = nil
		return s.submitSMS(ctx, step)
	}
}

// awaitRetries waits for the end of a call that is being retried, and stops it at retriesEnd, or if a failure frees it.
func (s *send) awaitRetries(ctx workflow.Context, c *call, step activities.Step) error {
	until, isOfRule := s.retriesEnd(ctx, step.Rule)
	timer := startTimer(ctx, until, textUntil("retries of the SMS", until))
	err := s.await(ctx, func() bool { return c.ended || isReady(timer) || s.isEnded() || s.isFreed(step) })
	if err != nil {
		return err
	}
	if c.ended {
		return nil
	}
	if isReady(timer) {
		s.alarm = alarm{timer: timer, at: until} // then now is at least until, even if the clock lags
		c.isCutShort = isOfRule
	}
	c.cancel()
	return c.await(ctx)
}

// isFreed reports whether WhatsApp has failed while the ledger held an SMS of an exclusive send, for which no call has begun.
func (s *send) isFreed(step activities.Step) bool {
	isExclusive := s.in.Rules[step.Rule].GraceSeconds > 0
	return isExclusive && !step.ByFailure && s.view.WhatsApp == backstop.Failed && !s.hasSMS()
}

// retriesEnd returns when the retries of an SMS end: when the wait of another rule ends or the message expires, whichever comes
// first. Without either, the retries end tryFor from now. isOfRule is true if the wait of another rule ends them.
func (s *send) retriesEnd(ctx workflow.Context, rule int) (end time.Time, isOfRule bool) {
	now := workflow.Now(ctx)
	if s.expires != nil {
		end = *s.expires
	}
	for i, other := range s.in.Rules {
		deadline, waits := other.Deadline(s.origin)
		if waits && !s.view.Used.Has(i) && i != rule && deadline.After(now) && (end.IsZero() || deadline.Before(end)) {
			end, isOfRule = deadline, true
		}
	}
	if end.IsZero() {
		return now.Add(tryFor), false
	}
	return end, isOfRule
}

// awaitSMSReceipt waits for the receipt of an SMS that is out, or may be. If none comes within SMSReceiptWait, it asks the
// provider. If the SMS may still arrive then, the send ends, because no rule fires while an SMS may arrive. If a lost task of the
// workflow has begun the SMS of the next rule, the SMS before it has failed.
func (s *send) awaitSMSReceipt(ctx workflow.Context) error {
	isFinal := func() bool { return !s.hasSMS() || s.hasLostSMS() }
	if err := s.awaitSMSUntil(ctx, isFinal, s.in.Settings.SMSReceiptWait); err != nil || isFinal() || s.isEnded() {
		return err
	}
	if _, err := s.inquireSMS(ctx); err != nil {
		return err
	}
	s.nothingToTry = !isFinal()
	return nil
}

// awaitSMSUntil waits until the condition is true, the send has ended, or atMost has passed.
func (s *send) awaitSMSUntil(ctx workflow.Context, condition func() bool, atMost time.Duration) error {
	if s.drainReceipts(ctx); condition() || s.isEnded() {
		return nil
	}
	until := workflow.Now(ctx).Add(atMost)
	s.waiting = textUntil("the SMS's receipt", until)
	timer := startTimer(ctx, until, s.waiting)
	return s.await(ctx, func() bool { return condition() || s.isEnded() || isReady(timer) })
}

// inquireSMS asks the provider for the status of the SMS, and reports whether the provider answered.
func (s *send) inquireSMS(ctx workflow.Context) (answered bool, err error) {
	var v backstop.View
	err = workflow.ExecuteActivity(inquiryOptions(ctx), acts.Inquire, s.in.ID).Get(ctx, &v)
	if err != nil {
		return false, cancellationOf(ctx, err) // without an answer the send goes on
	}
	s.updateView(ctx, v)
	return true, nil
}
