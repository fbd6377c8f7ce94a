package workflows_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/internal/ledgertest"
	"github.com/backstophq/backstop/workflows"
)

const (
	sendID = "0190a6f2-0000-7000-8000-000000000001"

	number, first, second = "number", "first", "second" // the accounts: one for WhatsApp, two for SMS
)

// world is the environment of one send's workflow: the real activities on the real ledger, in memory, and scripted providers.
type world struct {
	*ledgertest.Store // made when the send begins

	t      *testing.T
	env    *testsuite.TestWorkflowEnvironment // nil on a real server
	now    func() time.Time
	after  func(time.Duration, func())
	signal func(backstop.View)

	send          backstop.Send // as it is accepted
	installation  string
	begin         sync.Once
	mu            sync.Mutex
	calls         map[backstop.Channel][]time.Time
	calledBy      []string                     // the account of each call
	script        map[backstop.Channel][]error // the answer to each call; the last one repeats
	down          map[string]error             // the answer of an account to each call, in place of the script
	accounts      map[string]activities.Account
	unhealthy     map[string]bool    // accounts whose circuit breaker allows no call
	queued        bool               // calls go through the task queue from the first try, when recorded
	byUpdate      bool               // a receipt that ends the send comes as an update, when recorded
	pause         [2]time.Duration   // from when to when no worker runs workflow tasks, when recorded
	awaitReceipts time.Duration      // of Settings.AwaitReceipts, when recorded
	away          int                // how many of the next ends cannot be stored
	pending       []backstop.Receipt // receipts that have not come yet, in order
	atOnce        []backstop.Receipt // receipts that come during the receipt wait of the WhatsApp call
	waited        time.Duration      // how long the call could have waited
}

// newWorld makes a world in which time is skipped.
func newWorld(t *testing.T, rules ...backstop.Rule) *world {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(20 * time.Second)
	w := bareWorld(t, env.Now, rules)
	w.env = env
	w.after = func(d time.Duration, f func()) { env.RegisterDelayedCallback(f, d) }
	w.signal = func(v backstop.View) {
		if !env.IsWorkflowCompleted() {
			w.notify(v)
		}
	}
	env.RegisterWorkflow(workflows.Send)
	env.RegisterActivity(w.activities())
	return w
}

// notify sends a view to the workflow, as a hand-over does while a worker runs: by an update if the send has ended, else by a
// signal.
func (w *world) notify(v backstop.View) {
	if v.Outcome == "" {
		w.env.SignalWorkflow(workflows.ReceiptSignal, v)
		return
	}
	w.env.UpdateWorkflowNoRejection(workflows.ReceiptUpdate, "", w.t, v)
}

func bareWorld(t *testing.T, now func() time.Time, rules []backstop.Rule) *world {
	t.Helper()
	w := &world{
		t: t, now: now,
		calls: map[backstop.Channel][]time.Time{}, script: map[backstop.Channel][]error{},
		down: map[string]error{}, unhealthy: map[string]bool{},
		send: backstop.Send{
			ID: sendID, To: "+447400123456", Text: "hello", SMSText: "hello", Plan: backstop.Plan{Account: number, Rules: rules},
			AcceptedAt: now(), Status: backstop.Statuses{WhatsApp: backstop.Queued}, Outcome: backstop.OutcomePending,
		},
	}
	w.accounts = map[string]activities.Account{
		number: {Name: number, Provider: "scripted", WhatsApp: provider{w, backstop.WhatsApp, number}},
		first:  {Name: first, Provider: "scripted", SMS: provider{w, backstop.SMS, first}, HoldsUnknown: true},
		second: {Name: second, Provider: "other", SMS: provider{w, backstop.SMS, second}, HoldsUnknown: true},
	}
	return w
}

// change changes an account.
func (w *world) change(name string, with func(*activities.Account)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	account := w.accounts[name]
	with(&account)
	w.accounts[name] = account
}

// holdsUnknown makes an account hold the messages whose call had an unknown end.
func holdsUnknown(account string) func(*world) {
	return func(w *world) { w.change(account, func(a *activities.Account) { a.HoldsUnknown = true }) }
}

// resendsUnknown makes the first account resend them.
func resendsUnknown() func(*world) {
	return func(w *world) { w.change(first, func(a *activities.Account) { a.HoldsUnknown = false }) }
}

// candidates returns the accounts as the ledger sees them.
func (w *world) candidates() (all []backstop.Candidate) {
	for _, account := range w.accounts {
		all = append(all, backstop.Candidate{Account: account.Name, Provider: account.Provider})
	}
	return all
}

// configured are the accounts of a world, and their health.
type configured struct{ *world }

func (c configured) Account(name string) (activities.Account, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	account, found := c.accounts[name]
	return account, found
}

func (c configured) DefaultAccount(channel backstop.Channel, _ string) string {
	if channel == backstop.SMS {
		return first
	}
	return number
}

func (c configured) IsUnhealthy(account string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unhealthy[account]
}

func (configured) Limit(string) string { return "" }

func (c configured) Allow(_ context.Context, account string) (func(*backstop.Failure), bool) {
	return func(*backstop.Failure) {}, !c.IsUnhealthy(account)
}

func (w *world) activities() *activities.Activities {
	w.t.Helper()
	acts, err := activities.New(activities.Options{
		Store: lateStore{w}, Accounts: configured{w}, Health: configured{w}, Log: slog.New(slog.DiscardHandler), Now: w.now,
	})
	require.NoError(w.t, err)
	return acts
}

// answers scripts a provider: nil is an accepted call.
func (w *world) answers(channel backstop.Channel, errs ...error) { w.script[channel] = errs }

// receive makes a receipt come in at a moment after the send was accepted. As in handoff.Deliver, the receipt is stored first and
// may end the send. Then the workflow is signalled if it needs the signal. A mute receipt is not signalled: Temporal is away.
func (w *world) receive(a arrival) {
	w.pending = append(w.pending, a.receipt)
	w.after(a.after, func() {
		w.pending = w.pending[1:]
		if view, mustSignal := w.Receive(w.reported(a.receipt)); mustSignal && !a.mute {
			w.signal(view)
		}
	})
}

// reported returns a receipt as the provider of its message reports it.
func (w *world) reported(r backstop.Receipt) backstop.Receipt {
	l := w.ledger()
	if a := l.Attempt(r.Ref.Step); a != nil {
		r.Provider = a.Provider
	}
	return r
}

// start makes the store, after the test has set up the send.
func (w *world) start() {
	w.begin.Do(func() {
		w.Store = ledgertest.New(w.send, w.now)
		for range w.away {
			w.Fail(errors.New("postgres is away"))
		}
	})
}

// ledger returns the stored ledger of the send.
func (w *world) ledger() backstop.Ledger {
	l, _ := w.Snapshot()
	return l
}

// afterwards ends a send whose workflow has ended, as the store does: the remaining receipts come, or the wait for them ends.
func (w *world) afterwards() {
	w.t.Helper()
	for _, r := range w.pending {
		_, mustSignal := w.Receive(w.reported(r))
		require.False(w.t, mustSignal, "no workflow is there to be signalled of %v", r)
	}
	if w.ledger().Send.FinishedAt == nil {
		_, err := w.Finish(w.t.Context(), w.send.ID, false)
		require.NoError(w.t, err)
	}
}

// run runs the workflow to its end and returns its result.
func (w *world) run(settings workflows.Settings) workflows.SendResult {
	w.t.Helper()
	w.start()
	w.env.ExecuteWorkflow(workflows.Send, w.input(settings))
	require.True(w.t, w.env.IsWorkflowCompleted())
	require.NoError(w.t, w.env.GetWorkflowError())
	var result workflows.SendResult
	require.NoError(w.t, w.env.GetWorkflowResult(&result))
	return result
}

func (w *world) input(settings workflows.Settings) workflows.SendInput {
	w.start()
	return workflows.SendInput{
		ID: w.send.ID, Account: w.send.Plan.Account, Rules: w.send.Plan.Rules, Origin: w.send.Origin(), ExpiresAt: w.send.ExpiresAt,
		Age: w.now().Sub(w.send.Origin()), Installation: w.installation, Settings: settings,
	}
}

// smsAfter is how long after the send was accepted each SMS call was made.
func (w *world) smsAfter() []time.Duration {
	after := make([]time.Duration, 0, len(w.calls[backstop.SMS]))
	for _, at := range w.calls[backstop.SMS] {
		after = append(after, at.Sub(w.send.AcceptedAt).Round(time.Second))
	}
	return after
}

// provider plays the script of a channel, or that of its account.
type provider struct {
	w       *world
	channel backstop.Channel
	account string
}

func (p provider) SendWhatsApp(context.Context, backstop.WhatsAppMessage) (backstop.Submission, error) {
	return p.answer()
}

func (p provider) SendSMS(context.Context, backstop.SMSMessage) (backstop.Submission, error) {
	return p.answer()
}

func (p provider) answer() (backstop.Submission, error) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	n := len(p.w.calls[p.channel])
	p.w.calls[p.channel] = append(p.w.calls[p.channel], p.w.now())
	p.w.calledBy = append(p.w.calledBy, p.account)
	if err := p.w.down[p.account]; err != nil {
		return backstop.Submission{}, err
	}
	script := p.w.script[p.channel]
	if len(script) == 0 {
		return backstop.Submission{MessageID: "id"}, nil
	}
	err := script[min(n, len(script)-1)]
	return backstop.Submission{MessageID: "id"}, err
}

// lateStore is the world's store, which is made after the activities are.
type lateStore struct{ *world }

// Await skips the time. The receipts of atOnce come at once, and the others do not come in time.
func (s lateStore) Await(ctx context.Context, _ string) (backstop.View, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until, bounded := ctx.Deadline(); bounded {
		s.waited = time.Until(until)
	}
	for _, r := range s.atOnce {
		s.Receive(r)
	}
	l := s.ledger()
	view := l.View()
	return view, view.EndsReceiptWait()
}

func (s lateStore) Now() time.Time { return s.now() }
