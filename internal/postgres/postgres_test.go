package postgres_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/api"
	"github.com/backstophq/backstop/internal/accounts"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/health"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

var (
	_ api.Rules        = (*postgres.DB)(nil)
	_ api.Policies     = (*postgres.DB)(nil)
	_ api.Sends        = (*postgres.DB)(nil)
	_ api.Sessions     = (*postgres.DB)(nil)
	_ accounts.Store   = (*postgres.DB)(nil)
	_ activities.Store = (*postgres.DB)(nil)
	_ handoff.Store    = (*postgres.DB)(nil)
	_ health.Store     = (*postgres.DB)(nil)
)

const (
	to       = "+447400123456"
	policyID = "0190a0a0-0000-7000-8000-000000000001"
)

func newID(t testing.TB) string {
	t.Helper()
	id, err := uuid.NewV7()
	require.NoError(t, err)
	return id.String()
}

func at(s int) time.Time { return time.Date(2026, 3, 1, 12, 0, s, 0, time.UTC) }

// plan has a rule of each type.
func plan() backstop.Plan {
	return backstop.Plan{PolicyID: policyID, PolicyName: "p", Account: "number", Rules: []backstop.Rule{
		{
			ID: policyID, Name: "undelivered", Type: backstop.Undelivered, WaitSeconds: 60, SendID: "Acme",
			Routes: []backstop.Route{{Account: "main"}},
		},
		{
			ID: policyID, Name: "unread", Type: backstop.Unread, WaitSeconds: 300, SendID: "Acme2",
			Routes: []backstop.Route{{Account: "bulk"}},
		},
	}}
}

func newSend(t testing.TB) backstop.Send {
	t.Helper()
	return backstop.Send{
		ID: newID(t), To: to, Country: "GB", Text: "hello", SMSText: "hello by SMS", Plan: plan(),
		AcceptedAt: time.Now().UTC().Truncate(time.Microsecond),
		Status:     backstop.Statuses{WhatsApp: backstop.Queued}, Outcome: backstop.OutcomePending,
	}
}

func insertSend(t *testing.T, db *postgres.DB) backstop.Send {
	t.Helper()
	send, created, err := db.InsertSend(t.Context(), newSend(t), nil)
	require.NoError(t, err)
	require.True(t, created)
	return send
}

// The calls of these tests.
var (
	whatsApp = backstop.Call{Channel: backstop.WhatsApp, Candidates: candidates}
	firstSMS = backstop.Call{Channel: backstop.SMS, Rule: 0, ByFailure: true, Candidates: candidates}
	lastSMS  = backstop.Call{Channel: backstop.SMS, Rule: 1, ByFailure: true, Candidates: candidates}

	candidates = []backstop.Candidate{
		{Account: "number", Provider: "meta"}, {Account: "main", Provider: "twilio"}, {Account: "bulk", Provider: "twilio"},
	}
)

// accountOf returns the account of a step.
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

// begin proposes a call that Begin must allow.
func begin(t *testing.T, db *postgres.DB, send string, c backstop.Call) backstop.Attempt {
	t.Helper()
	c.Token = rand.Text()
	ruling, _, err := db.Begin(t.Context(), send, c)
	require.NoError(t, err)
	require.Equal(t, backstop.MayCall, ruling.Answer)
	return ruling.Attempt
}

// accept ends a call whose message the provider has accepted.
func accept(t *testing.T, db *postgres.DB, a backstop.Attempt) backstop.Send {
	t.Helper()
	end(t, db, a, backstop.Ending{Submission: backstop.Submission{MessageID: messageID(a.Ref.Send, a.Ref.Step), Segments: 1}})
	return getSend(t, db, a.Ref.Send)
}

func end(t *testing.T, db *postgres.DB, a backstop.Attempt, e backstop.Ending) {
	t.Helper()
	e.Step, e.Token = a.Ref.Step, a.Token
	_, _, err := db.End(t.Context(), a.Ref.Send, e)
	require.NoError(t, err)
}

// underway returns a send whose WhatsApp message the provider has accepted.
func underway(t *testing.T, db *postgres.DB) backstop.Send {
	t.Helper()
	return accept(t, db, begin(t, db, insertSend(t, db).ID, whatsApp))
}

func finish(t *testing.T, db *postgres.DB, send string) {
	t.Helper()
	_, err := db.Finish(t.Context(), send, false)
	require.NoError(t, err)
}

// receipt is one about a step that carries its reference.
func receipt(send string, step int, status backstop.Status) backstop.Receipt {
	r := backstop.Receipt{
		Provider: "meta", Account: accountOf(step), Channel: backstop.WhatsApp, MessageID: messageID(send, step),
		Ref: backstop.Ref{Send: send, Step: step}, Status: status, At: at(20),
	}
	if step >= firstSMS.Step() {
		r.Provider, r.Channel = "twilio", backstop.SMS
	}
	if status == backstop.Failed {
		r.Failure = &backstop.Failure{Kind: backstop.Rejected, Class: backstop.RecipientFault, Code: "131026", Reason: "no"}
	}
	return r
}

func messageID(send string, step int) string {
	return backstop.Ref{Send: send, Step: step}.String() + ".mid"
}

func insert(t *testing.T, db *postgres.DB, receipts ...backstop.Receipt) []handoff.Handover {
	t.Helper()
	waited, err := db.InsertReceipts(t.Context(), receipts)
	require.NoError(t, err)
	return waited
}

func getSend(t *testing.T, db *postgres.DB, id string) backstop.Send {
	t.Helper()
	send, err := db.Send(t.Context(), id)
	require.NoError(t, err)
	return send
}

func timeline(t *testing.T, db *postgres.DB, id string) ([]backstop.Attempt, []backstop.Event) {
	t.Helper()
	attempts, events, err := db.Timeline(t.Context(), id)
	require.NoError(t, err)
	return attempts, events
}

// kinds lists the events of a send, shortly.
func kinds(t *testing.T, db *postgres.DB, id string) []string {
	t.Helper()
	_, events := timeline(t, db, id)
	return postgrestest.Kinds(events)
}
