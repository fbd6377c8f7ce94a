package activities_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/internal/clocktest"
	"github.com/backstophq/backstop/internal/ledgertest"
)

const (
	to       = "+447400123456"
	text     = "your code is 481516"
	smsText  = "by SMS: your code is 481516"
	policyID = "0190a0a0-0000-7000-8000-000000000001"

	wait = time.Minute // of the first rule

	number = "number" // the WhatsApp account
)

var (
	channels  = []backstop.Channel{backstop.WhatsApp, backstop.SMS}
	throttled = &backstop.Failure{Kind: backstop.Throttled, RetryAfter: 7 * time.Second}
	down      = &backstop.Failure{Kind: backstop.Unavailable, Code: "503"}
)

// rig is the activities of one send, with scripted providers. The send is new, and the wait of its first rule has just ended.
type rig struct {
	maxCalls int               // concurrent provider calls; 0: no limit
	health   activities.Health // nil: no circuit breakers

	t        *testing.T
	send     backstop.Send
	store    *store
	receipt  func(backstop.Receipt) (mustSignal bool) // stores a receipt
	provider *provider
	accounts *accounts
	refresh  func(context.Context) error // nil: accounts are not looked for
	clock    *clocktest.Clock
	log      bytes.Buffer // of ours and of the engine
	acts     *activities.Activities

	heartbeat converter.EncodedValues // the newest, as the engine keeps it for the next run
	stopping  chan struct{}           // closed when the worker stops
	prepare   func(*testsuite.TestActivityEnvironment)
}

// newRig returns a rig with a store in memory. The store and the activities use the rig's clock.
func newRig(t *testing.T, change ...func(*backstop.Send)) *rig {
	t.Helper()
	send, c := newSend(t, change...), newClock()
	memory := ledgertest.New(send, c.Now)
	return newRigOn(t, send, memory, c, func(r backstop.Receipt) bool {
		_, mustSignal := memory.Receive(r)
		return mustSignal
	})
}

func newRigOn(
	t *testing.T, send backstop.Send, on activities.Store, c *clocktest.Clock, receipt func(backstop.Receipt) bool,
) *rig {
	t.Helper()
	p := &provider{}
	r := &rig{
		t: t, send: send, store: &store{Store: on}, receipt: receipt, provider: p, clock: c, stopping: make(chan struct{}),
		accounts: newAccounts(
			activities.Account{Name: number, Provider: "scripted", WhatsApp: whatsapp{p}},
			activities.Account{Name: "first", Provider: "scripted", SMS: sms{p}},
			activities.Account{Name: "second", Provider: "other", SMS: sms{p}},
		),
	}
	r.restart()
	return r
}

// newSend returns a send with an unread rule. The wait of the rule has just ended.
func newSend(t *testing.T, change ...func(*backstop.Send)) backstop.Send {
	t.Helper()
	id, err := uuid.NewV7()
	require.NoError(t, err)
	send := backstop.Send{
		ID: id.String(), To: to, Country: "GB", Text: text, SMSText: smsText,
		Plan: backstop.Plan{
			PolicyID: policyID, PolicyName: "p", Account: number, Rules: []backstop.Rule{newRule("unread", backstop.Unread)},
		},
		AcceptedAt: time.Now().UTC().Truncate(time.Microsecond).Add(-wait), Status: backstop.Statuses{WhatsApp: backstop.Queued},
		Outcome: backstop.OutcomePending,
	}
	for _, c := range change {
		c(&send)
	}
	return send
}

// newRule returns a rule whose SMS goes by these accounts, in order; by default, by the first account.
func newRule(name string, of backstop.RuleType, accounts ...string) backstop.Rule {
	if len(accounts) == 0 {
		accounts = []string{"first"}
	}
	rule := backstop.Rule{ID: policyID, Name: name, Type: of, WaitSeconds: int(wait.Seconds()), SendID: "Acme"}
	for _, account := range accounts {
		rule.Routes = append(rule.Routes, backstop.Route{Account: account})
	}
	return rule
}

// withRules gives a send another plan.
func withRules(rules ...backstop.Rule) func(*backstop.Send) {
	return func(s *backstop.Send) { s.Plan.Rules = rules }
}

// restart replaces the activities, as a new process with the rig's present configuration.
func (r *rig) restart() {
	r.t.Helper()
	var err error
	r.acts, err = activities.New(activities.Options{
		Store: r.store, Accounts: r.accounts, Health: r.health, Refresh: r.refresh, Log: r.logger(), Now: r.clock.Now, Calls: r.maxCalls,
	})
	require.NoError(r.t, err)
}

func (r *rig) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(&r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (r *rig) environment() *testsuite.TestActivityEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.SetTestTimeout(2 * long)
	env.SetWorkerStopChannel(r.stopping)
	env.RegisterActivity(r.acts)
	if r.prepare != nil {
		r.prepare(env)
	}
	return env
}

// under sets the context of the next runs.
func (r *rig) under(ctx context.Context) {
	r.prepare = func(env *testsuite.TestActivityEnvironment) {
		env.SetWorkerOptions(worker.Options{BackgroundActivityContext: ctx})
	}
}

// run runs an activity once. Like the engine, it passes on the heartbeat of the run before.
func (r *rig) run(run any, step activities.Step) (activities.Result, error) {
	r.t.Helper()
	env := r.environment()
	env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) { r.heartbeat = details })
	if r.heartbeat != nil {
		var ended activities.Ended
		require.NoError(r.t, r.heartbeat.Get(&ended))
		env.SetHeartbeatDetails(ended)
	}
	return resultOf(env.ExecuteActivity(run, step))
}

// try runs an activity as a first try, which is a local activity.
func (r *rig) try(run any, step activities.Step) (activities.Result, error) {
	return resultOf(r.environment().ExecuteLocalActivity(run, step))
}

func resultOf(value converter.EncodedValue, err error) (activities.Result, error) {
	if err != nil {
		return activities.Result{}, err
	}
	var result activities.Result
	return result, value.Get(&result)
}

// runOn runs the first step of a channel.
func (r *rig) runOn(channel backstop.Channel) (activities.Result, error) {
	r.t.Helper()
	return r.run(r.sender(channel), r.stepOf(channel))
}

// sender returns the activity of a channel.
func (r *rig) sender(channel backstop.Channel) any {
	if channel == backstop.SMS {
		return r.acts.SendSMS
	}
	return r.acts.SendWhatsApp
}

// stepOf returns the first step of a channel.
func (r *rig) stepOf(channel backstop.Channel) activities.Step {
	if channel == backstop.SMS {
		return r.fallback(0)
	}
	return r.step()
}

func (r *rig) step() activities.Step {
	return activities.Step{Send: r.send.ID, Accounts: []string{r.send.Plan.Account}}
}

// fallback returns the SMS step of a rule that fires at the end of its wait.
func (r *rig) fallback(rule int) activities.Step {
	step := activities.Step{Send: r.send.ID, Rule: rule, SMSReceiptWait: time.Hour}
	for _, route := range r.send.Plan.Rules[rule].Routes {
		step.Accounts = append(step.Accounts, route.Account)
	}
	return step
}

func (r *rig) requireVerdict(want activities.Verdict, result activities.Result, err error) {
	r.t.Helper()
	require.NoError(r.t, err)
	require.Equal(r.t, want, result.Verdict)
}

// requireRetry asserts the type of an error that the engine retries, and its delay. 0 stands for the engine's own delay.
func requireRetry(t *testing.T, kind string, after time.Duration, err error) *temporal.ApplicationError {
	t.Helper()
	failed, ok := errors.AsType[*temporal.ApplicationError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, kind, failed.Type())
	require.False(t, failed.NonRetryable())
	require.Equal(t, after, failed.NextRetryDelay())
	return failed
}

// callOf returns the first call of a channel.
func callOf(channel backstop.Channel) backstop.Call {
	return backstop.Call{Channel: channel, Candidates: []backstop.Candidate{
		{Account: number, Provider: "scripted"}, {Account: "first", Provider: "scripted"}, {Account: "second", Provider: "other"},
	}}
}

// accountOf returns the account of a channel's first call.
func accountOf(channel backstop.Channel) string {
	if channel == backstop.SMS {
		return "first"
	}
	return number
}

// otherBegins begins a call as another process, and does not end it.
func (r *rig) otherBegins(channel backstop.Channel) backstop.Attempt {
	r.t.Helper()
	c := callOf(channel)
	c.Token = "another process's"
	ruling, _, err := r.store.Store.Begin(r.t.Context(), r.send.ID, c)
	require.NoError(r.t, err)
	require.Equal(r.t, backstop.MayCall, ruling.Answer)
	return ruling.Attempt
}

// receive stores a receipt of a channel's first message.
func (r *rig) receive(channel backstop.Channel, status backstop.Status, failure ...*backstop.Failure) (mustSignal bool) {
	ref := backstop.Ref{Send: r.send.ID, Step: callOf(channel).Step()}
	receipt := backstop.Receipt{
		Provider: "scripted", Account: accountOf(channel), Channel: channel, MessageID: ref.String(), Ref: ref, Status: status,
		At: time.Now(),
	}
	if len(failure) > 0 {
		receipt.Failure = failure[0]
	}
	return r.receipt(receipt)
}

func (r *rig) ledger() *backstop.Ledger {
	r.t.Helper()
	l, err := r.store.Ledger(r.t.Context(), r.send.ID)
	require.NoError(r.t, err)
	return l
}

// attempt returns the only attempt of a channel.
func (r *rig) attempt(channel backstop.Channel) backstop.Attempt {
	r.t.Helper()
	list := slices.DeleteFunc(r.ledger().Attempts, func(a backstop.Attempt) bool { return a.Channel != channel })
	require.Len(r.t, list, 1)
	return list[0]
}

func newClock() *clocktest.Clock { return clocktest.New(time.Now().UTC().Truncate(time.Microsecond)) }
