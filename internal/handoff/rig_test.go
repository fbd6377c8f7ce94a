package handoff_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/logtest"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
	"github.com/backstophq/backstop/internal/temporaltest"
	"github.com/backstophq/backstop/workflows"
)

const (
	to       = "+447400123456"
	text     = "your code is 481516"
	policyID = "0190a0a0-0000-7000-8000-000000000001"

	installation = "0190a0a0-0000-7000-8000-00000000000f"

	// longest is how long a test waits for an event that must come. A busy machine may be slow.
	longest = 30 * time.Second
	moment  = 20 * time.Millisecond
)

var temporal temporaltest.Shared

func TestMain(m *testing.M) { os.Exit(temporal.Main(m)) }

// rig is a hand-over of one test on a real Postgres, with an engine that counts and fails as the test says.
type rig struct {
	t      *testing.T
	db     *postgres.DB
	raw    *postgrestest.SQL
	store  *store
	engine *engine
	log    *logtest.Buffer

	mu   sync.Mutex
	made []*handoff.Handoff
}

func newRig(t *testing.T, behind handoff.Engine) *rig {
	t.Helper()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	_, err := db.Migrate(t.Context())
	require.NoError(t, err)
	return &rig{t: t, db: db, raw: postgrestest.Past(t, url), store: &store{Store: db}, engine: newEngine(behind), log: &logtest.Buffer{}}
}

// handoff returns a hand-over on the rig's store and engine.
func (r *rig) handoff(now func() time.Time) *handoff.Handoff {
	r.t.Helper()
	return r.handoffWith(r.store, r.engine, now)
}

func (r *rig) handoffWith(s handoff.Store, e handoff.Engine, now func() time.Time) *handoff.Handoff {
	r.t.Helper()
	if now != nil {
		s = clocked{Store: s, now: now}
	}
	h, err := handoff.New(handoff.Options{
		Store: s, Engine: e, Log: slog.New(slog.NewJSONHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Now: now,
		Installation: installation,
		Settings:     workflows.Settings{UnknownWait: time.Minute, SMSReceiptWait: time.Hour},
	})
	require.NoError(r.t, err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.made = append(r.made, h)
	return h
}

// later is a clock by which every row is old enough for the sweeper.
func later() time.Time { return time.Now().Add(time.Minute) }

// muchLater is a clock by which every refused row is due again.
func muchLater() time.Time { return time.Now().Add(time.Hour) }

// sweep runs sweepers until they have marked so many rows.
func (r *rig) sweep(rows int, sweepers ...*handoff.Handoff) {
	r.t.Helper()
	before := r.store.swept()
	stop := r.sweeping(sweepers...)
	defer stop()
	require.Eventually(r.t, func() bool { return r.store.swept()-before >= rows }, longest, moment, "rows to be swept")
}

// handOverAll runs a sweeper, beside the calls of requests in flight, until it has found nothing for longer than the minimum
// age of the rows that it claims.
func (r *rig) handOverAll(h *handoff.Handoff) {
	r.t.Helper()
	const quiet = 7 * time.Second
	stop := r.sweeping(h)
	for before := -1; before != r.store.swept(); time.Sleep(quiet) {
		before = r.store.swept()
	}
	stop()
	r.requireMarked()
}

// sweeping runs sweepers until stop is called.
func (r *rig) sweeping(sweepers ...*handoff.Handoff) (stop func()) {
	ctx, cancel := context.WithCancel(r.t.Context())
	var group sync.WaitGroup
	for _, s := range sweepers {
		group.Go(func() { s.Sweep(ctx) })
	}
	return func() { cancel(); group.Wait() }
}

// requireMarked checks that nothing is left to be handed over. No sweeper may run meanwhile: it would hide its rows.
func (r *rig) requireMarked() {
	r.t.Helper()
	sends, receipts := r.unmarked()
	require.Zero(r.t, sends, "sends left")
	require.Zero(r.t, receipts, "receipts left")
}

func (r *rig) unmarked() (sends, receipts int) {
	r.t.Helper()
	r.mu.Lock()
	for _, h := range r.made {
		h.Close()
	}
	r.mu.Unlock()
	count := `SELECT (SELECT count(*) FROM sends WHERE NOT handed_over), (SELECT count(*) FROM receipts WHERE needs_signal)`
	r.raw.Row(count, nil, &sends, &receipts)
	return sends, receipts
}

// newSend returns a send as the API passes it to Accept. Its rule waits for an hour.
func newSend() backstop.Send {
	return backstop.Send{
		To: to, Country: "GB", Text: text, SMSText: text,
		Plan: backstop.Plan{PolicyID: policyID, PolicyName: "p", Account: "number", Rules: []backstop.Rule{{
			ID: policyID, Name: "undelivered", Type: backstop.Undelivered, WaitSeconds: 3600, SendID: "Acme",
			Routes: []backstop.Route{{Account: "first"}, {Account: "second", SendID: "60777"}},
		}}},
	}
}

// accept accepts a send and waits for its hand-over.
func accept(t *testing.T, h *handoff.Handoff) backstop.Send {
	t.Helper()
	send, created, err := h.Accept(t.Context(), newSend(), nil)
	require.NoError(t, err)
	require.True(t, created)
	h.Close()
	return send
}

// deliver delivers receipts and waits for their signals.
func deliver(t *testing.T, h *handoff.Handoff, receipts ...backstop.Receipt) {
	t.Helper()
	require.NoError(t, h.Deliver(t.Context(), receipts))
	h.Close()
}

// deliverAndDie signals receipts and marks none, as a process that dies in between.
func (r *rig) deliverAndDie(h *handoff.Handoff, receipts ...backstop.Receipt) {
	r.t.Helper()
	r.store.mark = errDied
	deliver(r.t, h, receipts...)
	r.store.mark = nil
}

// insert stores a send without its hand-over, as a process that dies in between.
func (r *rig) insert() backstop.Send {
	r.t.Helper()
	return accept(r.t, r.handoffWith(r.db, newEngineThat(func(string) error { return errDied }), nil))
}

// begin begins a call as an activity does.
func (r *rig) begin(send string, c backstop.Call) {
	r.t.Helper()
	c.Token = send
	c.Candidates = []backstop.Candidate{{Account: "number", Provider: "meta"}, {Account: "first", Provider: "scripted"}}
	ruling, _, err := r.db.Begin(r.t.Context(), send, c)
	require.NoError(r.t, err)
	require.Equal(r.t, backstop.MayCall, ruling.Answer)
}

// fallBack stores an accepted SMS for a send. The store then waits for the receipt of the SMS.
func (r *rig) fallBack(send string, wait time.Duration) {
	r.t.Helper()
	c := backstop.Call{Channel: backstop.SMS, ByFailure: true}
	r.begin(send, c)
	_, view, err := r.db.End(r.t.Context(), send, backstop.Ending{
		Step: c.Step(), Token: send, Submission: backstop.Submission{MessageID: send}, SMSReceiptWait: wait,
	})
	require.NoError(r.t, err)
	require.Equal(r.t, backstop.OutcomePending, view.Outcome)
}

var errDied = errors.New("the process died")

// receipt returns a receipt of the WhatsApp message of a send.
func receipt(send string, status backstop.Status) backstop.Receipt {
	ref := backstop.Ref{Send: send, Step: 1}
	return backstop.Receipt{
		Provider: "meta", Channel: backstop.WhatsApp, MessageID: "wamid." + ref.String(), Ref: ref,
		Status: status, At: time.Now(),
	}
}

// signals returns the views of the signals in the history of a send's only run.
func signals(t *testing.T, c client.Client, send string) []backstop.View {
	t.Helper()
	var list []backstop.View
	events := c.GetWorkflowHistory(t.Context(), workflows.ID(send), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(t, err)
		if signal := event.GetWorkflowExecutionSignaledEventAttributes(); signal != nil {
			require.Equal(t, workflows.ReceiptSignal, signal.GetSignalName())
			var r backstop.View
			require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(signal.GetInput(), &r))
			list = append(list, r)
		}
	}
	return list
}

// runID returns the id of the run of a send. It fails if there is none.
func runID(t *testing.T, c client.Client, send string) string {
	t.Helper()
	d, err := c.DescribeWorkflowExecution(t.Context(), workflows.ID(send), "")
	require.NoError(t, err)
	require.Equal(t, "Send", d.GetWorkflowExecutionInfo().GetType().GetName())
	return d.GetWorkflowExecutionInfo().GetExecution().GetRunId()
}
