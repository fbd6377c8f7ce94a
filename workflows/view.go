package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/backstophq/backstop"
)

// await waits for a condition. It reads all receipts before each check, so a receipt outranks a timer in the same workflow task.
func (s *send) await(ctx workflow.Context, condition func() bool) error {
	err := workflow.Await(ctx, func() bool { s.drainReceipts(ctx); return condition() })
	if err != nil {
		return fmt.Errorf("await: %w", err)
	}
	return nil
}

// drainReceipts takes in every receipt that has come as a signal.
func (s *send) drainReceipts(ctx workflow.Context) {
	receipts := workflow.GetSignalChannel(ctx, ReceiptSignal)
	for {
		var v backstop.View
		if !receipts.ReceiveAsync(&v) {
			return
		}
		s.updateView(ctx, v)
	}
}

// receiveUpdate takes in a receipt that came as an update. The SDK runs it before everything else in the same workflow task.
func (s *send) receiveUpdate(ctx workflow.Context, v backstop.View) error {
	s.updateView(ctx, v)
	return nil
}

// updateView takes in a view of the send, unless the current view is newer.
func (s *send) updateView(ctx workflow.Context, v backstop.View) {
	if !v.WhatsApp.Valid() {
		workflow.GetLogger(ctx).Warn("view of no known status ignored", "status", string(v.WhatsApp))
		return
	}
	if v.Revision > s.view.Revision {
		s.view = v
	}
}

// dueRule asks the plan for the rule that fires now.
func (s *send) dueRule(ctx workflow.Context) (rule int, isDue bool) {
	return s.plan().Due(s.view.WhatsApp, s.origin, s.now(ctx), s.view.Used.Has)
}

func (s *send) plan() backstop.Plan { return backstop.Plan{Rules: s.in.Rules} }

// firedRule returns the name of the newest rule that fired, or "".
func (s *send) firedRule() string {
	if s.sms.rule < 0 {
		return ""
	}
	return s.in.Rules[s.sms.rule].Name
}

// isEnded reports whether the workflow has nothing left to do but to finish.
func (s *send) isEnded() bool { return s.nothingToTry || s.view.Outcome != "" }

// isWatchEnded reports whether no rule can fire any more.
func (s *send) isWatchEnded() bool {
	return s.plan().IsSatisfied(s.view.WhatsApp, s.view.Used.Has) || s.alarm.hasEndedWatch()
}

// hasSMS reports whether an SMS is out, or may be, and has neither failed nor been delivered. Meanwhile no rule fires.
func (s *send) hasSMS() bool {
	return s.view.SMS != "" && s.view.SMS != backstop.Failed && !s.view.SMS.Reached(backstop.Delivered)
}

// hasLostSMS reports whether an earlier run began the SMS, and its workflow task was lost, or whether an account refused the SMS
// late. This run makes the same call, and the ledger decides.
func (s *send) hasLostSMS() bool {
	return s.isPassedOver() || s.view.SMS == backstop.Queued && !s.sms.called.Has(s.view.SMSRule)
}

// isPassedOver reports whether no account has the SMS, and one is left. After a call of unknown end, that is so if the account
// turns out to have refused the SMS for a reason of its own.
func (s *send) isPassedOver() bool {
	return s.view.SMS == backstop.Queued && !s.view.Used.Has(s.view.SMSRule)
}

// hasLapsed reports whether ExpiresAt has come.
func (s *send) hasLapsed(ctx workflow.Context) bool {
	return s.expires != nil && !s.now(ctx).Before(*s.expires)
}
