package main

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/lib/pq"
)

// original holds the rows of a real send as JSON, by table.
type original struct{ send, attempts, events, receipts string }

const originalQuery = `SELECT to_jsonb(s),
	(SELECT COALESCE(jsonb_agg(a), '[]') FROM attempts a WHERE a.send = s.id),
	(SELECT COALESCE(jsonb_agg(e), '[]') FROM events e WHERE e.send = s.id),
	(SELECT COALESCE(jsonb_agg(r), '[]') FROM receipts r WHERE r.send = s.id)
FROM sends s WHERE s.id = $1`

// originals reads sends with their attempts and events.
func (s *store) originals(ctx context.Context, ids []string) ([]original, error) {
	var list []original
	for _, id := range ids {
		var o original
		if err := s.db.QueryRowContext(ctx, originalQuery, id).Scan(&o.send, &o.attempts, &o.events, &o.receipts); err != nil {
			return nil, fmt.Errorf("read send: %w", err)
		}
		list = append(list, o)
	}
	return list, nil
}

// createDatabase creates a database. It drops an older one of this name.
func (s *store) createDatabase(ctx context.Context, name string) error {
	for _, statement := range []string{"DROP DATABASE IF EXISTS ", "CREATE DATABASE "} {
		if _, err := s.db.ExecContext(ctx, statement+pq.QuoteIdentifier(name)); err != nil {
			return fmt.Errorf("create database: %w", err)
		}
	}
	return nil
}

// The copies differ in id, time, recipient, policy and message id. A million copies are one day. The ids are UUIDs of version 7,
// as the schema requires, in the order of time. Ten copies of each call of copyUntil are rare: they have values that the others
// lack.
const (
	copyPeriod   = 86 * time.Millisecond
	perRecipient = 10 // sends of one recipient
	policies     = 20
)

// The copies are made from JSON, so these statements name only the columns that differ.
const (
	makeCopies = `CREATE TEMPORARY TABLE copies ON COMMIT DROP AS
SELECT i, (lpad(to_hex(ms), 12, '0') || '7' || lpad(to_hex(i % 4096), 3, '0') || '8' || substr(md5(i::text), 1, 15))::uuid AS id,
	to_timestamp(ms / 1000.0) AS at, ('00000000-0000-7000-8000-' || lpad((i % $5)::text, 12, '0'))::uuid AS policy,
	'+447400' || lpad((i % $4)::text, 6, '0') AS recipient, i % $6 AS original,
	i % GREATEST(1, ($2::bigint - $1::bigint) / 10) = 0 AS rare
FROM (SELECT i, $3::bigint + i * $7::bigint AS ms FROM generate_series($1::bigint, $2::bigint) AS i) AS n`

	// sendColumns returns the names of all columns but the generated ones, first alone and then with the prefix "r.".
	sendColumns = `SELECT string_agg(quote_ident(column_name), ', '), string_agg('r.' || quote_ident(column_name), ', ')
FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = 'sends' AND is_generated = 'NEVER'`

	copySends = `INSERT INTO sends (%s) SELECT %s
FROM copies c, jsonb_populate_record(NULL::sends, $1::jsonb || jsonb_build_object(
	'id', c.id, 'recipient', c.recipient, 'accepted_at', c.at, 'policy_id', c.policy,
	'delivered_at', c.at + (($1::jsonb ->> 'delivered_at')::timestamptz - ($1::jsonb ->> 'accepted_at')::timestamptz),
	'plan', $1::jsonb -> 'plan' || jsonb_build_object('policy_id', c.policy))
	|| CASE WHEN c.rare AND $1::jsonb ->> 'fired' <> '' THEN
		'{"country": "FR", "duplicate_delivery": true, "fired": "Rare", "fallback_reason": "too_late"}'::jsonb
	ELSE '{}' END) AS r
WHERE c.original = $2`

	copyChildRows = `INSERT INTO %[1]s SELECT r.* ` + //nolint:unqueryvet // r has the row type of the table
		`FROM copies c, jsonb_array_elements($1::jsonb) AS e,
	jsonb_populate_record(NULL::%[1]s, e || jsonb_build_object('send', c.id,
		'message_id', CASE WHEN e ->> 'message_id' <> '' THEN e ->> 'message_id' || '.' || c.i ELSE '' END)
	|| CASE WHEN c.rare AND e ->> 'send_id' <> '' THEN '{"send_id": "RARE"}'::jsonb ELSE '{}' END
	|| CASE WHEN c.rare AND e -> 'failure' ->> 'code' <> '' THEN jsonb_build_object('failure', e -> 'failure' || '{"code": "0"}')
	ELSE '{}' END) AS r
WHERE c.original = $2`

	analyseTables = `VACUUM ANALYZE`
)

// copyUntil copies the originals in turns until there are this many sends.
func (l *lists) copyUntil(ctx context.Context, rows int) (err error) {
	tx, err := l.store.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // no effect after a commit
	if _, err := tx.ExecContext(ctx, makeCopies, l.rows, rows-1, l.begin.UnixMilli(), max(1, rows/perRecipient), policies,
		len(l.originals), copyPeriod.Milliseconds()); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	var columns, values string
	if err := tx.QueryRowContext(ctx, sendColumns).Scan(&columns, &values); err != nil {
		return fmt.Errorf("find columns: %w", err)
	}
	for i, o := range l.originals {
		if err := copyOriginal(ctx, tx, i, o, fmt.Sprintf(copySends, columns, values)); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	l.rows = rows
	if _, err := l.store.db.ExecContext(ctx, analyseTables); err != nil {
		return fmt.Errorf("analyse: %w", err)
	}
	return nil
}

func copyOriginal(ctx context.Context, tx *sql.Tx, number int, o original, copySend string) error {
	for _, step := range []struct{ statement, rows string }{
		{copySend, o.send},
		{fmt.Sprintf(copyChildRows, "attempts"), o.attempts},
		{fmt.Sprintf(copyChildRows, "events"), o.events},
	} {
		if _, err := tx.ExecContext(ctx, step.statement, step.rows, number); err != nil {
			return fmt.Errorf("copy send: %w", err)
		}
	}
	return nil
}

// queryValues are the ids and filter values of the queries.
type queryValues struct {
	ids         []string
	deep        string // the send in the middle
	policy, to  string
	message     string    // the provider's id
	from, until time.Time // without the oldest and the newest 5 % of the sends
}

const (
	pickIDs = `SELECT id FROM sends ORDER BY random() LIMIT 100`
	pickMsg = `SELECT message_id FROM attempts WHERE message_id <> '' AND send >= $1 ORDER BY send LIMIT 1`
	pickOne = `SELECT id, policy_id, recipient, accepted_at FROM sends ORDER BY id OFFSET $1 LIMIT 1`
)

// pickValues chooses the values from the rows.
func (l *lists) pickValues(ctx context.Context) (p queryValues, err error) {
	if p.ids, err = l.store.strings(ctx, pickIDs); err != nil {
		return p, err
	}
	var ignored string
	for _, pick := range []struct {
		share float64 // of the sends that are older
		id    *string
		at    *time.Time
	}{{0.05, &ignored, &p.from}, {0.95, &ignored, &p.until}, {0.5, &p.deep, &time.Time{}}} {
		row := l.store.db.QueryRowContext(ctx, pickOne, int(pick.share*float64(l.rows)))
		if err := row.Scan(pick.id, &p.policy, &p.to, pick.at); err != nil {
			return p, fmt.Errorf("pick a send: %w", err)
		}
	}
	if err := l.store.db.QueryRowContext(ctx, pickMsg, p.deep).Scan(&p.message); err != nil {
		return p, fmt.Errorf("pick a message: %w", err)
	}
	return p, nil
}
