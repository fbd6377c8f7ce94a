package schema_test

import (
	"os"
	"testing"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
	"github.com/backstophq/backstop/schema"
)

// A rule's route becomes its only account. Attempts and receipts that were stored before accounts had names belong to the account
// that has their provider's name.
func TestMigrate_routes(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Raw(t, url)
	before, err := goose.NewProvider(goose.DialectPostgres, db, os.DirFS("."), goose.WithDisableGlobalRegistry(true))
	require.NoError(t, err)
	_, err = before.UpTo(t.Context(), 15)
	require.NoError(t, err)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const send, routed, unrouted, policy = "0190a0a0-0000-7000-8000-000000000001", "0190a0a0-0000-7000-8000-000000000002",
		"0190a0a0-0000-7000-8000-000000000003", "0190a0a0-0000-7000-8000-000000000004"
	execute(t, db, `INSERT INTO rules (id, name, type, wait_seconds, send_id, route, countries, version, created_at, updated_at)
VALUES ($1, 'routed', 'unread', 60, 'A', 'bulk', '{}', 7, $3, $3), ($2, 'unrouted', 'unread', 60, 'A', '', '{GB}', 1, $3, $3)`,
		routed, unrouted, at)
	execute(t, db, `INSERT INTO policies (id, name, version, created_at, updated_at) VALUES ($1, 'p', 1, $2, $2)`, policy, at)
	execute(t, db, `INSERT INTO policy_rules (policy_id, position, rule_id) VALUES ($1, 1, $2)`, policy, routed)
	execute(t, db, `INSERT INTO sends (id, recipient, country, text, sms_text, category, policy_id, plan, accepted_at, changed_at,
    whatsapp_status, sms_status, duplicate_delivery, fired, fired_reason, fallback_reason, expired, outcome, check_at)
VALUES ($1::uuid, '+447400123456', 'GB', 'x', 'x', '', $1::uuid,
    jsonb_build_object('policy_id', $1::uuid, 'rules', '[{"name": "r", "type": "unread", "wait_seconds": 60, "send_id": "A"}]'::jsonb),
    $2, $2, 'failed', 'submitted', false, 'r', 'x', 'failed', false, 'pending', $2)`, send, at)
	execute(t, db, `INSERT INTO attempts (send, step, number, channel, provider, rule, reason, send_id, state, status, message_id,
    segments, failure, started_at, ended_at)
VALUES ($1, 3, 1, 'sms', 'twilio', 'r', 'x', 'A', 'accepted', 'submitted', 'SM1', 1, NULL, $2, $2)`, send, at)
	execute(t, db, `INSERT INTO events (send, seq, at, kind, channel, status, rule, code, detail)
VALUES ($1, 1, $2, 'attempt', 'sms', 'submitted', 'r', '', '')`, send, at)
	execute(t, db, `INSERT INTO receipts (id, provider, channel, message_id, status, at, received_at, needs_signal)
VALUES ($1, 'twilio', 'sms', 'SM2', 'sent', $2, $2, false)`, policy, at)

	_, err = schema.Migrate(t.Context(), db)
	require.NoError(t, err)
	store := postgrestest.Open(t, url)
	rule, err := store.Rule(t.Context(), routed)
	require.NoError(t, err)
	require.Equal(t, []backstop.Route{{Account: "bulk"}}, rule.Routes)
	require.Equal(t, 7, rule.Version)
	rule, err = store.Rule(t.Context(), unrouted)
	require.NoError(t, err)
	require.Nil(t, rule.Routes)
	require.Equal(t, []string{"GB"}, rule.Countries)
	p, err := store.Policy(t.Context(), policy)
	require.NoError(t, err)
	require.Empty(t, p.Account)
	require.Equal(t, []backstop.Route{{Account: "bulk"}}, p.Rules[0].Routes)

	l, err := store.Ledger(t.Context(), send)
	require.NoError(t, err)
	require.Equal(t, "twilio", l.Attempts[0].Account)
	require.False(t, l.Attempts[0].RefusesRepeats)
	require.False(t, l.Attempts[0].WasUnknown)
	events, err := store.Events(t.Context(), send)
	require.NoError(t, err)
	require.Empty(t, events[0].Account)
	_, err = store.InsertReceipts(t.Context(), []backstop.Receipt{{
		Provider: "twilio", Account: "twilio", Channel: backstop.SMS, MessageID: "SM1", Status: backstop.Delivered, At: at,
	}})
	require.NoError(t, err)
	l, err = store.Ledger(t.Context(), send)
	require.NoError(t, err)
	require.Equal(t, backstop.Delivered, l.Send.Status.SMS)

	sendID := "MG" + "0123456789abcdefABCDEF0123456789"
	_, err = store.ReplaceRule(t.Context(), backstop.Rule{ID: routed, Name: "routed", Type: backstop.SendFailed, SendID: sendID}, 7)
	require.NoError(t, err)
}
