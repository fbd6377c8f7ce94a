package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres"
)

// No statement that counts or lists a range reads the range of one table for each row of another. Postgres takes a range of ids for
// one row if it lies between two values of its statistics, however many sends are in it.
func TestDB_rangePlans(t *testing.T) {
	t.Parallel()
	p := newPlanned(t)
	p.exec(copySends, policyID, 2000, "failed")
	p.exec(`INSERT INTO attempts (send, step, number, channel, provider, rule, reason, send_id, state, status, message_id, segments,
    failure, started_at, ended_at)
SELECT id, 1, 1, 'sms', 'twilio', 'r', '', 'ACME', 'rejected', 'failed', 'm' || id, 0, '{"kind": "rejected", "code": "1"}', now(), now() FROM sends`)
	p.exec(`ANALYZE sends, attempts, events`)
	from := time.Now()
	f := backstop.StatsFilter{From: from, Until: from.Add(24 * time.Hour)}
	queries := postgres.CountedNow(f)
	for _, statement := range postgres.CountTheDay {
		queries[statement] = []any{idOf(t, f.From), idOf(t, f.Until), f.From, f.Until}
	}
	loops := 0
	for query, values := range queries {
		loops += strings.Count(p.explain(query, values...), "Join Filter")
	}
	require.NotZero(t, loops, "the statistics are as in a large table")
	for _, of := range []backstop.SendFilter{
		{SMS: backstop.SMSFilter{Result: backstop.SMSFailed}}, {SMS: backstop.SMSFilter{Sender: "ACME"}},
		{Failure: backstop.CodeFilter{Code: "1"}},
	} {
		of.From, of.Until = f.From, f.Until
		query, values := postgres.ListQuery(of, 51)
		require.NotContains(t, p.explain(query, values...), "Join Filter: (sends.id = attempts.send)", query)
	}
	p.exec(`BEGIN`)
	p.exec(postgres.ForCounting, "60000")
	for query, values := range queries {
		require.NotContains(t, p.explain(query, values...), "Nested Loop", query)
	}
	p.exec(`ROLLBACK`)
}
