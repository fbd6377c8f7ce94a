package ledgers_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

const policyID = "0190a0a0-0000-7000-8000-000000000001"

// The calls of the tests. The plan's first rule waits for the delivery, and its second rule for the message to be read.
var (
	whatsApp = backstop.Call{Channel: backstop.WhatsApp, Candidates: accounts}
	firstSMS = backstop.Call{Channel: backstop.SMS, Rule: 0, Candidates: accounts}
	lastSMS  = backstop.Call{Channel: backstop.SMS, Rule: 1, Candidates: accounts}

	// The accounts of the plan: one for WhatsApp, and one for each rule. The last rule has a spare one.
	accounts = []backstop.Candidate{
		{Account: "number", Provider: "meta"}, {Account: "main", Provider: "twilio"}, {Account: "bulk", Provider: "twilio"},
		{Account: "spare", Provider: "infobip", RefusesRepeats: true},
	}
)

// noon is the provider's time of all receipts.
var noon = time.Date(2026, 3, 1, 12, 0, 20, 0, time.UTC)

// accountOf returns the account of a step. No test of a desk has a message by the spare one, unless it says so.
func accountOf(step int) string {
	switch {
	case step < firstSMS.Step():
		return "number"
	case step < lastSMS.Step():
		return "main"
	default:
		return "bulk"
	}
}

func resend(c backstop.Call) backstop.Call { c.Resend = true; return c }

// desk is a send in a database, with short methods for the calls of a process.
type desk struct {
	t  testing.TB
	db *postgres.DB
	id string
}

// age is the age of a send. The waits of its rules are shorter.
const age = time.Hour

// newSend returns a send so old that the waits of its rules are over.
func newSend(t testing.TB) backstop.Send {
	t.Helper()
	at := pool.Stamp(time.Now().Add(-age))
	id, err := pool.NewIDAt(at)
	require.NoError(t, err)
	return backstop.Send{
		ID: id, To: "+447400123456", Country: "GB", Text: "hello", SMSText: "hello by SMS", AcceptedAt: at,
		Status: backstop.Statuses{WhatsApp: backstop.Queued}, Outcome: backstop.OutcomePending,
		Plan: backstop.Plan{PolicyID: policyID, PolicyName: "p", Account: "number", Rules: []backstop.Rule{
			{
				ID: policyID, Name: "undelivered", Type: backstop.Undelivered, WaitSeconds: 60, SendID: "Acme",
				Routes: []backstop.Route{{Account: "main"}},
			},
			{
				ID: policyID, Name: "unread", Type: backstop.Unread, WaitSeconds: 300, SendID: "Acme2",
				Routes: []backstop.Route{{Account: "bulk"}, {Account: "spare", SendID: "Spare"}},
			},
		}},
	}
}

func newDesk(t testing.TB, db *postgres.DB) desk {
	t.Helper()
	return insertSend(t, db, newSend(t))
}

func insertSend(t testing.TB, db *postgres.DB, send backstop.Send) desk {
	t.Helper()
	stored, created, err := db.InsertSend(t.Context(), send, nil)
	require.NoError(t, err)
	require.True(t, created)
	return desk{t: t, db: db, id: stored.ID}
}

// underway returns a send whose WhatsApp message the provider has accepted.
func underway(t testing.TB, db *postgres.DB) desk {
	t.Helper()
	d := newDesk(t, db)
	d.accept(d.begin(whatsApp))
	return d
}

// awaitingReceipts returns a send like underway, with an activity that waits for the message's receipts.
func awaitingReceipts(t testing.TB, db *postgres.DB) desk {
	t.Helper()
	d := newDesk(t, db)
	d.end(d.begin(whatsApp), backstop.Ending{Submission: backstop.Submission{MessageID: d.messageID(1)}, AwaitReceipts: time.Minute})
	return d
}

// by returns the same send in another process.
func (d desk) by(db *postgres.DB) desk { d.db = db; return d }

// ask proposes a call with Begin.
func (d desk) ask(c backstop.Call) (backstop.Ruling, backstop.View) {
	d.t.Helper()
	if c.Token == "" {
		c.Token = rand.Text()
	}
	ruling, view, err := d.db.Begin(d.t.Context(), d.id, c)
	require.NoError(d.t, err)
	return ruling, view
}

// begin proposes a call that Begin must allow.
func (d desk) begin(c backstop.Call) backstop.Attempt {
	d.t.Helper()
	ruling, _ := d.ask(c)
	require.Equal(d.t, backstop.MayCall, ruling.Answer)
	return ruling.Attempt
}

func (d desk) end(a backstop.Attempt, e backstop.Ending) backstop.View {
	d.t.Helper()
	e.Step, e.Token = a.Ref.Step, a.Token
	_, view, err := d.db.End(d.t.Context(), d.id, e)
	require.NoError(d.t, err)
	return view
}

// accept ends a call whose message the provider has accepted.
func (d desk) accept(a backstop.Attempt) backstop.View {
	d.t.Helper()
	return d.end(a, backstop.Ending{Submission: backstop.Submission{MessageID: d.messageID(a.Ref.Step), Segments: 2}})
}

func (d desk) fail(a backstop.Attempt, kind backstop.FailureKind) {
	d.t.Helper()
	d.end(a, backstop.Ending{Failure: &backstop.Failure{Kind: kind, Code: "131026", Reason: "no"}})
}

func (d desk) messageID(step int) string {
	return backstop.Ref{Send: d.id, Step: step}.String() + ".mid"
}

// receipt returns a receipt with a reference to the step.
func (d desk) receipt(step int, status backstop.Status) backstop.Receipt {
	r := backstop.Receipt{
		Provider: "meta", Account: accountOf(step), Channel: backstop.WhatsApp, MessageID: d.messageID(step),
		Ref: backstop.Ref{Send: d.id, Step: step}, Status: status, At: noon,
	}
	if step >= firstSMS.Step() {
		r.Provider, r.Channel = "twilio", backstop.SMS
	}
	if status == backstop.Failed {
		r.Failure = &backstop.Failure{Kind: backstop.Rejected, Class: backstop.RecipientFault, Code: "131026", Reason: "no"}
	}
	return r
}

// lone returns the same receipt without a reference.
func (d desk) lone(step int, status backstop.Status) backstop.Receipt {
	r := d.receipt(step, status)
	r.Ref = backstop.Ref{}
	return r
}

func (d desk) insert(receipts ...backstop.Receipt) []handoff.Handover {
	d.t.Helper()
	waited, err := d.db.InsertReceipts(d.t.Context(), receipts)
	require.NoError(d.t, err)
	return waited
}

// ledger reads the ledger from Postgres.
func (d desk) ledger() *backstop.Ledger {
	d.t.Helper()
	l, err := d.db.Ledger(d.t.Context(), d.id)
	require.NoError(d.t, err)
	return l
}

func (d desk) events() []backstop.Event {
	d.t.Helper()
	_, events, err := d.db.Timeline(d.t.Context(), d.id)
	require.NoError(d.t, err)
	return events
}

// kinds returns the events in a short form.
func (d desk) kinds() []string {
	d.t.Helper()
	return postgrestest.Kinds(d.events())
}

// twoProcesses returns two stores on one database, each with a cache of its own.
func twoProcesses(t *testing.T) (db, other *postgres.DB) {
	t.Helper()
	url := postgrestest.URL(t)
	db, other = postgrestest.Open(t, url), postgrestest.Open(t, url)
	migrate(t, db)
	return db, other
}

func migrate(t *testing.T, db *postgres.DB) {
	t.Helper()
	err := postgrestest.Migrate(t.Context(), db)
	require.NoError(t, err)
}

func newID(t testing.TB) string {
	t.Helper()
	id, err := uuid.NewV7()
	require.NoError(t, err)
	return id.String()
}

func requireCode(t testing.TB, code backstop.Code, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, code, backstop.CodeOf(err), err)
}
