package workflows_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/workflows"
)

// commands records the commands that a workflow gives to the engine, in their order. A history replays only if they stay as they
// are, so a command that appears, disappears or moves breaks the sends in flight.
type commands struct {
	interceptor.WorkerInterceptorBase
	interceptor.WorkflowInboundInterceptorBase
	interceptor.WorkflowOutboundInterceptorBase

	given []string
	most  int // a workflow that gives more is stopped; 0: no bound
}

var noon = time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)

// recordCommands makes the workflow of this world start at noon and record its commands.
func (w *world) recordCommands() *commands {
	c := &commands{}
	w.env.SetStartTime(noon)
	w.send.AcceptedAt = noon
	w.env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{c}})
	return c
}

func (c *commands) InterceptWorkflow(
	_ workflow.Context, next interceptor.WorkflowInboundInterceptor,
) interceptor.WorkflowInboundInterceptor {
	c.WorkflowInboundInterceptorBase.Next = next
	return c
}

func (c *commands) Init(outbound interceptor.WorkflowOutboundInterceptor) error {
	c.WorkflowOutboundInterceptorBase.Next = outbound
	return c.WorkflowInboundInterceptorBase.Next.Init(c)
}

func (c *commands) ExecuteActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	c.addf("activity %s, %q%s", name, workflow.GetActivityOptions(ctx).Summary, argsOf(args))
	return c.WorkflowOutboundInterceptorBase.Next.ExecuteActivity(ctx, name, args...)
}

func (c *commands) ExecuteLocalActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	c.addf("local %s, %q%s", name, workflow.GetLocalActivityOptions(ctx).Summary, argsOf(args))
	return c.WorkflowOutboundInterceptorBase.Next.ExecuteLocalActivity(ctx, name, args...)
}

func (c *commands) NewTimerWithOptions(ctx workflow.Context, d time.Duration, o workflow.TimerOptions) workflow.Future {
	c.addf("timer %s, %q", d.Round(10*time.Millisecond), o.Summary)
	return c.WorkflowOutboundInterceptorBase.Next.NewTimerWithOptions(ctx, d, o)
}

func (c *commands) addf(format string, args ...any) {
	if c.most > 0 && len(c.given) >= c.most {
		panic("the workflow gives too many commands")
	}
	c.given = append(c.given, fmt.Sprintf(format, args...))
}

// argsOf shows the step of an activity, without the parts that are the same in all steps of a send.
func argsOf(args []any) string {
	for _, arg := range args {
		if step, ok := arg.(activities.Step); ok {
			text := fmt.Sprintf(", rule %d", step.Rule)
			if step.Resend {
				text += ", resend"
			}
			if step.ByFailure {
				text += ", by failure"
			}
			return text
		}
	}
	return ""
}

// Two or three things are ready in one workflow task. A receipt outranks an alarm, and the end of a call outranks both.
func TestSend_commands(t *testing.T) {
	t.Parallel()
	undelivered, unread := rule("ud", backstop.Undelivered, time.Minute), rule("ur", backstop.Unread, 2*time.Minute)
	throttled := &backstop.Failure{Kind: backstop.Throttled, RetryAfter: time.Minute}
	unknown, rejected := failure(backstop.Unknown, ""), failure(backstop.Rejected, backstop.RecipientFault)
	otherSMS := backstop.Call{Channel: backstop.SMS, ByFailure: true}
	for name, tc := range map[string]struct {
		rules    []backstop.Rule
		whatsapp []error
		sms      []error
		script   func(w *world)
		outcome  backstop.Outcome
		commands []string
	}{
		"the receipt comes as the alarm rings": {
			rules:   []backstop.Rule{undelivered},
			script:  func(w *world) { w.receiveWith(time.Minute, whatsapp(1, backstop.Delivered)) },
			outcome: backstop.OutcomeWhatsApp, commands: []string{
				`local SendWhatsApp, "WhatsApp", rule 0`,
				`timer 1m0s, "undelivered, rule ud, until 2026-01-01 12:01:00 UTC"`,
			},
		},
		"a receipt that satisfies no rule comes as the alarm rings": {
			rules:   []backstop.Rule{undelivered, unread},
			script:  func(w *world) { w.receiveWith(time.Minute, whatsapp(1, backstop.Delivered)) },
			outcome: backstop.OutcomePending, commands: []string{
				`local SendWhatsApp, "WhatsApp", rule 0`,
				`timer 1m0s, "undelivered, rule ud, until 2026-01-01 12:01:00 UTC"`,
				`timer 1m0s, "unread, rule ur, until 2026-01-01 12:02:00 UTC"`,
				`local SendSMS, "SMS from ACME, rule ur", rule 1`,
			},
		},
		"the failure comes as the alarm rings": {
			rules:   []backstop.Rule{undelivered, unread},
			script:  func(w *world) { w.receiveWith(time.Minute, whatsapp(1, backstop.Failed)) },
			outcome: backstop.OutcomeUnconfirmed, commands: []string{
				`local SendWhatsApp, "WhatsApp", rule 0`,
				`timer 1m0s, "undelivered, rule ud, until 2026-01-01 12:01:00 UTC"`,
				`local SendSMS, "SMS from ACME, rule ud", rule 0, by failure`,
				`timer 12h0m0s, "the SMS's receipt, until 2026-01-02 00:01:00 UTC"`,
				`activity Inquire, "what became of the SMS?"`,
				`local Finish, "finish"`,
			},
		},
		"the retry ends as the alarm rings": {
			rules: []backstop.Rule{undelivered}, whatsapp: []error{throttled, nil},
			outcome: backstop.OutcomePending, commands: []string{
				`local SendWhatsApp, "WhatsApp", rule 0`,
				`timer 1m0s, "Sleep"`,
				`timer 1m0s, "undelivered, rule ud, until 2026-01-01 12:01:00 UTC"`,
				`activity SendWhatsApp, "WhatsApp", rule 0`,
				`local SendSMS, "SMS from ACME, rule ud", rule 0`,
			},
		},
		"the retry ends as the alarm rings, and an SMS of another run is out": {
			rules: []backstop.Rule{undelivered, unread}, whatsapp: []error{throttled, nil},
			script: func(w *world) {
				w.otherRun(time.Minute, otherSMS, &backstop.Ending{Submission: backstop.Submission{MessageID: "id"}})
			},
			outcome: backstop.OutcomeUnconfirmed, commands: []string{
				`local SendWhatsApp, "WhatsApp", rule 0`,
				`timer 1m0s, "Sleep"`,
				`timer 1m0s, "undelivered, rule ud, until 2026-01-01 12:01:00 UTC"`,
				`activity SendWhatsApp, "WhatsApp", rule 0`,
				`timer 12h0m0s, "the SMS's receipt, until 2026-01-02 00:01:00 UTC"`,
				`activity Inquire, "what became of the SMS?"`,
				`local Finish, "finish"`,
			},
		},
		"an SMS of another run is out while WhatsApp is retried": {
			rules: []backstop.Rule{unread, undelivered}, whatsapp: []error{throttled},
			script: func(w *world) {
				w.otherRun(time.Second, otherSMS, &backstop.Ending{Submission: backstop.Submission{MessageID: "id"}})
				w.receive(arrival{after: time.Hour, receipt: sms(0, backstop.Failed)})
			},
			outcome: backstop.OutcomePending, commands: []string{
				`local SendWhatsApp, "WhatsApp", rule 0`,
				`timer 1m0s, "Sleep"`,
				`timer 1m0s, "undelivered, rule ud, until 2026-01-01 12:01:00 UTC"`,
				`timer 12h0m0s, "the SMS's receipt, until 2026-01-02 00:00:01 UTC"`,
				`local SendSMS, "SMS from ACME, rule ud", rule 1, by failure`,
			},
		},
		"an SMS of another run was not taken": {
			rules:   []backstop.Rule{unread},
			script:  func(w *world) { w.otherRun(time.Second, otherSMS, ended(backstop.Unavailable)) },
			outcome: backstop.OutcomePending, commands: []string{
				`local SendWhatsApp, "WhatsApp", rule 0`,
				`timer 2m0s, "unread, rule ur, until 2026-01-01 12:02:00 UTC"`,
				`local SendSMS, "SMS from ACME, rule ur", rule 0`,
				`timer 1m59s, "Sleep"`,
				`timer 24h0m0s, "retries of the SMS, until 2026-01-02 12:00:01 UTC"`,
				`activity SendSMS, "SMS from ACME, rule ur", rule 0`,
			},
		},
		"the receipt comes as the wait for it ends": {
			rules: []backstop.Rule{undelivered}, whatsapp: []error{unknown},
			script:  func(w *world) { w.receiveWith(30*time.Second, whatsapp(1, backstop.Sent)) },
			outcome: backstop.OutcomePending, commands: []string{
				`local SendWhatsApp, "WhatsApp", rule 0`,
				`timer 30s, "a receipt for a WhatsApp call of unknown end, until 2026-01-01 12:00:30 UTC"`,
				`timer 1m0s, "undelivered, rule ud, until 2026-01-01 12:01:00 UTC"`,
				`local SendSMS, "SMS from ACME, rule ud", rule 0`,
			},
		},
		"resent, and again of unknown end": {
			rules: []backstop.Rule{undelivered}, whatsapp: []error{unknown}, sms: []error{unknown},
			outcome: backstop.OutcomeUnconfirmed, commands: []string{
				`local SendWhatsApp, "WhatsApp", rule 0`,
				`timer 30s, "a receipt for a WhatsApp call of unknown end, until 2026-01-01 12:00:30 UTC"`,
				`timer 1m0s, "undelivered, rule ud, until 2026-01-01 12:01:00 UTC"`,
				`local SendWhatsApp, "WhatsApp", rule 0, resend`,
				`timer 30s, "a receipt for a WhatsApp call of unknown end, until 2026-01-01 12:01:00 UTC"`,
				`local SendSMS, "SMS from ACME, rule ud", rule 0`,
				`timer 30s, "the SMS's receipt, until 2026-01-01 12:01:30 UTC"`,
				`activity Inquire, "what became of the SMS?"`,
				`local SendSMS, "SMS from ACME, rule ud", rule 0, resend`,
				`timer 12h0m0s, "the SMS's receipt, until 2026-01-02 00:01:30 UTC"`,
				`activity Inquire, "what became of the SMS?"`,
				`local Finish, "finish"`,
			},
		},
		"expired while WhatsApp is retried": {
			rules: []backstop.Rule{unread}, whatsapp: []error{throttled},
			script:  func(w *world) { w.send.ExpiresAt = new(noon.Add(30 * time.Second)) },
			outcome: backstop.OutcomeExpired, commands: []string{
				`local SendWhatsApp, "WhatsApp", rule 0`,
				`timer 1m0s, "Sleep"`,
				`timer 30s, "a reported failure, until 2026-01-01 12:00:30 UTC"`,
				`timer 30s, "a receipt for a WhatsApp call of unknown end, until 2026-01-01 12:01:00 UTC"`,
				`local Finish, "finish"`,
			},
		},
		"the SMS is retried until the next rule's wait ends": {
			rules: []backstop.Rule{undelivered, unread}, sms: []error{throttled, throttled, throttled},
			outcome: backstop.OutcomeUnconfirmed, commands: []string{
				`local SendWhatsApp, "WhatsApp", rule 0`,
				`timer 1m0s, "undelivered, rule ud, until 2026-01-01 12:01:00 UTC"`,
				`local SendSMS, "SMS from ACME, rule ud", rule 0`,
				`timer 1m0s, "Sleep"`,
				`timer 1m0s, "retries of the SMS, until 2026-01-01 12:02:00 UTC"`,
				`activity SendSMS, "SMS from ACME, rule ud", rule 0`,
				`local GiveUp, "give up", rule 0`,
				`local SendSMS, "SMS from ACME, rule ur", rule 1`,
				`timer 1m0s, "Sleep"`,
				`timer 24h0m0s, "retries of the SMS, until 2026-01-02 12:02:00 UTC"`,
				`activity SendSMS, "SMS from ACME, rule ur", rule 1`,
				`local GiveUp, "give up", rule 1`,
			},
		},
		"the SMS is rejected by receipt as the next alarm rings": {
			rules: []backstop.Rule{undelivered, unread}, whatsapp: []error{rejected}, sms: []error{nil, rejected},
			script:  func(w *world) { w.receiveWith(12*time.Hour, sms(0, backstop.Failed)) },
			outcome: backstop.OutcomeFailed, commands: []string{
				`local SendWhatsApp, "WhatsApp", rule 0`,
				`local SendSMS, "SMS from ACME, rule ud", rule 0, by failure`,
				`timer 12h0m0s, "the SMS's receipt, until 2026-01-02 00:00:00 UTC"`,
				`local SendSMS, "SMS from ACME, rule ur", rule 1, by failure`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tc.rules...)
			c := w.recordCommands()
			w.answers(backstop.WhatsApp, tc.whatsapp...)
			w.answers(backstop.SMS, tc.sms...)
			if tc.script != nil {
				tc.script(w)
			}
			resendsUnknown()(w)
			require.Equal(t, tc.outcome, w.run(settings).Outcome)
			require.Equal(t, tc.commands, c.given)
		})
	}
}

// receiveWith makes a receipt come in the workflow task of a timer that ends at this moment. The signal comes first and starts no
// task.
func (w *world) receiveWith(timer time.Duration, r backstop.Receipt) {
	w.after(timer-time.Millisecond, func() {
		if view, mustSignal := w.Receive(r); mustSignal {
			w.env.SignalWorkflowSkippingWorkflowTask(workflows.ReceiptSignal, view)
		}
	})
}

// otherRun makes a call of another run, and signals it.
func (w *world) otherRun(after time.Duration, c backstop.Call, end *backstop.Ending) {
	w.after(after, func() {
		w.earlier(c, end)
		l := w.ledger()
		w.env.SignalWorkflow(workflows.ReceiptSignal, l.View())
	})
}
