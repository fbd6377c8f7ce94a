package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/backstophq/backstop"
)

// send is the state of the workflow of one send.
type send struct {
	in      SendInput
	origin  time.Time  // in.Origin by the engine's clock
	expires *time.Time // ExpiresAt by the engine's clock

	view         backstop.View // the newest view that this run has
	whatsApp     whatsAppState
	sms          smsState
	alarm        alarm
	waiting      string // what the send waits for, if it is not a rule's wait
	nothingToTry bool   // no call is to be made any more
}

// Send sends one message by WhatsApp, watches its receipts, and sends it by SMS when a rule says so, once.
func Send(ctx workflow.Context, in SendInput) (SendResult, error) {
	s := &send{
		in: in, origin: workflow.GetInfo(ctx).WorkflowStartTime.Add(-in.Age),
		view: backstop.View{Statuses: backstop.Statuses{WhatsApp: backstop.Queued}}, sms: smsState{rule: -1},
	}
	if in.ExpiresAt != nil {
		expires := s.origin.Add(in.ExpiresAt.Sub(in.Origin))
		s.expires = &expires
	}
	if err := workflow.SetQueryHandler(ctx, StateQuery, s.queryState); err != nil {
		return SendResult{}, fmt.Errorf("set query handler: %w", err)
	}
	if err := workflow.SetUpdateHandler(ctx, ReceiptUpdate, s.receiveUpdate); err != nil {
		return SendResult{}, fmt.Errorf("set update handler: %w", err)
	}
	runErr := s.run(ctx)
	if runErr != nil && !temporal.IsCanceledError(runErr) {
		return SendResult{}, runErr
	}
	result, err := s.finish(ctx) // also when an operator cancelled the run
	if err != nil {
		return SendResult{}, err
	}
	return result, runErr
}

// run does what next decides, until nothing is left to do. If a rule is due at the start, the send goes by SMS alone.
func (s *send) run(ctx workflow.Context) error {
	if _, isDue := s.dueRule(ctx); !isDue {
		if err := s.callWhatsApp(ctx); err != nil {
			return err
		}
	}
	for {
		decided, err := s.awaitDecision(ctx)
		if err != nil || decided.action == endSend {
			return err
		}
		if err = s.actOn(ctx, decided); err != nil {
			return err
		}
	}
}

// decision is what the send does now.
type decision struct {
	action action
	rule   int // of sendSMS: its index in the plan
}

type action int

const (
	keepWaiting    action = iota
	setAlarm              // no alarm is set, or the alarm has rung and nothing else is to be done
	takeCallResult        // the WhatsApp call has ended
	stopCall              // the WhatsApp call is under way, and something else is to be done
	resendUnknown         // no receipt came after a WhatsApp call of unknown end
	sendSMS               // a rule is due, or an earlier run began this SMS
	awaitSMS              // an SMS is out, or may be
	endSend
)

// next decides what the send does now. A WhatsApp call under way ends before anything else is done, because its message may go
// out.
func (s *send) next(ctx workflow.Context) decision {
	d := s.nextWithoutCall(ctx)
	switch {
	case s.whatsApp.call == nil:
		return d
	case s.whatsApp.call.ended:
		return decision{action: takeCallResult}
	case d.action == keepWaiting || d.action == setAlarm:
		return d
	default:
		return decision{action: stopCall}
	}
}

// nextWithoutCall decides as if no WhatsApp call is under way.
func (s *send) nextWithoutCall(ctx workflow.Context) decision {
	rule, isDue := s.dueRule(ctx)
	switch {
	case s.isEnded():
		return decision{action: endSend}
	case s.hasLostSMS():
		return decision{action: sendSMS, rule: s.view.SMSRule}
	case s.hasSMS(): // of another run
		return decision{action: awaitSMS}
	case isDue:
		return decision{action: sendSMS, rule: rule}
	case isReady(s.whatsApp.unknownTimer):
		return decision{action: resendUnknown}
	case s.isWatchEnded():
		return decision{action: endSend}
	case s.alarm.isNeeded():
		return decision{action: setAlarm}
	default:
		return decision{action: keepWaiting}
	}
}

// awaitDecision starts the timers that are missing, and waits until there is something to do.
func (s *send) awaitDecision(ctx workflow.Context) (d decision, err error) {
	s.resumeUnknownWait(ctx)
	s.drainReceipts(ctx)
	if s.next(ctx).action == setAlarm {
		s.startAlarm(ctx)
	}
	err = s.await(ctx, func() bool {
		d = s.next(ctx)
		return d.action != keepWaiting
	})
	if err != nil {
		return d, fmt.Errorf("watch: %w", err)
	}
	return d, nil
}

func (s *send) actOn(ctx workflow.Context, d decision) error {
	switch d.action {
	case takeCallResult:
		return s.endWhatsApp(ctx)
	case stopCall:
		return s.stopWhatsApp(ctx)
	case resendUnknown:
		return s.resendWhatsApp(ctx)
	case sendSMS:
		return s.fallBack(ctx, d.rule)
	case awaitSMS:
		return s.awaitSMSReceipt(ctx)
	case setAlarm, keepWaiting, endSend: // awaitDecision sets the alarm, run ends the send
	}
	return nil
}

// finish ends the send in Postgres, even if an operator cancelled the workflow. It writes nothing if the send has ended there, or
// if the store waits for the SMS's receipt.
func (s *send) finish(ctx workflow.Context) (SendResult, error) {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	s.drainReceipts(ctx)
	if s.view.Outcome == "" {
		var v backstop.View
		finished := workflow.ExecuteLocalActivity(storeOptions(ctx, "finish"), acts.Finish, s.in.ID, s.hasLapsed(ctx))
		if err := finished.Get(ctx, &v); err != nil {
			return SendResult{}, fmt.Errorf("finish: %w", err)
		}
		s.updateView(ctx, v)
		s.drainReceipts(ctx)
	}
	return SendResult{
		Outcome: s.view.Outcome, Statuses: s.view.Statuses, Rule: s.firedRule(), Reason: s.view.Why,
	}, nil
}
