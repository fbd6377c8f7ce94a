package postgres_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/api"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

var (
	_ api.Rules        = (*postgres.DB)(nil)
	_ api.Policies     = (*postgres.DB)(nil)
	_ api.Sends        = (*postgres.DB)(nil)
	_ api.Sessions     = (*postgres.DB)(nil)
	_ activities.Store = (*postgres.DB)(nil)
	_ handoff.Store    = (*postgres.DB)(nil)
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

// twoProcesses are two that share a database, and nothing that they remember.
func twoProcesses(t *testing.T) (db, other *postgres.DB) {
	t.Helper()
	url := postgrestest.URL(t)
	db, other = postgrestest.Open(t, url), postgrestest.Open(t, url)
	_, err := db.Migrate(t.Context())
	require.NoError(t, err)
	return db, other
}

func at(s int) time.Time { return time.Date(2026, 3, 1, 12, 0, s, 0, time.UTC) }

// plan has a rule of each type.
func plan() backstop.Plan {
	return backstop.Plan{PolicyID: policyID, PolicyName: "p", Rules: []backstop.Rule{
		{ID: policyID, Name: "undelivered", Type: backstop.Undelivered, WaitSeconds: 60, SendID: "Acme"},
		{ID: policyID, Name: "unread", Type: backstop.Unread, WaitSeconds: 300, SendID: "Acme2"},
	}}
}

func newSend(t testing.TB) backstop.Send {
	t.Helper()
	return backstop.Send{
		ID: newID(t), To: to, Country: "GB", Text: "hello", SMSText: "hello by SMS", Plan: plan(),
		AcceptedAt:     time.Now().UTC().Truncate(time.Microsecond),
		WhatsAppStatus: backstop.Queued, Outcome: backstop.OutcomePending,
	}
}

func insertSend(t *testing.T, db *postgres.DB) backstop.Send {
	t.Helper()
	send, created, err := db.InsertSend(t.Context(), newSend(t), nil)
	require.NoError(t, err)
	require.True(t, created)
	return send
}

func always(backstop.Send, *backstop.Attempt) bool { return true }

// begin records an attempt of a step: WhatsApp for an odd step, SMS for an even one.
func begin(t *testing.T, db *postgres.DB, send string, step int) backstop.Attempt {
	t.Helper()
	attempt := backstop.Attempt{
		Ref: backstop.Ref{Send: send, Step: step}, Channel: backstop.WhatsApp, Provider: "meta", StartedAt: at(step),
	}
	if step%2 == 0 {
		attempt.Channel, attempt.Provider, attempt.SendID = backstop.SMS, "twilio", "Acme"
		attempt.Rule, attempt.Reason = "undelivered", "not delivered after 60 s"
	}
	attempt, err := db.Begin(t.Context(), attempt, always)
	require.NoError(t, err)
	return attempt
}

func accept(t *testing.T, db *postgres.DB, attempt backstop.Attempt, messageID string) backstop.Send {
	t.Helper()
	send, err := db.End(t.Context(), attempt.End(backstop.Submission{MessageID: messageID, Segments: 1}, nil, at(10)), 0)
	require.NoError(t, err)
	return send
}

func fail(t *testing.T, db *postgres.DB, attempt backstop.Attempt, kind backstop.FailureKind) backstop.Send {
	t.Helper()
	failure := &backstop.Failure{Kind: kind, Code: "131026", Reason: "no"}
	if kind == backstop.Rejected {
		failure.Class = backstop.RecipientFault
	}
	send, err := db.End(t.Context(), attempt.End(backstop.Submission{}, failure, at(10)), 0)
	require.NoError(t, err)
	return send
}

// receipt is one about a step that carries its reference.
func receipt(send string, step int, status backstop.Status) backstop.Receipt {
	r := backstop.Receipt{
		Provider: "meta", Channel: backstop.WhatsApp, MessageID: messageID(send, step),
		Ref: backstop.Ref{Send: send, Step: step}, Status: status, At: at(20),
	}
	if step%2 == 0 {
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
	list := []string{}
	for _, e := range events {
		kind := string(e.Kind)
		if e.Channel != "" {
			kind += " " + string(e.Channel)
		}
		if e.Status != "" {
			kind += " " + string(e.Status)
		}
		list = append(list, kind)
	}
	return list
}
