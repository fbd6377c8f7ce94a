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
	"github.com/backstophq/backstop/workflows"
)

const sendID = "0190a6f2-0000-7000-8000-000000000001"

// world is everything around one send's workflow: the real activities on an in-memory store, and scripted providers.
// The store is a stand-in for speed; the same behaviour on Postgres is tested in internal/postgres.
type world struct {
	t      *testing.T
	env    *testsuite.TestWorkflowEnvironment // nil on a real server
	now    func() time.Time
	after  func(time.Duration, func())
	signal func(workflows.Receipt)

	mu       sync.Mutex
	send     backstop.Send
	attempts []backstop.Attempt
	events   []backstop.Event
	calls    map[backstop.Channel][]time.Time
	script   map[backstop.Channel][]error // the answer to each call; the last one repeats
	queued   bool                         // calls go through the task queue from the first try, when recorded
	byUpdate bool                         // a receipt that ends the send comes as an update, when recorded
	handBack bool                         // the same of Settings.HandBack
	linger   time.Duration                // of Settings.Linger, when recorded
	away     int                          // the next ends that cannot be stored
	unheard  []heard                      // what has not come yet, in order
	atOnce   []workflows.Receipt          // what comes while the WhatsApp call lingers, if it does
	lingered time.Duration                // how long it would have
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
	w.signal = func(r workflows.Receipt) {
		if !env.IsWorkflowCompleted() {
			w.tell(r)
		}
	}
	env.RegisterWorkflow(workflows.Send)
	env.RegisterActivity(w.activities())
	return w
}

// tell tells the workflow of a receipt as a hand-over does while a worker is there: what ends the send as an update.
func (w *world) tell(r workflows.Receipt) {
	if r.Outcome == "" {
		w.env.SignalWorkflow(workflows.ReceiptSignal, r)
		return
	}
	w.env.UpdateWorkflowNoRejection(workflows.ReceiptUpdate, "", w.t, r)
}

func bareWorld(t *testing.T, now func() time.Time, rules []backstop.Rule) *world {
	t.Helper()
	return &world{
		t: t, now: now,
		calls: map[backstop.Channel][]time.Time{}, script: map[backstop.Channel][]error{},
		send: backstop.Send{
			ID: sendID, To: "+447400123456", Text: "hello", SMSText: "hello", Plan: backstop.Plan{Rules: rules},
			AcceptedAt: now(), WhatsAppStatus: backstop.Queued, Outcome: backstop.OutcomePending,
		},
	}
}

func (w *world) activities() *activities.Activities {
	w.t.Helper()
	acts, err := activities.New(activities.Options{
		Store: w, WhatsApp: provider{w, backstop.WhatsApp, "scripted"}, SMS: []activities.Route{
			{Name: "first", SMS: provider{w, backstop.SMS, "scripted"}}, {Name: "second", SMS: provider{w, backstop.SMS, "other"}},
		},
		Log: slog.New(slog.DiscardHandler), Now: w.now,
	})
	require.NoError(w.t, err)
	return acts
}

// answers scripts a provider: nil is an accepted call.
func (w *world) answers(channel backstop.Channel, errs ...error) { w.script[channel] = errs }

// receive makes a receipt come in at a moment after the send was accepted. It is stored first and may end the send there;
// then it is signalled if the workflow must hear of it, as handoff.Deliver does, unless it is mute: Temporal is away.
func (w *world) receive(h heard) {
	w.mu.Lock()
	w.unheard = append(w.unheard, h)
	w.mu.Unlock()
	w.after(h.after, func() {
		if told, receipt := w.hear(); told && !h.mute {
			w.signal(receipt)
		}
	})
}

// hear stores the next receipt, and reports whether the workflow must hear of it.
func (w *world) hear() (told bool, receipt workflows.Receipt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	next := w.unheard[0].receipt
	w.unheard = w.unheard[1:]
	return w.store(next)
}

func (w *world) store(receipt workflows.Receipt) (told bool, stored workflows.Receipt) {
	before := w.send
	newest := 0
	for _, a := range w.attempts {
		if a.Channel == receipt.Channel {
			newest = a.Ref.Step
		}
	}
	channel := receipt.Channel
	w.send = w.send.Absorb(channel, receipt.Status, receipt.Step == newest)
	waited := before.Waits(channel, channelStatus(before, channel), channelStatus(w.send, channel))
	if w.send.FinishedAt == nil && w.send.Settled() {
		now := w.now()
		w.send.FinishedAt = &now
		w.send.Outcome = w.send.Decide()
		receipt.Outcome = w.send.Outcome
		waited = before.ReceiptBy == nil
	}
	return waited, receipt
}

// afterwards is what becomes of a send that its workflow has handed back, in Postgres alone.
func (w *world) afterwards() {
	w.t.Helper()
	if w.send.ReceiptBy == nil {
		return
	}
	for len(w.unheard) > 0 {
		told, receipt := w.hear()
		require.False(w.t, told, "nobody is there to hear of %v", receipt)
	}
	if w.send.FinishedAt == nil {
		_, err := w.Finish(w.t.Context(), w.send.ID, *w.send.ReceiptBy)
		require.NoError(w.t, err)
	}
}

func channelStatus(s backstop.Send, c backstop.Channel) backstop.Status {
	if c == backstop.SMS {
		return s.SMSStatus
	}
	return s.WhatsAppStatus
}

// run runs the workflow to its end and returns its result.
func (w *world) run(settings workflows.Settings) workflows.SendResult {
	w.t.Helper()
	w.env.ExecuteWorkflow(workflows.Send, w.input(settings))
	require.True(w.t, w.env.IsWorkflowCompleted())
	require.NoError(w.t, w.env.GetWorkflowError())
	var result workflows.SendResult
	require.NoError(w.t, w.env.GetWorkflowResult(&result))
	return result
}

func (w *world) input(settings workflows.Settings) workflows.SendInput {
	return workflows.SendInput{
		ID: w.send.ID, Rules: w.send.Plan.Rules, AcceptedAt: w.send.AcceptedAt, ExpiresAt: w.send.ExpiresAt,
		Category: w.send.Category, Settings: settings,
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

// provider plays the script of a channel.
type provider struct {
	w       *world
	channel backstop.Channel
	name    string
}

func (p provider) Name() string { return p.name }

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
	script := p.w.script[p.channel]
	if len(script) == 0 {
		return backstop.Submission{MessageID: "id"}, nil
	}
	err := script[min(n, len(script)-1)]
	return backstop.Submission{MessageID: "id"}, err
}

func (w *world) Begin(
	_ context.Context, a backstop.Attempt, mayCall func(backstop.Send, *backstop.Attempt) bool,
) (backstop.Attempt, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var newest *backstop.Attempt
	for i := range w.attempts {
		if w.attempts[i].Ref.Step == a.Ref.Step {
			newest = &w.attempts[i]
		}
	}
	if !mayCall(w.send, newest) {
		return backstop.Attempt{}, nil
	}
	if a.Channel == backstop.SMS && (w.send.SMSStatus == "" || w.send.SMSStatus == backstop.Failed) {
		w.send.SMSStatus = backstop.Queued
	}
	a.State, a.Number = backstop.Calling, len(w.attempts)+1
	w.attempts = append(w.attempts, a)
	return a, nil
}

func (w *world) End(_ context.Context, a backstop.Attempt, receiptWait time.Duration) (backstop.Send, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.away > 0 {
		w.away--
		return backstop.Send{}, errors.New("postgres is away")
	}
	for i, kept := range w.attempts {
		if kept.Number == a.Number {
			w.attempts[i] = a
		}
	}
	switch a.State {
	case backstop.Accepted:
		w.send = w.send.Absorb(a.Channel, backstop.Submitted, true)
		if receiptWait > 0 {
			by := w.now().Add(receiptWait)
			w.send.ReceiptBy = &by
		}
	case backstop.AttemptState(backstop.Rejected):
		w.send = w.send.Absorb(a.Channel, backstop.Failed, true)
	default:
	}
	return w.send, nil
}

// Await skips the time: what comes while the call lingers comes at once, and the rest does not come in time.
func (w *world) Await(ctx context.Context, _ string) (backstop.Send, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if until, bounded := ctx.Deadline(); bounded {
		w.lingered = time.Until(until)
	}
	for _, r := range w.atOnce {
		w.store(r)
	}
	return w.send, w.send.FinishedAt != nil || w.send.WhatsAppStatus == backstop.Failed
}

func (w *world) Leave(_ context.Context, a backstop.Attempt) (backstop.Send, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, kept := range w.attempts {
		if kept.Number == a.Number {
			w.attempts[i].LingersUntil = nil
		}
	}
	return w.send, nil
}

func (w *world) Refusal(context.Context, backstop.Attempt) (*backstop.Failure, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.atOnce {
		if r.Status == backstop.Failed {
			return &backstop.Failure{Kind: backstop.Rejected, Class: r.Class, Code: r.Code}, nil
		}
	}
	return nil, nil //nolint:nilnil // as the real one
}

func (w *world) Record(_ context.Context, e backstop.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
	switch e.Kind {
	case backstop.EventAverted:
		w.send.SMSStatus = ""
	case backstop.EventExpired:
		w.send.Expired = true
	case backstop.EventGaveUp:
		w.send = w.send.Absorb(e.Channel, backstop.Failed, true)
	default:
	}
	return nil
}

func (w *world) Finish(_ context.Context, _ string, at time.Time) (backstop.Send, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.send.FinishedAt != nil {
		return w.send, nil
	}
	w.send.FinishedAt = &at
	w.send.Outcome = w.send.Decide()
	return w.send, nil
}
