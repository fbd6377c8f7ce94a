package workflows

import (
	"cmp"
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
	is       backstop.Send            // the statuses of both channels; the rest is in Postgres
	failure  *backstop.Failure        // why WhatsApp failed
	steps    map[backstop.Channel]int // the newest step of each channel
	step     int
	spent    []bool
	outcome  backstop.Outcome // set when a receipt has ended the send in Postgres, or will
	alarm    workflow.Future  // for the next moment at which something may have to be decided
	alarmAt  time.Time
	last     bool // no rule has a wait left: the alarm ends the watch
	receipts workflow.ReceiveChannel
	waiting  string // what for, when it is not a rule's wait

	call    *call           // the WhatsApp call that is under way
	unknown workflow.Future // ends the wait for a receipt after a call that may have sent
	resent  bool
	expired bool                    // a WhatsApp call came too late: nothing may go out any more
	rule    int                     // the newest that fired, or -1
	reason  string                  // why it did
	first   backstop.FallbackReason // why the first of the rules that sent an SMS did
}

// Send sends one message by WhatsApp, watches its receipts, and sends it by SMS when a rule says so, once.
func Send(ctx workflow.Context, in SendInput) (SendResult, error) {
	s := &send{
		in: in, plan: backstop.Plan{Rules: in.Rules}, is: backstop.Send{WhatsAppStatus: backstop.Queued},
		steps: map[backstop.Channel]int{}, spent: make([]bool, len(in.Rules)), rule: -1,
		receipts: workflow.GetSignalChannel(ctx, ReceiptSignal),
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

func (s *send) run(ctx workflow.Context) error {
	if _, due := s.fired(ctx); !due {
		if err := s.callWhatsApp(ctx); err != nil {
			return err
		}
	}
	for {
		rule, fired, err := s.watch(ctx)
		if err == nil && !fired {
			err = s.lapse(ctx)
		}
		if err != nil || !fired {
			return err
		}
		settled, err := s.fallBack(ctx, rule)
		if err != nil || settled {
			return err
		}
	}
}

// watch waits until a rule fires or none can any more.
func (s *send) watch(ctx workflow.Context) (rule int, fired bool, err error) {
	for {
		s.drain(ctx)
		s.arm(ctx)
		err = workflow.Await(ctx, func() bool {
			s.drain(ctx)
			_, due := s.fired(ctx)
			return due || s.callEnded() || ready(s.unknown) || s.rung() || (s.call == nil && s.over())
		})
		if err != nil {
			return 0, false, fmt.Errorf("watch: %w", err)
		}
		rule, fired = s.fired(ctx)
		switch {
		case s.callEnded():
			err = s.endWhatsApp(ctx)
		case fired && s.call != nil:
			err = s.callOff(ctx)
		case fired:
			return rule, true, nil
		case ready(s.unknown):
			err = s.resendWhatsApp(ctx)
		case s.call == nil && s.over():
			return 0, false, nil
		}
		if err != nil {
			return 0, false, err
		}
	}
}

// arm sets the alarm for the first wait that has not ended and whose rule may still fire by it. When none is left, it
// ends the watch for a reported failure: when the provider itself has given the message up, or when no SMS may go out
// any more. One alarm at a time costs the engine less than one per rule, and most sends end before the first.
func (s *send) arm(ctx workflow.Context) {
	if _, due := s.fired(ctx); due || s.callEnded() || s.over() || (s.alarm != nil && !s.rung()) {
		return
	}
	now := s.now(ctx)
	s.last, s.alarmAt = true, s.in.AcceptedAt.Add(backstop.MaxWait)
	if s.in.ExpiresAt != nil && s.in.ExpiresAt.Before(s.alarmAt) {
		s.alarmAt = *s.in.ExpiresAt
	}
	summary := by("a reported failure", s.alarmAt)
	for i, rule := range s.in.Rules {
		deadline, waits := rule.Deadline(s.in.AcceptedAt)
		if s.spent[i] || !waits || s.is.WhatsAppStatus.Reached(rule.Type.Goal()) ||
			!deadline.After(now) || !deadline.Before(s.alarmAt) {
			continue
		}
		s.last, s.alarmAt, summary = false, deadline, watched(rule, deadline)
	}
	if s.last {
		s.waiting = summary
	}
	s.alarm = alarm(ctx, s.alarmAt, summary)
}

// rung reports whether the alarm has gone off and another is to be set.
func (s *send) rung() bool { return ready(s.alarm) && !s.last }

// now is the time; an alarm that has gone off is believed even if the clock lags.
func (s *send) now(ctx workflow.Context) time.Time {
	now := workflow.Now(ctx)
	if ready(s.alarm) && s.alarmAt.After(now) {
		return s.alarmAt
	}
	return now
}

// fired asks the plan for the rule that fires now.
func (s *send) fired(ctx workflow.Context) (int, bool) {
	return s.plan.Fired(s.is.WhatsAppStatus, s.in.AcceptedAt, s.now(ctx), s.isSpent)
}

// over reports whether there is nothing left to watch for.
func (s *send) over() bool {
	return s.expired || s.plan.Over(s.is.WhatsAppStatus, s.isSpent) || (s.last && ready(s.alarm))
}

func (s *send) isSpent(rule int) bool { return s.spent[rule] }

// lapse records that the watch ended because the message expired, and not because no rule could fire any more.
func (s *send) lapse(ctx workflow.Context) error {
	if s.in.ExpiresAt == nil || !s.last || !ready(s.alarm) || s.plan.Over(s.is.WhatsAppStatus, s.isSpent) {
		return nil
	}
	return s.write(ctx, backstop.Event{Kind: backstop.EventExpired})
}

// drain takes in every receipt that has come. It runs inside each decision, so that a receipt in the same workflow
// task as a timer outranks it.
func (s *send) drain(ctx workflow.Context) {
	for {
		var r Receipt
		if !s.receipts.ReceiveAsync(&r) {
			return
		}
		s.absorb(ctx, r)
	}
}

// update takes in a receipt that came as an update. The SDK runs it before whatever else is in the same workflow task.
func (s *send) update(ctx workflow.Context, r Receipt) error {
	s.absorb(ctx, r)
	return nil
}

func (s *send) absorb(ctx workflow.Context, r Receipt) {
	if !r.Status.Valid() {
		workflow.GetLogger(ctx).Warn("receipt of no known status ignored", "status", string(r.Status))
		return
	}
	current := r.Step == s.steps[r.Channel]
	if current && r.Channel == backstop.WhatsApp && r.Status == backstop.Failed {
		s.failure = &backstop.Failure{Kind: backstop.Rejected, Class: r.Class, Code: r.Code}
	}
	s.is = s.is.Absorb(r.Channel, r.Status, current)
	s.outcome = cmp.Or(s.outcome, r.Outcome)
}

// merge takes in the statuses that an activity read from Postgres, where receipts may have come that were not
// signalled yet.
func (s *send) merge(r activities.Result) {
	s.is.WhatsAppStatus = s.is.WhatsAppStatus.Advance(r.WhatsApp)
	s.is.SMSStatus = s.is.SMSStatus.Advance(r.SMS)
	s.outcome = cmp.Or(s.outcome, r.Outcome)
}

func (s *send) nextStep(channel backstop.Channel) backstop.Ref {
	s.step++
	s.steps[channel] = s.step
	return backstop.Ref{Send: s.in.ID, Step: s.step}
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

func ready(f workflow.Future) bool { return f != nil && f.IsReady() }
