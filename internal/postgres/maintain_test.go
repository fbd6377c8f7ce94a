package postgres_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

const copySends = `INSERT INTO sends (id, recipient, country, text, sms_text, category, policy_id, plan, accepted_at,
    whatsapp_status, sms_status, duplicate_delivery, fired, fired_reason, expired, outcome, finished_at, changed_at, check_at)
SELECT overlay(gen_random_uuid()::text PLACING '7' FROM 15)::uuid, '+447400123456', 'GB', 'x', 'x', '', $1::uuid, jsonb_build_object('policy_id', $1::uuid), now(),
    'queued', '', false, '', '', false, $3, CASE WHEN $3 <> 'pending' THEN now() END, now(), now()
FROM generate_series(1, $2)`

// planned is a schema with one connection, whose statements keep their plans.
type planned struct {
	t    *testing.T
	db   *postgres.DB
	conn *sql.Conn
}

func newPlanned(t *testing.T) planned {
	t.Helper()
	url := postgrestest.URL(t)
	p := planned{t: t, db: postgrestest.OpenPlain(t, url)}
	err := postgrestest.Migrate(t.Context(), p.db)
	require.NoError(t, err)
	p.conn, err = postgrestest.Raw(t, postgrestest.Direct(t, url)).Conn(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.conn.Close()) })
	for _, table := range []string{"sends", "receipts"} {
		p.exec(`ALTER TABLE ` + table + ` SET (autovacuum_enabled = off)`)
	}
	return p
}

func (p planned) exec(statement string, args ...any) {
	p.t.Helper()
	_, err := p.conn.ExecContext(p.t.Context(), statement, args...)
	require.NoError(p.t, err)
}

func (p planned) explain(statement string, args ...any) string {
	p.t.Helper()
	rows, err := p.conn.QueryContext(p.t.Context(), "EXPLAIN "+statement, args...)
	require.NoError(p.t, err)
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var line string
		require.NoError(p.t, rows.Scan(&line))
		plan.WriteString(line + "\n")
	}
	require.NoError(p.t, rows.Err())
	return plan.String()
}

// A statement that was prepared for a small table uses the index after the table has grown, without autovacuum.
func TestDB_Maintain_plans(t *testing.T) {
	t.Parallel()
	p := newPlanned(t)
	p.exec(copySends, policyID, 5, "pending")
	p.exec(`ANALYZE sends`)
	p.exec(`PREPARE one (uuid) AS SELECT id FROM sends WHERE id = $1`)
	one := fmt.Sprintf(`EXECUTE one ('%s')`, policyID)
	for range 8 { // then Postgres keeps the plan
		p.exec(one)
	}
	require.Contains(t, p.explain(one), "Seq Scan")
	counted := func() (n int) {
		const query = `SELECT analyze_count FROM pg_stat_user_tables WHERE relid = 'sends'::regclass`
		require.NoError(t, p.conn.QueryRowContext(t.Context(), query).Scan(&n))
		return n
	}
	before := counted()
	require.NoError(t, p.db.Maintain(t.Context()))
	require.Equal(t, before, counted(), "it has not grown")

	p.exec(copySends, policyID, 3000, "pending")
	require.NoError(t, p.db.Maintain(t.Context()))
	require.Contains(t, p.explain(one), "sends_pkey")
	require.NoError(t, p.db.Maintain(t.Context()))
	require.Equal(t, before+1, counted(), "it has not grown since")
}

// Rare sends, and the receipts of a send, are found without reading the others.
func TestIndexes(t *testing.T) {
	t.Parallel()
	p := newPlanned(t)
	p.exec(copySends, policyID, 20_000, "whatsapp")
	p.exec(copySends, policyID, 3, "failed")
	p.exec(copySends, newID(t), 2000, "failed")
	p.exec(copySends, newID(t), 3, "expired")
	p.exec(`UPDATE sends SET country = 'FR', recipient = '+33612345678', fired = 'rare', fallback_reason = 'too_late',
    duplicate_delivery = true, is_test = true WHERE outcome = 'expired'`)
	p.exec(`INSERT INTO attempts (send, step, number, channel, provider, rule, reason, send_id, state, status, message_id, segments,
    failure, started_at, ended_at)
SELECT id, 3, 1, 'sms', 'twilio', 'r', '', CASE outcome WHEN 'expired' THEN 'RARE' ELSE 'ACME' END,
    CASE outcome WHEN 'expired' THEN 'rejected' ELSE 'accepted' END, 'sent', 'm' || id, 0,
    CASE outcome WHEN 'expired' THEN '{"kind": "rejected", "code": "21610"}'::jsonb END, now(), now()
FROM sends`)
	p.exec(`INSERT INTO receipts (id, provider, channel, message_id, send, step, status, at, received_at, needs_signal)
SELECT gen_random_uuid(), 'meta', 'whatsapp', 'm' || n, (SELECT id FROM sends LIMIT 1), 1, 'sent', now(), clock_timestamp(), false
FROM generate_series(1, 5000) AS n`)
	p.exec(`ANALYZE sends, attempts, receipts`)

	for index, filter := range map[string]backstop.SendFilter{
		"sends_by_policy_outcome": {PolicyID: policyID, Outcomes: []backstop.Outcome{backstop.OutcomeFailed}},
		"sends_by_outcome":        {Outcomes: []backstop.Outcome{backstop.OutcomeUnconfirmed, backstop.OutcomeExpired}},
		"sends_by_number_end":     {ToEnds: "345678"},
		"sends_by_country":        {Country: new("FR")},
		"sends_by_reason":         {Reasons: []backstop.FallbackReason{backstop.TooLate}},
		"sends_by_fired":          {Rule: "rare"},
		"sends_duplicate":         {Duplicate: new(true)},
		"sends_test":              {IsTest: true},
		"attempts_by_sender":      {SMS: backstop.SMSFilter{Sender: "RARE"}},
		"attempts_by_code":        {Failure: backstop.CodeFilter{Code: "21610"}},
	} {
		query, values := postgres.ListQuery(filter, 51)
		require.Contains(t, p.explain(query, values...), index)
	}
	query, values := postgres.ListQuery(backstop.SendFilter{To: "+33612345678"}, 51)
	require.Contains(t, p.explain(query, values...), "sends_by_number_end")
	require.Contains(t, p.explain(fmt.Sprintf(`DELETE FROM receipts WHERE send = '%s'`, policyID)), "receipts_by_send")
}

// The entries of a person are found without reading the others.
func TestIndexes_optOuts(t *testing.T) {
	t.Parallel()
	p := newPlanned(t)
	p.exec(`INSERT INTO opt_outs (recipient, category, id, since, source, channel, provider, account, code, inbound, note, stored_at)
SELECT '+44740' || 1000000 + n, 'all', gen_random_uuid(), now(), 'import', '', '', '', '', '', '', now() FROM generate_series(1, 20000) AS n`)
	p.exec(`INSERT INTO opt_out_changes (recipient, category, id, is_out, at, source, channel, provider, account, code, inbound, note, stored_at)
SELECT recipient, category, id, true, since, source, channel, provider, account, code, inbound, note, stored_at FROM opt_outs`)
	p.exec(`ANALYZE opt_outs, opt_out_changes`)
	for index, filter := range map[string]backstop.OptOutFilter{
		"opt_outs_pkey": {To: "+447401000007"}, "opt_outs_by_end": {ToEnds: "000007"}, "opt_outs_by_id": {},
	} {
		query, values := postgres.OptOutQuery(filter, 50)
		require.Contains(t, p.explain(query, values...), index)
	}
	require.Contains(t, p.explain(`SELECT FROM opt_out_changes WHERE recipient = '+447401000007' ORDER BY id DESC`), "opt_out_changes_by_recipient")
}

// A receipt that matches no attempt is deleted after 8 days; those of sends stay.
func TestDB_Maintain_orphans(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.OpenPlain(t, url)
	err := postgrestest.Migrate(t.Context(), db)
	require.NoError(t, err)
	raw := postgrestest.Past(t, url)
	send := underway(t, db)
	store := func(message string, ref backstop.Ref) {
		_, err := db.InsertReceipts(t.Context(), []backstop.Receipt{{
			Provider: "meta", Channel: backstop.WhatsApp, MessageID: message, Ref: ref, Status: backstop.Sent, At: time.Now(),
		}})
		require.NoError(t, err)
	}
	age := func(message string, days int) {
		id, err := pool.NewIDAt(time.Now().AddDate(0, 0, -days))
		require.NoError(t, err)
		raw.Exec(`UPDATE receipts SET id = $1 WHERE message_id = $2`, id, message)
	}
	for message, days := range map[string]int{"new": 0, "a week": 7, "older": 9, "years": 1000} {
		store(message, backstop.Ref{})
		age(message, days)
	}
	store("of the send", backstop.Ref{Send: send.ID, Step: 1})
	age("of the send", 9)
	raw.Exec(`INSERT INTO receipts (id, provider, channel, message_id, status, at, received_at, needs_signal)
SELECT ($1 || lpad(n::text, 12, '0'))::uuid, 'meta', 'whatsapp', 'many ' || n, 'sent', now(), clock_timestamp(), false
FROM generate_series(1, 2500) AS n`, "00000000-0000-7000-8000-")

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	require.NoError(t, db.Maintain(ctx))
	var left []string
	raw.Row(`SELECT array_agg(message_id ORDER BY id DESC) FROM receipts WHERE message_id <> ALL($1)`,
		[]any{pq.StringArray{"none"}}, (*pq.StringArray)(&left))
	require.Equal(t, []string{"new", "a week", "of the send"}, left)
}
