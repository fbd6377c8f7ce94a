package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

// fallBack sends the SMS of the rule that fired. Only if that SMS fails for good does the next unused rule follow.
// It is settled unless the last look averted the SMS; then the rules that are left go on watching.
func (s *send) fallBack(ctx workflow.Context, rule int) (settled bool, err error) {
	byFailure := s.is.WhatsAppStatus == backstop.Failed
	s.reason, s.first = s.why(rule)
	unless := backstop.Delivered // a failure is undone by a delivery
	if !byFailure {
		unless = s.in.Rules[rule].Type.Goal()
	}
	for more := true; more; rule, more = s.unused() {
		if s.drain(ctx); s.is.SMSStatus.Reached(backstop.Delivered) {
			return true, nil // an SMS that had been reported failed
		}
		s.spent[rule], s.rule = true, rule
		if stop, err := s.mustNot(ctx, rule); stop || err != nil {
			return true, err
		}
		averted, err := s.sendSMS(ctx, rule, unless)
		if err != nil {
			return true, err
		}
		if averted {
			err = s.record(ctx, backstop.EventAverted, rule)
			s.spent[rule] = !byFailure // its wait may still be to come
			s.rule, s.reason, s.first, s.waiting = -1, "", "", ""
			return false, err
		}
		if s.is.SMSStatus != backstop.Failed {
			return true, nil
		}
		s.reason = "the SMS before it failed"
	}
	return true, nil
}

// why says why a rule fired: for the timeline, and to be counted.
func (s *send) why(rule int) (string, backstop.FallbackReason) {
	r := s.in.Rules[rule]
	switch {
	case s.steps[backstop.WhatsApp] == 0:
		return "handed over after the wait had ended, too late for WhatsApp", backstop.TooLate
	case s.is.WhatsAppStatus != backstop.Failed:
		return fmt.Sprintf("not %s within %s", r.Type.Goal(), r.Wait()), r.Type.Missed()
	case s.failure == nil:
		return "the WhatsApp message failed", backstop.ByFailure
	default:
		return "the WhatsApp message failed: " + s.failure.Error(), backstop.ByFailure
	}
}

// mustNot reports, and records, that no SMS may go out whatever the rules say.
func (s *send) mustNot(ctx workflow.Context, rule int) (bool, error) {
	if s.in.ExpiresAt != nil && !workflow.Now(ctx).Before(*s.in.ExpiresAt) {
		return true, s.record(ctx, backstop.EventExpired, rule)
	}
	optedOut := s.failure != nil && s.failure.Class == backstop.OptedOut
	if s.is.WhatsAppStatus == backstop.Failed && optedOut && !s.in.Category.ChasesOptOut() {
		return true, s.record(ctx, backstop.EventOptedOut, rule)
	}
	return false, nil
}

// unused returns the next rule that has not fired, in the policy's order.
func (s *send) unused() (int, bool) {
	for i, spent := range s.spent {
		if !spent {
			return i, true
		}
	}
	return 0, false
}

// sendSMS submits the SMS of a rule and waits until it is known to have arrived or failed, or long enough, or until the
// send is handed back.
func (s *send) sendSMS(ctx workflow.Context, rule int, unless backstop.Status) (averted bool, err error) {
	for resent := false; ; resent = true {
		verdict, err := s.submitSMS(ctx, rule, unless)
		switch {
		case err != nil, s.handedBack():
			return false, err
		case verdict == activities.Averted:
			return !resent, nil // the SMS before a resend may be out: then this is settled
		case verdict == activities.Expired:
			return false, s.record(ctx, backstop.EventExpired, rule)
		case verdict != activities.Unknown:
			return false, s.awaitSMS(ctx, s.in.Settings.SMSReceiptWait, s.smsSettled)
		}
		heard := func() bool { return s.is.SMSStatus != backstop.Queued }
		if err := s.awaitSMS(ctx, s.in.Settings.UnknownWait, heard); err != nil {
			return false, err
		}
		if heard() || resent || !s.in.Settings.ResendSMS {
			return false, s.awaitSMS(ctx, s.in.Settings.SMSReceiptWait, s.smsSettled)
		}
	}
}

func (s *send) submitSMS(ctx workflow.Context, rule int, unless backstop.Status) (activities.Verdict, error) {
	r := s.in.Rules[rule]
	ref := s.nextStep(backstop.SMS)
	if before := s.is.SMSStatus; before == "" || before == backstop.Failed {
		s.is.SMSStatus = backstop.Queued
	}
	step := activities.Step{
		Ref: ref, Rule: r.Name, Reason: s.reason, SendID: r.SendID, Route: r.Route, Unless: unless, FallbackReason: s.first,
	}
	if _, more := s.unused(); !more && s.in.Settings.HandBack {
		step.ReceiptWait = s.in.Settings.SMSReceiptWait
	}
	call := s.provide(ctx, fmt.Sprintf("SMS from %s, rule %s", r.SendID, r.Name), acts.SendSMS, step)
	result, gaveUp, err := call.end(ctx)
	switch {
	case gaveUp:
		return activities.Rejected, s.giveUp(ctx, backstop.SMS)
	case err != nil:
		return "", fmt.Errorf("send sms: %w", err)
	case result.Verdict == activities.Averted, result.Verdict == activities.Expired:
		s.is.SMSStatus = "" // what an earlier SMS left is in the result
	}
	s.merge(result)
	return result.Verdict, nil
}

// awaitSMS waits for receipts of the SMS until enough is known or the time is up.
func (s *send) awaitSMS(ctx workflow.Context, atMost time.Duration, enough func() bool) error {
	known := func() bool { s.drain(ctx); return enough() }
	if known() {
		return nil
	}
	until := workflow.Now(ctx).Add(atMost)
	s.waiting = by("the SMS's receipt", until)
	timer := alarm(ctx, until, s.waiting)
	if err := workflow.Await(ctx, func() bool { return known() || timer.IsReady() }); err != nil {
		return fmt.Errorf("await sms receipt: %w", err)
	}
	return nil
}

// handedBack reports whether the SMS's receipt is waited for in Postgres, and not here.
func (s *send) handedBack() bool { return s.outcome == backstop.OutcomePending }

func (s *send) smsSettled() bool {
	return s.is.SMSStatus == backstop.Failed || s.is.SMSStatus.Reached(backstop.Delivered)
}
