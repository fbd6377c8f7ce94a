package schema_test

import (
	"database/sql"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
	"github.com/backstophq/backstop/schema"
)

// oldAttempt is an attempt in the schema before migration 00009.
type oldAttempt struct {
	step, number int
	rule         string // of an SMS
	state        string
	status       string
	message      string
	startedAt    int // in seconds after the send
}

// oldReceipt is a receipt before the migration. If step is 0, it is stored without a send.
type oldReceipt struct {
	step    int
	message string
	status  string
	code    string // of its failure
}

// newAttempt is an attempt after the migration.
type newAttempt struct {
	step, number int
	rule         string
	state        string
	message      string
	reported     backstop.StatusSet
	refusal      string
}

func reported(statuses ...backstop.Status) (set backstop.StatusSet) {
	for _, s := range statuses {
		set = set.With(s)
	}
	return set
}

const twoRules = `[{"name": "a", "type": "undelivered", "send_id": "A"}, {"name": "b", "type": "unread", "send_id": "B"}]`

// The migration renumbers the steps of stored attempts and receipts: steps were counted before, and are derived now.
func TestMigrate_ledger(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		rules    string
		attempts []oldAttempt
		receipts []oldReceipt
		want     []newAttempt
		moved    map[string]int // the step of each message's receipts
	}{
		{name: "nothing was called"},
		{
			name: "the first rule and the second", rules: twoRules,
			attempts: []oldAttempt{
				{step: 1, number: 1, state: "accepted", status: "failed", message: "w1", startedAt: 1},
				{step: 2, number: 1, rule: "a", state: "accepted", status: "failed", message: "s2", startedAt: 2},
				{step: 3, number: 1, rule: "b", state: "accepted", status: "delivered", message: "s3", startedAt: 3},
			},
			receipts: []oldReceipt{
				{step: 1, message: "w1", status: "sent"}, {step: 1, message: "w1", status: "failed", code: "131026"},
				{step: 2, message: "s2", status: "failed"},
				{step: 3, message: "s3", status: "delivered"}, {message: "stray", status: "read"},
			},
			want: []newAttempt{
				{step: 1, number: 1, state: "accepted", message: "w1", reported: reported("sent", "failed"), refusal: "131026"},
				{step: 3, number: 1, rule: "a", state: "accepted", message: "s2", reported: reported("failed")},
				{step: 5, number: 1, rule: "b", state: "accepted", message: "s3", reported: reported("delivered")},
			},
			moved: map[string]int{"w1": 1, "s2": 3, "s3": 5, "stray": 0},
		},
		{
			name: "each of unknown end, and sent again", rules: twoRules,
			attempts: []oldAttempt{
				{step: 1, number: 1, state: "unknown", status: "", startedAt: 1},
				{step: 2, number: 1, state: "accepted", status: "read", message: "w2", startedAt: 2},
				{step: 3, number: 1, rule: "b", state: "unknown", status: "sent", message: "s3", startedAt: 3},
				{step: 4, number: 1, rule: "b", state: "calling", status: "", startedAt: 4},
			},
			receipts: []oldReceipt{
				{step: 2, message: "w2", status: "delivered"}, {step: 2, message: "w2", status: "read"},
				{step: 3, message: "s3", status: "sent"},
			},
			want: []newAttempt{
				{step: 1, number: 1, state: "unknown"},
				{step: 2, number: 1, state: "accepted", message: "w2", reported: reported("delivered", "read")},
				{step: 5, number: 1, rule: "b", state: "unknown", message: "s3", reported: reported("sent")},
				{step: 6, number: 1, rule: "b", state: "calling"},
			},
			moved: map[string]int{"w2": 2, "s3": 5},
		},
		{
			name: "of the calls of a step the newest is kept", rules: twoRules,
			attempts: []oldAttempt{
				{step: 1, number: 1, state: "throttled", status: "", startedAt: 1},
				{step: 1, number: 2, state: "unavailable", status: "", startedAt: 2},
				{step: 1, number: 3, state: "rejected", status: "failed", startedAt: 3},
			},
			want: []newAttempt{{step: 1, number: 3, state: "rejected"}},
		},
		{
			name: "a rule that was averted, and fired again twice", rules: twoRules,
			attempts: []oldAttempt{
				{step: 2, number: 1, rule: "a", state: "throttled", status: "", startedAt: 1},
				{step: 3, number: 1, rule: "a", state: "accepted", status: "failed", message: "s3", startedAt: 2},
				{step: 4, number: 1, rule: "a", state: "accepted", status: "sent", message: "s4", startedAt: 3},
			},
			receipts: []oldReceipt{
				{step: 3, message: "s3", status: "failed", code: "30005"}, {step: 4, message: "s4", status: "sent"},
			},
			want: []newAttempt{
				{step: 3, number: 1, rule: "a", state: "throttled"},
				{step: 4, number: 1, rule: "a", state: "accepted", message: "s4", reported: reported("sent")},
			},
			moved: map[string]int{"s3": 4, "s4": 4},
		},
		{
			name: "at the same moment", rules: twoRules,
			attempts: []oldAttempt{
				{step: 1, number: 1, state: "unknown", status: "", startedAt: 1},
				{step: 2, number: 1, state: "unknown", status: "", startedAt: 1},
				{step: 3, number: 1, state: "accepted", status: "submitted", message: "w3", startedAt: 1},
			},
			want: []newAttempt{
				{step: 1, number: 1, state: "unknown"}, {step: 2, number: 1, state: "accepted", message: "w3"},
			},
		},
		{
			name: "a rule that the plan does not name",
			attempts: []oldAttempt{
				{step: 1, number: 1, rule: "gone", state: "accepted", status: "submitted", message: "s1", startedAt: 1},
			},
			want: []newAttempt{{step: 3, number: 1, rule: "gone", state: "accepted", message: "s1"}},
		},
		{
			name: "a plan of no rules", rules: "null",
			attempts: []oldAttempt{{step: 1, number: 1, state: "accepted", status: "submitted", message: "w1", startedAt: 1}},
			want:     []newAttempt{{step: 1, number: 1, state: "accepted", message: "w1"}},
		},
	}
	url := postgrestest.URL(t)
	db := postgrestest.Raw(t, url)
	before, err := goose.NewProvider(goose.DialectPostgres, db, os.DirFS("."), goose.WithDisableGlobalRegistry(true))
	require.NoError(t, err)
	_, err = before.UpTo(t.Context(), 8)
	require.NoError(t, err)
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ids := make([]string, len(tests))
	for i, tc := range tests {
		ids[i] = fmt.Sprintf("0190a0a0-0000-7000-8000-%012d", i)
		insertOld(t, db, ids[i], start, "")
		if tc.rules != "" {
			execute(t, db, `UPDATE sends SET plan = plan || jsonb_build_object('rules', $2::jsonb) WHERE id = $1`, ids[i], tc.rules)
		}
		for _, a := range tc.attempts {
			insertOldAttempt(t, db, ids[i], start, a)
		}
		for n, r := range tc.receipts {
			insertOldReceipt(t, db, ids[i], fmt.Sprintf("0190a0a0-0000-7000-%04d-%012d", i, n), r)
		}
	}
	execute(t, db, `INSERT INTO events (send, seq, at, kind, channel, status, rule, code, detail)
    VALUES ($1, 2, $2, 'attempt', 'whatsapp', '', '', '', ''), ($1, 3, $3, 'receipt', 'whatsapp', 'sent', '', '', '')`,
		ids[1], start.Add(time.Minute), start.Add(time.Second))

	_, err = schema.Migrate(t.Context(), db)
	require.NoError(t, err)
	store := postgrestest.Open(t, url)
	for i, tc := range tests {
		l, err := store.Ledger(t.Context(), ids[i])
		require.NoError(t, err, tc.name)
		require.Equal(t, tc.want, summaries(l.Attempts), tc.name)
		for message, step := range tc.moved {
			var got int
			require.NoError(t, db.QueryRowContext(t.Context(), `SELECT DISTINCT coalesce(step, 0) FROM receipts
    WHERE message_id = $1 AND coalesce(send, $2) = $2`, message, ids[i]).Scan(&got), "%s: %s", tc.name, message)
			require.Equal(t, step, got, "%s: %s", tc.name, message)
		}
		at := start
		if i == 1 {
			at = start.Add(time.Minute)
		}
		require.Equal(t, at, l.At, tc.name)
	}
	_, err = db.ExecContext(t.Context(), `UPDATE attempts SET step = 1 WHERE send = $1`, ids[1])
	require.ErrorContains(t, err, "attempts_pkey", "a step is one row")
}

func summaries(attempts []backstop.Attempt) (list []newAttempt) {
	for _, a := range attempts {
		s := newAttempt{
			step: a.Ref.Step, number: a.Number, rule: a.Rule, state: string(a.State), message: a.MessageID, reported: a.Reported,
		}
		if a.Refusal != nil {
			s.refusal = a.Refusal.Code
		}
		list = append(list, s)
	}
	return list
}

func insertOldAttempt(t *testing.T, db *sql.DB, send string, start time.Time, a oldAttempt) {
	t.Helper()
	channel, at := "whatsapp", start.Add(time.Duration(a.startedAt)*time.Second)
	if a.rule != "" {
		channel = "sms"
	}
	execute(t, db, `INSERT INTO attempts (send, step, number, channel, provider, rule, reason, send_id, state, status, message_id,
    segments, failure, started_at, ended_at)
VALUES ($1, $2, $3, $4, 'p', $5, '', '', $6, $7, $8, 0,
    CASE WHEN $6 NOT IN ('calling', 'accepted') THEN jsonb_build_object('kind', $6::text) END,
    $9, CASE WHEN $6 <> 'calling' THEN $9::timestamptz END)`,
		send, a.step, a.number, channel, a.rule, a.state, a.status, a.message, at)
}

func insertOldReceipt(t *testing.T, db *sql.DB, send, id string, r oldReceipt) {
	t.Helper()
	execute(t, db, `INSERT INTO receipts (id, provider, channel, message_id, send, step, status, at, failure, received_at, needs_signal)
VALUES ($1, 'p', 'whatsapp', $2 || '', CASE WHEN $4 > 0 THEN $3::uuid END, nullif($4, 0), $5, now(),
    CASE WHEN $6 <> '' THEN jsonb_build_object('kind', 'rejected', 'code', $6::text) END, now(), false)`,
		id, r.message, send, r.step, r.status, r.code)
}

func execute(t *testing.T, db *sql.DB, statement string, args ...any) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), statement, args...)
	require.NoError(t, err)
}
