package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

// fallBack sends the SMS of the rule that fired, and waits until it is known to have arrived or failed, or long enough, or
// until the store waits for its receipt.
func (s *send) fallBack(ctx workflow.Context, rule int) error {
	step := activities.Step{
		Send: s.in.ID, Rule: rule, Route: s.in.Rules[rule].Route, ByFailure: s.view.WhatsApp == backstop.Failed,
		ReceiptWait: s.in.Settings.SMSReceiptWait,
	}
	s.called = s.called.With(rule)
	verdict, err := s.submitSMS(ctx, step)
	if err == nil && verdict == activities.Unknown {
		verdict, err = s.clearUp(ctx, step)
	}
	s.waiting = ""
	if s.view.Spent.Has(rule) {
		s.rule = rule
	}
	switch {
	case err != nil, s.isEnded():
		return err
	case verdict == activities.Averted, verdict == activities.Rejected:
		return nil
	case verdict == activities.Over && !s.hasSMS():
		s.isDone = true
		return nil
	case verdict == activities.Out && !s.hasSMS():
		return s.pause(ctx) // the view lags
	default:
		return s.awaitReceipt(ctx)
	}
}

// pause keeps a workflow whose proposal was refused from proposing it again at once.
func (s *send) pause(ctx workflow.Context) error {
	timer := alarm(ctx, workflow.Now(ctx).Add(time.Minute), "another look at the send")
	return s.await(ctx, func() bool { return isReady(timer) || s.isEnded() || s.hasSMS() })
}

// clearUp decides about an SMS call of unknown end: a receipt may tell, or the provider when asked. Then the call is made
// again if the account is configured so.
func (s *send) clearUp(ctx workflow.Context, step activities.Step) (activities.Verdict, error) {
	if err := s.awaitSMS(ctx, s.in.Settings.UnknownWait, func() bool { return s.view.SMS != backstop.Queued }); err != nil {
		return "", err
	}
	if s.view.SMS != backstop.Queued || s.isEnded() {
		return activities.Accepted, nil
	}
	asked, err := s.inquire(ctx)
	if err != nil || !asked || s.view.SMS != backstop.Queued || s.isEnded() || !s.in.Settings.ResendSMS {
		return activities.Accepted, err
	}
	step.Resend = true
	return s.submitSMS(ctx, step)
}

// submitSMS makes the SMS call with its retries. They end when the wait of another rule ends, when the message expires, or
// after tryFor; then the SMS counts as failed.
func (s *send) submitSMS(ctx workflow.Context, step activities.Step) (activities.Verdict, error) {
	rule := s.in.Rules[step.Rule]
	c := s.provide(ctx, fmt.Sprintf("SMS from %s, rule %s", rule.SendID, rule.Name), acts.SendSMS, step)
	err := s.await(ctx, func() bool { return c.tried })
	if err == nil && !c.ended {
		err = s.awaitRetries(ctx, c, step.Rule)
	}
	if err != nil {
		return "", c.abandon(ctx, err)
	}
	r, ended, err := c.result(ctx)
	switch {
	case err != nil:
		return "", fmt.Errorf("send sms: %w", err)
	case ended:
		s.see(ctx, r.View)
		return r.Verdict, nil
	case s.hasLapsed(ctx) || s.isEnded():
		s.isDone = true
		return activities.Over, nil
	default:
		step.Ended = c.unsaved
		return activities.Rejected, s.giveUp(ctx, backstop.SMS, step)
	}
}

// awaitRetries waits for a call that is being retried, and stops it when its time is over.
func (s *send) awaitRetries(ctx workflow.Context, c *call, rule int) error {
	until := s.retriesEnd(ctx, rule)
	timer := alarm(ctx, until, by("retries of the SMS", until))
	if err := s.await(ctx, func() bool { return c.ended || isReady(timer) || s.isEnded() }); err != nil {
		return err
	}
	if c.ended {
		return nil
	}
	if isReady(timer) {
		s.alarm, s.alarmAt, s.last = timer, until, false // it is believed even if the clock lags
	}
	c.cancel()
	return c.await(ctx)
}

// retriesEnd is until when a provider is tried from now that throttles or is down: until the wait of a rule ends or the
// message expires, whichever comes first; without either for tryFor.
func (s *send) retriesEnd(ctx workflow.Context, rule int) time.Time {
	now := workflow.Now(ctx)
	var end time.Time
	if s.expires != nil {
		end = *s.expires
	}
	for i, other := range s.in.Rules {
		deadline, waits := other.Deadline(s.origin)
		if waits && !s.view.Spent.Has(i) && i != rule && deadline.After(now) && (end.IsZero() || deadline.Before(end)) {
			end = deadline
		}
	}
	if end.IsZero() {
		return now.Add(tryFor)
	}
	return end
}

// awaitReceipt waits for the receipt of an SMS that is out, or may be. If none comes in time, the provider is asked; then
// the send ends, because no rule fires while an SMS may still arrive.
func (s *send) awaitReceipt(ctx workflow.Context) error {
	isFinal := func() bool { return !s.hasSMS() }
	if err := s.awaitSMS(ctx, s.in.Settings.SMSReceiptWait, isFinal); err != nil || isFinal() || s.isEnded() {
		return err
	}
	if _, err := s.inquire(ctx); err != nil {
		return err
	}
	s.isDone = !isFinal()
	return nil
}

// awaitSMS waits for receipts of the SMS until enough is known or the time is up.
func (s *send) awaitSMS(ctx workflow.Context, atMost time.Duration, isEnough func() bool) error {
	if s.drain(ctx); isEnough() || s.isEnded() {
		return nil
	}
	until := workflow.Now(ctx).Add(atMost)
	s.waiting = by("the SMS's receipt", until)
	timer := alarm(ctx, until, s.waiting)
	return s.await(ctx, func() bool { return isEnough() || s.isEnded() || isReady(timer) })
}

// inquire asks the provider what became of the SMS, and reports whether it answered.
func (s *send) inquire(ctx workflow.Context) (asked bool, err error) {
	var v backstop.View
	err = workflow.ExecuteActivity(inquiryOptions(ctx), acts.Inquire, s.in.ID).Get(ctx, &v)
	if err != nil {
		return false, cancelled(ctx, err) // a provider that does not answer is no reason to stop
	}
	s.see(ctx, v)
	return true, nil
}
