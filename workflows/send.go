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
	is       backstop.Send            // the statuses of both channels; the rest is in Postgres
	failure  *backstop.Failure        // why WhatsApp failed
	steps    map[backstop.Channel]int // the newest step of each channel
	step     int
	spent    []bool
	timers   []workflow.Future // one per rule with a wait
	receipts workflow.ReceiveChannel
	waiting  string // what for, when it is not a rule's wait

	call    *call           // the WhatsApp call that is under way
	unknown workflow.Future // ends the wait for a receipt after a call that may have sent
	resent  bool
	expired bool            // a WhatsApp call came too late: nothing may go out any more
	horizon workflow.Future // ends the watch for a failure when no timer is left
	rule    int             // the newest that fired, or -1
	reason  string          // why it did
}

// call is an activity that can be called off.
type call struct {
	result workflow.Future
	cancel workflow.CancelFunc
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
		s.callWhatsApp(ctx)
	}
	s.arm(ctx)
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

// arm starts a timer per rule that waits. Each counts from the moment the send was accepted. A rule that could fire
// only when the message has expired needs none.
func (s *send) arm(ctx workflow.Context) {
	s.timers = make([]workflow.Future, len(s.in.Rules))
	for i, rule := range s.in.Rules {
		deadline, waits := rule.Deadline(s.in.AcceptedAt)
		if waits && (s.in.ExpiresAt == nil || deadline.Before(*s.in.ExpiresAt)) {
			s.timers[i] = alarm(ctx, deadline, watched(rule, deadline))
		}
	}
}

// watch waits until a rule fires or none can any more.
func (s *send) watch(ctx workflow.Context) (rule int, fired bool, err error) {
	for {
		err = workflow.Await(ctx, func() bool {
			s.drain(ctx)
			_, due := s.fired(ctx)
			return due || s.callEnded() || ready(s.unknown) || s.unbounded() || (s.call == nil && s.over())
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
			s.resendWhatsApp(ctx)
		case s.unbounded():
			s.bound(ctx)
		default:
			return 0, false, nil
		}
		if err != nil {
			return 0, false, err
		}
	}
}

// fired asks the plan for the rule that fires now. A timer that has fired is believed even if the clock lags.
func (s *send) fired(ctx workflow.Context) (int, bool) {
	now := workflow.Now(ctx)
	for i, timer := range s.timers {
		if deadline, _ := s.in.Rules[i].Deadline(s.in.AcceptedAt); ready(timer) && deadline.After(now) {
			now = deadline
		}
	}
	return s.plan.Fired(s.is.WhatsAppStatus, s.in.AcceptedAt, now, s.isSpent)
}

// over reports whether there is nothing left to watch for.
func (s *send) over() bool {
	return s.expired || s.plan.Over(s.is.WhatsAppStatus, s.isSpent) || ready(s.horizon)
}

func (s *send) isSpent(rule int) bool { return s.spent[rule] }

// unbounded reports whether no timer is left that would end the watch: what is left are rules that only a reported
// failure fires.
func (s *send) unbounded() bool {
	if s.horizon != nil || s.over() {
		return false
	}
	for i, timer := range s.timers {
		if timer != nil && !timer.IsReady() && !s.spent[i] {
			return false
		}
	}
	return true
}

// bound ends the watch when the provider itself has given the message up, or when no SMS may go out any more.
func (s *send) bound(ctx workflow.Context) {
	until := s.in.AcceptedAt.Add(backstop.MaxWait)
	if s.in.ExpiresAt != nil && s.in.ExpiresAt.Before(until) {
		until = *s.in.ExpiresAt
	}
	s.waiting = by("a reported failure", until)
	s.horizon = alarm(ctx, until, s.waiting)
}

// lapse records that the watch ended because the message expired, and not because no rule could fire any more.
func (s *send) lapse(ctx workflow.Context) error {
	if s.in.ExpiresAt == nil || !ready(s.horizon) || s.plan.Over(s.is.WhatsAppStatus, s.isSpent) {
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
}

// merge takes in the statuses that an activity read from Postgres, where receipts may have come that were not
// signalled yet.
func (s *send) merge(r activities.Result) {
	s.is.WhatsAppStatus = s.is.WhatsAppStatus.Advance(r.WhatsApp)
	s.is.SMSStatus = s.is.SMSStatus.Advance(r.SMS)
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
