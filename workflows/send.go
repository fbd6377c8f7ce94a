package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

// acts names the activities; a worker has the real ones.
var acts *activities.Activities

// send is the state of one send.
type send struct {
	in       SendInput
	plan     backstop.Plan
	origin   time.Time  // when the send was accepted, by the engine's clock
	expires  *time.Time // ExpiresAt by the engine's clock
	view     backstop.View
	receipts workflow.ReceiveChannel

	alarm   workflow.Future // for the next moment at which something may have to be decided
	alarmAt time.Time
	last    bool   // no rule has a wait left: the alarm ends the watch
	waiting string // what the send waits for, if it is not a rule's wait

	call    *call           // the WhatsApp call that is under way
	unknown workflow.Future // ends the wait for a receipt after a call that may have sent
	resent  bool
	isDone  bool             // nothing more is to be tried
	rule    int              // the newest rule that fired, or -1
	called  backstop.RuleSet // the rules whose SMS this run has asked for

	isAwaited bool // the wait for a receipt after a WhatsApp call of unknown end has begun
}

// Send sends one message by WhatsApp, watches its receipts, and sends it by SMS when a rule says so, once.
func Send(ctx workflow.Context, in SendInput) (SendResult, error) {
	s := &send{
		in: in, plan: backstop.Plan{Rules: in.Rules}, rule: -1,
		view:     backstop.View{Statuses: backstop.Statuses{WhatsApp: backstop.Queued}},
		origin:   workflow.GetInfo(ctx).WorkflowStartTime.Add(-in.Age),
		receipts: workflow.GetSignalChannel(ctx, ReceiptSignal),
	}
	if in.ExpiresAt != nil {
		expires := s.origin.Add(in.ExpiresAt.Sub(in.AcceptedAt))
		s.expires = &expires
	}
	if err := workflow.SetQueryHandler(ctx, StateQuery, s.state); err != nil {
		return SendResult{}, fmt.Errorf("set query handler: %w", err)
	}
	if err := workflow.SetUpdateHandler(ctx, ReceiptUpdate, s.update); err != nil {
		return SendResult{}, fmt.Errorf("set update handler: %w", err)
	}
	ran := s.run(ctx)
	if ran != nil && !temporal.IsCanceledError(ran) {
		return SendResult{}, ran
	}
	result, err := s.finish(ctx) // also when an operator cancelled the run
	if err != nil {
		return SendResult{}, err
	}
	return result, ran
}

// run goes on until nothing is left to decide. If a rule is due at the start already, the send goes by SMS alone.
func (s *send) run(ctx workflow.Context) error {
	if _, due := s.fired(ctx); !due {
		if err := s.callWhatsApp(ctx); err != nil {
			return err
		}
	}
	for {
		rule, fired, err := s.watch(ctx)
		switch {
		case err != nil || s.isEnded():
			return err
		case s.view.SMS == backstop.Queued && !s.called.Has(s.view.SMSRule): // the workflow task that began the call was lost
			err = s.fallBack(ctx, s.view.SMSRule)
		case s.hasSMS():
			err = s.awaitReceipt(ctx) // of the SMS that another run sent
		case fired:
			err = s.fallBack(ctx, rule)
		default:
			return nil
		}
		if err != nil || s.isEnded() {
			return err
		}
	}
}

// isEnded reports whether the workflow has nothing left to do but to finish.
func (s *send) isEnded() bool { return s.isDone || s.view.Outcome != "" }

// hasSMS reports whether an SMS is out, or may be, and has neither failed nor been delivered. Meanwhile no rule fires.
func (s *send) hasSMS() bool {
	return s.view.SMS != "" && s.view.SMS != backstop.Failed && !s.view.SMS.Reached(backstop.Delivered)
}

// watch waits until a rule fires, until none can fire any more, until the view has an SMS of another run, or until the send ends.
func (s *send) watch(ctx workflow.Context) (rule int, fired bool, err error) {
	for {
		s.findUnknown(ctx)
		s.arm(ctx)
		if err = s.await(ctx, func() bool { return s.hasRung() || s.mustDecide(ctx) }); err != nil {
			return 0, false, fmt.Errorf("watch: %w", err)
		}
		rule, fired = s.fired(ctx)
		switch {
		case s.callEnded():
			err = s.endWhatsApp(ctx)
		case s.call != nil && (fired || s.isEnded() || s.hasSMS() || s.isOver()):
			err = s.stopWhatsApp(ctx)
		case s.isEnded(), s.hasSMS(), fired:
			return rule, fired, nil
		case isReady(s.unknown):
			err = s.resendWhatsApp(ctx)
		case s.isOver():
			return 0, false, nil
		}
		if err != nil {
			return 0, false, err
		}
	}
}

// mustDecide reports whether the watch has something to decide. If only an alarm has rung, the watch just sets the next one.
func (s *send) mustDecide(ctx workflow.Context) bool {
	_, due := s.fired(ctx)
	return due || s.callEnded() || isReady(s.unknown) || s.isOver() || s.isEnded() || s.hasSMS()
}

// await waits for a condition. It reads all receipts before each check, so a receipt outranks a timer in the same workflow task.
func (s *send) await(ctx workflow.Context, condition func() bool) error {
	err := workflow.Await(ctx, func() bool { s.drain(ctx); return condition() })
	if err != nil {
		return fmt.Errorf("await: %w", err)
	}
	return nil
}

// arm sets the alarm for the first wait that has not ended and whose rule may still fire by it. When none is left, it
// ends the watch for a reported failure: when the provider itself has given the message up, or when no SMS may go out
// any more. One alarm at a time costs the engine less than one per rule, and most sends end before the first.
func (s *send) arm(ctx workflow.Context) {
	s.drain(ctx)
	if s.alarm != nil && !s.hasRung() || s.mustDecide(ctx) {
		return
	}
	now := s.now(ctx)
	s.last, s.alarmAt = true, s.origin.Add(backstop.MaxWait)
	if s.call != nil {
		s.alarmAt = now.Add(tryFor)
	}
	if s.expires != nil && (s.call != nil || s.expires.Before(s.alarmAt)) {
		s.alarmAt = *s.expires
	}
	summary := by("a reported failure", s.alarmAt)
	for i, rule := range s.in.Rules {
		deadline, waits := rule.Deadline(s.origin)
		if !waits || s.view.Used.Has(i) || s.view.WhatsApp.Reached(rule.Type.Goal()) || !deadline.After(now) {
			continue
		}
		if s.last && s.expires == nil || deadline.Before(s.alarmAt) {
			s.last, s.alarmAt, summary = false, deadline, watched(rule, deadline)
		}
	}
	if s.last {
		s.waiting = summary
	}
	s.alarm = alarm(ctx, s.alarmAt, summary)
}

// hasRung reports whether the alarm has gone off and another is to be set.
func (s *send) hasRung() bool { return isReady(s.alarm) && !s.last }

// now returns the time. After the alarm has gone off, it is at least the alarm's time, even if the clock lags.
func (s *send) now(ctx workflow.Context) time.Time {
	now := workflow.Now(ctx)
	if isReady(s.alarm) && s.alarmAt.After(now) {
		return s.alarmAt
	}
	return now
}

// fired asks the plan for the rule that fires now.
func (s *send) fired(ctx workflow.Context) (int, bool) {
	return s.plan.Due(s.view.WhatsApp, s.origin, s.now(ctx), s.view.Used.Has)
}

// isOver reports whether there is nothing left to watch for.
func (s *send) isOver() bool {
	return s.plan.IsSatisfied(s.view.WhatsApp, s.view.Used.Has) || s.last && isReady(s.alarm)
}

// hasLapsed reports whether ExpiresAt has come.
func (s *send) hasLapsed(ctx workflow.Context) bool {
	return s.expires != nil && !s.now(ctx).Before(*s.expires)
}

// drain takes in every receipt that has come as a signal.
func (s *send) drain(ctx workflow.Context) {
	for {
		var v backstop.View
		if !s.receipts.ReceiveAsync(&v) {
			return
		}
		s.see(ctx, v)
	}
}

// update takes in a receipt that came as an update. The SDK runs it before everything else in the same workflow task.
func (s *send) update(ctx workflow.Context, v backstop.View) error {
	s.see(ctx, v)
	return nil
}

// see takes in a view of the send, unless the current view is newer.
func (s *send) see(ctx workflow.Context, v backstop.View) {
	if !v.WhatsApp.Valid() {
		workflow.GetLogger(ctx).Warn("view of no known status ignored", "status", string(v.WhatsApp))
		return
	}
	if v.Revision > s.view.Revision {
		s.view = v
	}
}

// alarm is a timer that ends at a moment, at once if that has passed. Its summary is what a person reads in the
// Temporal UI. An alarm that is no longer needed is left to run out: to cancel it would cost the engine an event more.
func alarm(ctx workflow.Context, until time.Time, summary string) workflow.Future {
	return workflow.NewTimerWithOptions(ctx, until.Sub(workflow.Now(ctx)), workflow.TimerOptions{Summary: summary})
}

func watched(r backstop.Rule, deadline time.Time) string {
	return by(fmt.Sprintf("%s, rule %s", r.Type, r.Name), deadline)
}

func by(what string, until time.Time) string {
	return what + ", until " + until.UTC().Format("2006-01-02 15:04:05 MST")
}

func isReady(f workflow.Future) bool { return f != nil && f.IsReady() }
