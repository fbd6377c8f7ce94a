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

// The migration reads the codes of stored sends from their texts.
func TestMigrate_causes(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Raw(t, url)
	before, err := goose.NewProvider(goose.DialectPostgres, db, os.DirFS("."), goose.WithDisableGlobalRegistry(true))
	require.NoError(t, err)
	_, err = before.UpTo(t.Context(), 12)
	require.NoError(t, err)
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const id = "0190a0a0-0000-7000-8000-000000000001"
	execute(t, db, `INSERT INTO sends (id, recipient, country, text, sms_text, category, policy_id, plan, accepted_at, changed_at,
    whatsapp_status, sms_status, duplicate_delivery, fired, fired_reason, fallback_reason, expired, outcome, check_at)
VALUES ($1::uuid, '+447400123456', 'GB', 'x', 'x', '', $1::uuid, jsonb_build_object('policy_id', $1::uuid), $2, $2,
    'delivered', 'queued', false, 'r', 'not read within 5m0s', 'not_read', false, 'pending', $2)`, id, start)
	execute(t, db, `INSERT INTO attempts (send, step, number, channel, provider, rule, reason, send_id, state, status, message_id,
    segments, failure, started_at, ended_at)
VALUES ($1, 1, 1, 'whatsapp', 'meta', '', '', '', 'accepted', 'delivered', 'm', 0, NULL, $2, $2),
    ($1, 3, 2, 'sms', 'twilio', 'r', 'not read within 5m0s', 'A', 'throttled', 'failed', '', 0,
        '{"kind": "throttled", "code": "20429"}', $2, $2),
    ($1, 5, 1, 'sms', 'twilio', 's', 'in other words', 'A', 'accepted', '', 'n', 1, NULL, $2, $2)`, id, start)
	events := []struct {
		kind, channel, rule, code, detail string
		want                              backstop.Event
	}{
		{kind: "accepted"},
		{kind: "attempt", channel: "whatsapp"},
		{kind: "attempt", channel: "whatsapp", detail: "(call 2)"},
		{kind: "attempt", channel: "whatsapp", code: "2", detail: "unavailable: (#2) down (call 4)", want: backstop.Event{
			Failure: &backstop.Failure{Kind: backstop.Unavailable, Code: "2", Reason: "(#2) down"}}},
		{kind: "receipt", channel: "whatsapp", code: "131026", detail: "rejected (recipient): not: there", want: backstop.Event{
			Failure: &backstop.Failure{Kind: backstop.Rejected, Class: backstop.RecipientFault, Code: "131026", Reason: "not: there"}}},
		{kind: "receipt", channel: "whatsapp", detail: "rejected", want: backstop.Event{
			Failure: &backstop.Failure{Kind: backstop.Rejected}}},
		{kind: "receipt", channel: "whatsapp", detail: "as it was said before"},
		{kind: "rule_fired", channel: "sms", rule: "r", detail: "not read within 5m0s", want: backstop.Event{Cause: backstop.NotRead}},
		{kind: "rule_fired", channel: "sms", rule: "s", detail: "in other words"},
		{kind: "gave_up", channel: "sms", rule: "r", want: backstop.Event{
			Failure: &backstop.Failure{Kind: backstop.Throttled, Code: "20429"}}},
		{kind: "gave_up", channel: "sms", rule: "s"},
		{kind: "gave_up", detail: "rejected"},
		{kind: "finished", detail: "failed"},
	}
	for i, e := range events {
		execute(t, db, `INSERT INTO events (send, seq, at, kind, channel, status, rule, code, detail)
    VALUES ($1, $2, $3, $4, $5, '', $6, $7, $8)`, id, i+1, start, e.kind, e.channel, e.rule, e.code, e.detail)
	}

	_, err = schema.Migrate(t.Context(), db)
	require.NoError(t, err)
	store := postgrestest.Open(t, url)
	l, err := store.Ledger(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, backstop.NotRead, l.Send.FiredCause)
	require.Equal(t, []backstop.FallbackReason{"", backstop.NotRead, ""},
		[]backstop.FallbackReason{l.Attempts[0].Cause, l.Attempts[1].Cause, l.Attempts[2].Cause})
	got, err := store.Events(t.Context(), id)
	require.NoError(t, err)
	for i, e := range events {
		require.Equal(t, e.want.Cause, got[i].Cause, e)
		require.Equal(t, e.want.Failure, got[i].Failure, e)
		require.Equal(t, e.detail, got[i].Detail)
	}
	require.Equal(t, "20429", got[9].Code)
}
