package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lib/pq"
)

const (
	filledQuery   = `SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = $1`
	filledComment = "filled with %d sends"
)

// isFilled reports whether an earlier run has filled a database with as many sends.
func (s *store) isFilled(ctx context.Context, database string, rows int) (bool, error) {
	comments, err := s.strings(ctx, filledQuery, database)
	return strings.Join(comments, "") == fmt.Sprintf(filledComment, rows), err
}

// uncounted returns the days that are due to be counted, and the sends of all days.
func (s *store) uncounted(ctx context.Context) (days int, sends int64, err error) {
	const query = `SELECT $1 - (SELECT count(*) FROM stats_days WHERE counted_at IS NOT NULL),
    (SELECT reltuples::bigint FROM pg_class WHERE oid = 'sends'::regclass)`
	const countAfter = 4 // a day is counted three days after its end
	err = s.db.QueryRowContext(ctx, query, retentionDays-countAfter).Scan(&days, &sends)
	if err != nil {
		return 0, 0, fmt.Errorf("read counted days: %w", err)
	}
	return days, sends, nil
}

// removed returns how many sends a kind of removal has removed.
func (s *store) removed(ctx context.Context, what string) (n int64, err error) {
	const query = `SELECT coalesce(sum(removed), 0)::bigint FROM removals WHERE name LIKE $1 || ':%'`
	if err := s.db.QueryRowContext(ctx, query, what).Scan(&n); err != nil {
		return 0, fmt.Errorf("read removals: %w", err)
	}
	return n, nil
}

const (
	// fillAtOnce is how many sends one statement copies.
	fillAtOnce = 250_000

	listFillIndexes = `SELECT 'DROP INDEX ' || quote_ident(indexname), indexdef FROM pg_indexes
WHERE schemaname = current_schema() AND tablename IN ('sends', 'attempts', 'receipts', 'events')
    AND indexname NOT IN (SELECT conname FROM pg_constraint)`
	listFillConstraints = `SELECT format('ALTER TABLE %I DROP CONSTRAINT %I', conrelid::regclass, conname),
    format('ALTER TABLE %I ADD CONSTRAINT %I ', conrelid::regclass, conname) || pg_get_constraintdef(oid)
FROM pg_constraint WHERE conrelid::regclass::text IN ('attempts', 'receipts', 'events') AND contype IN ('f', 'u')`

	// fillOriginals has the rows of the originals. Of ten copies the first original has seven, and each other has one.
	fillOriginals = `CREATE TEMPORARY TABLE of_%[1]s AS
SELECT n, (s.send ->> 'accepted_at')::timestamptz AS base, jsonb_populate_record(NULL::%[1]s, e) AS r
FROM unnest($1::jsonb[], $2::jsonb[]) WITH ORDINALITY AS s (send, rows, n), jsonb_array_elements(s.rows) AS e`

	fillColumns = `SELECT quote_ident(column_name), data_type FROM information_schema.columns
WHERE table_schema = current_schema() AND table_name = $1 AND is_generated = 'NEVER'`

	fillCopies = `INSERT INTO %[1]s (%[2]s) SELECT %[3]s
FROM (
    SELECT i, greatest(i %% 10 - 5, 1) AS n, to_timestamp(ms / 1000.0) AS at,
        (lpad(to_hex(ms), 12, '0') || '7' || lpad(to_hex(i %% 4096), 3, '0') || '8' || substr(md5(i::text), 1, 15))::uuid AS id
    FROM (SELECT i, $3::bigint + i * $4::bigint AS ms FROM generate_series($1::bigint, $2::bigint) AS i) AS t
) AS c JOIN of_%[1]s AS o ON o.n = c.n ORDER BY c.i`
)

// fillValue returns the value of a column of a copy.
func fillValue(table, column, kind string) string {
	switch {
	case column == "id" && table == "receipts":
		return "gen_random_uuid()"
	case column == "id":
		return "c.id"
	case column == "send":
		return "c.id"
	case column == "recipient":
		return `'+4474' || lpad((hashint8(c.i / 10)::bigint & 99999999)::text, 8, '0')`
	case column == "message_id" && table != "sends": // there it is the id of a stored message
		return `CASE WHEN (o.r).message_id <> '' THEN 'wamid.' || md5((o.r).message_id || c.i) ELSE '' END`
	case kind == "timestamp with time zone":
		return "(o.r)." + column + " + (c.at - o.base)"
	}
	return "(o.r)." + column
}

// fill copies the originals until there are n sends, evenly over the days. It drops the indexes first, and makes them anew.
func (s *store) fill(ctx context.Context, originals []original, n int, logProgress progressLog) error {
	c, err := s.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	defer func() { _ = c.Close() }() // of the pool
	f := filler{conn: c}
	f.exec(ctx, `SET synchronous_commit = off`)
	f.exec(ctx, `SET maintenance_work_mem = '1GB'`)
	again := append(f.drop(ctx, listFillIndexes), f.drop(ctx, listFillConstraints)...)
	var sends, attempts, events, receipts []string
	for _, o := range originals {
		sends, attempts, events = append(sends, o.send), append(attempts, o.attempts), append(events, o.events)
		receipts = append(receipts, o.receipts)
	}
	rows := map[string][]string{"attempts": attempts, "events": events, "receipts": receipts}
	for _, send := range sends {
		rows["sends"] = append(rows["sends"], "["+send+"]")
	}
	begin, period := time.Now().AddDate(0, 0, -retentionDays).UnixMilli(), retentionDays*24*time.Hour.Milliseconds()/int64(n)
	for _, table := range []string{"sends", "attempts", "receipts", "events"} {
		f.exec(ctx, fmt.Sprintf(fillOriginals, table), pq.Array(sends), pq.Array(rows[table]))
		statement := f.copies(ctx, table)
		for from := 0; from < n && f.err == nil; from += fillAtOnce {
			logProgress("copying %s: %d of %d sends", table, from, n)
			f.exec(ctx, statement, from, min(from+fillAtOnce, n)-1, begin, period)
		}
	}
	logProgress("making %d indexes and constraints", len(again))
	for _, statement := range again {
		f.exec(ctx, statement)
	}
	f.exec(ctx, analyseTables)
	f.exec(ctx, `COMMENT ON DATABASE `+retentionDatabase+` IS '`+fmt.Sprintf(filledComment, n)+`'`)
	return f.err
}

// filler runs statements until one fails.
type filler struct {
	conn *sql.Conn
	err  error
}

func (f *filler) exec(ctx context.Context, statement string, args ...any) {
	if f.err != nil {
		return
	}
	if _, err := f.conn.ExecContext(ctx, statement, args...); err != nil {
		f.err = fmt.Errorf("fill: %w", err)
	}
}

// pairs returns the rows of a query that has two columns.
func (f *filler) pairs(ctx context.Context, query string, args ...any) (list [][2]string) {
	if f.err != nil {
		return nil
	}
	rows, err := f.conn.QueryContext(ctx, query, args...)
	if err != nil {
		f.err = fmt.Errorf("fill: %w", err)
		return nil
	}
	defer func() { f.err = errors.Join(f.err, rows.Close()) }()
	for rows.Next() {
		var one [2]string
		if err := rows.Scan(&one[0], &one[1]); err != nil {
			f.err = fmt.Errorf("fill: %w", err)
			return nil
		}
		list = append(list, one)
	}
	f.err = rows.Err()
	return list
}

// drop runs the first statement of each row of a query, and returns the second ones.
func (f *filler) drop(ctx context.Context, query string) (again []string) {
	for _, pair := range f.pairs(ctx, query) {
		f.exec(ctx, pair[0])
		again = append(again, pair[1])
	}
	return again
}

// copies returns the statement that copies the rows of a table.
func (f *filler) copies(ctx context.Context, table string) string {
	var columns, values []string
	for _, column := range f.pairs(ctx, fillColumns, table) {
		columns = append(columns, column[0])
		values = append(values, fillValue(table, column[0], column[1]))
	}
	return fmt.Sprintf(fillCopies, table, strings.Join(columns, ", "), strings.Join(values, ", "))
}
