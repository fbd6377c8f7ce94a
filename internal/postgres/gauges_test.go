package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// A new database has nothing that waits. What has just been stored does not count yet.
func TestDB_Gauges(t *testing.T) {
	t.Parallel()
	p := newPlanned(t)
	empty, err := p.db.Gauges(t.Context())
	require.NoError(t, err)
	require.Equal(t, postgres.Gauges{Circuits: map[string]bool{}}, empty)

	p.exec(copySends, policyID, 8, "pending")
	p.exec(`UPDATE sends SET accepted_at = now() + interval '1 minute'`) // however slow the test is
	p.exec(`UPDATE sends SET handed_over = false, accepted_at = now() - interval '10 minutes', sweep_at = now()
WHERE id IN (SELECT id FROM sends ORDER BY id LIMIT 2)`)
	p.exec(`UPDATE sends SET handed_over = false, sweep_at = now() + interval '5 seconds'
WHERE id IN (SELECT id FROM sends ORDER BY id OFFSET 2 LIMIT 1)`)
	p.exec(`UPDATE sends SET handed_over = false, send_at = now() + interval '1 hour', accepted_at = now() - interval '1 hour',
    sweep_at = 'infinity' WHERE id IN (SELECT id FROM sends ORDER BY id OFFSET 3 LIMIT 1)`)
	p.exec(`UPDATE sends SET sms_status = 'submitted', receipt_by = now() - interval '2 minutes', sweep_at = now() - interval '1 minute'
WHERE id IN (SELECT id FROM sends ORDER BY id OFFSET 4 LIMIT 1)`)
	p.exec(`INSERT INTO account_health (account, state, since, reason, retry_at, probe_by, window_start, calls, faults, unavailable, unknown, changed_by)
VALUES ('dead', 'open', now(), 'account_faults', now(), '', now(), 0, 0, 0, 0, ''), ('well', 'closed', now(), '', NULL, '', now(), 0, 0, 0, 0, '')`)
	p.exec(`INSERT INTO callback_endpoints (url, failing_since, failures, status, error, paused_at, retry_at)
VALUES ('https://a.example/', now(), 1, 500, '', NULL, NULL), ('https://b.example/', now(), 50, 500, '', now(), now())`)
	open, old := newID(t), "01900000-0000-7000-8000-000000000000"
	for at, id := range []string{open, old} {
		p.exec(`UPDATE sends SET id = $1 WHERE id IN (SELECT id FROM sends ORDER BY id OFFSET $2 LIMIT 1)`, id, 5+at)
	}
	p.exec(`INSERT INTO attempts (send, step, number, channel, provider, rule, reason, send_id, state, status, message_id, segments, failure,
    started_at, ended_at)
SELECT id, 1, 1, 'whatsapp', 'meta', '', '', '', 'unknown', '', '', 0, '{"kind": "unknown"}', now(), now() FROM sends WHERE id IN ($1, $2)`, open, old)
	got, err := p.db.Gauges(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, got.Sends.Rows)
	require.InDelta(t, 10*time.Minute, got.Sends.Oldest, float64(time.Minute))
	require.Equal(t, 1, got.Overdue.Rows)
	require.InDelta(t, 2*time.Minute, got.Overdue.Oldest, float64(time.Minute))
	require.Equal(t, 1, got.Scheduled)
	require.Equal(t, 1, got.Unknowns, "not the one of a send that is months old")
	require.Equal(t, map[string]bool{"dead": true, "well": false}, got.Circuits)
	require.Equal(t, []int{1, 1}, []int{got.Failing, got.Paused})
}

// The pool says how many connections a process may open.
func TestDB_Pool(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	require.NoError(t, db.Ping(t.Context()))
	require.Equal(t, 8, db.Pool().Max)
	require.Positive(t, db.Pool().Idle)
}
