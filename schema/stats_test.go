package schema_test

import (
	"database/sql"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/postgres/postgrestest"
	"github.com/backstophq/backstop/schema"
)

// moment is an event of a send's timeline, as many seconds after the send as there are events before it.
type moment struct{ kind, channel, status, detail string }

var (
	averted   = moment{kind: "averted"}
	delivered = moment{kind: "receipt", channel: "whatsapp", status: "delivered"}
	read      = moment{kind: "receipt", channel: "whatsapp", status: "read"}
	smsHere   = moment{kind: "receipt", channel: "sms", status: "delivered"}
)

func fired(why string) moment { return moment{kind: "rule_fired", channel: "sms", detail: why} }

// The migration computes the statistics' columns of stored sends from their events.
func TestMigrate_stats(t *testing.T) {
	t.Parallel()
	db := postgrestest.Raw(t, postgrestest.URL(t))
	before, err := goose.NewProvider(goose.DialectPostgres, db, os.DirFS("."), goose.WithDisableGlobalRegistry(true))
	require.NoError(t, err)
	_, err = before.UpTo(t.Context(), 3)
	require.NoError(t, err)

	const noSMS, smsOut = "", "accepted"
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name    string
		events  []moment
		fired   string // the rule, as the send has it
		sms     string // the state of an attempt that began with the second event
		arrived int    // with which event
		by      string
		reason  string
	}{
		{name: "nothing yet"},
		{name: "delivered, then read", events: []moment{delivered, read}, arrived: 1, by: "whatsapp"},
		{name: "read only", events: []moment{{kind: "attempt"}, read}, arrived: 2, by: "whatsapp"},
		{name: "not read", events: []moment{delivered, fired("not read within 5m0s"), smsHere}, fired: "r", sms: smsOut,
			arrived: 1, by: "whatsapp", reason: "not_read"},
		{name: "not delivered", events: []moment{{kind: "attempt"}, fired("not delivered within 1m0s"), smsHere},
			fired: "r", sms: smsOut, arrived: 3, by: "sms", reason: "not_delivered"},
		{name: "not sent", events: []moment{fired("not sent within 1s")}, fired: "r", reason: "not_sent"},
		{name: "too late", events: []moment{fired("handed over after the wait had ended, too late for WhatsApp")},
			fired: "r", reason: "too_late"},
		{name: "the first is kept", events: []moment{fired("the WhatsApp message failed: no"), fired("the SMS before it failed")},
			fired: "s", reason: "failed"},
		{name: "taken back", events: []moment{fired("not delivered within 1m0s"), averted}, sms: noSMS},
		{name: "taken back, then another", events: []moment{fired("not delivered within 1m0s"), averted, fired("not read within 5m0s")},
			fired: "s", reason: "not_read"},
		{name: "an SMS was out", events: []moment{fired("not sent within 1s"), {kind: "attempt"}, averted, fired("not read within 5m0s")},
			fired: "s", sms: smsOut, reason: "not_sent"},
		{name: "in other words", events: []moment{fired("because")}, fired: "r"},
	}
	ids := make([]string, len(tests))
	for i, tc := range tests {
		ids[i] = fmt.Sprintf("0190a0a0-0000-7000-8000-%012d", i)
		insertOld(t, db, ids[i], start, tc.fired)
		if tc.sms != noSMS {
			_, err := db.ExecContext(t.Context(), `INSERT INTO attempts (send, step, number, channel, provider, rule, reason, send_id, state,
    status, message_id, segments, started_at, ended_at) VALUES ($1, 2, 1, 'sms', 'p', 'r', '', 'A', $2, 'submitted', 'SM1', 1, $3, $3)`,
				ids[i], tc.sms, start.Add(2*time.Second))
			require.NoError(t, err)
		}
		for n, e := range tc.events {
			_, err := db.ExecContext(t.Context(), `INSERT INTO events (send, seq, at, kind, channel, status, rule, code, detail)
    VALUES ($1, $2, $3, $4, $5, $6, '', '', $7)`,
				ids[i], n+2, start.Add(time.Duration(n+1)*time.Second), e.kind, e.channel, e.status, e.detail)
			require.NoError(t, err)
		}
	}

	applied, err := schema.Migrate(t.Context(), db)
	require.NoError(t, err)
	require.Equal(t, countMigrations(t)-3, applied)
	for i, tc := range tests {
		var at sql.NullTime
		var by, reason string
		require.NoError(t, db.QueryRowContext(t.Context(),
			`SELECT delivered_at, delivered_by, fallback_reason FROM sends WHERE id = $1`, ids[i]).Scan(&at, &by, &reason))
		require.Equal(t, tc.by, by, tc.name)
		require.Equal(t, tc.reason, reason, tc.name)
		require.Equal(t, tc.arrived > 0, at.Valid, tc.name)
		if at.Valid {
			require.True(t, at.Time.Equal(start.Add(time.Duration(tc.arrived)*time.Second)), tc.name)
		}
	}
}

// insertOld stores a send in the schema before the migration.
func insertOld(t *testing.T, db *sql.DB, id string, at time.Time, rule string) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), `INSERT INTO sends (id, recipient, country, text, sms_text, category, policy_id, plan, accepted_at,
    whatsapp_status, sms_status, duplicate_delivery, fired, fired_reason, expired, outcome)
VALUES ($1::uuid, '+447400123456', 'GB', 'x', 'x', '', $1::uuid, jsonb_build_object('policy_id', $1::uuid), $2,
    'queued', '', false, $3, '', false, 'pending')`, id, at, rule)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), `INSERT INTO events (send, seq, at, kind, channel, status, rule, code, detail)
    VALUES ($1, 1, $2, 'accepted', '', '', '', '', '')`, id, at)
	require.NoError(t, err)
}
