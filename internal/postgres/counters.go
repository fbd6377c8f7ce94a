package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/backstophq/backstop/internal/postgres/pool"
)

// The sends of a day are counted some days after its end, and then once a day as long as receipts may change them: WhatsApp tries
// for 30 days. Later changes are not expected, except those of sends that have not ended.
const (
	countAfter    = 3 * 24 * time.Hour // the end of the day
	recountEvery  = 24 * time.Hour
	recountForHrs = 24 * 36 // since the beginning of the day
	countTimeout  = 10 * time.Minute
)

const day = 24 * time.Hour

// counterPart is what the counts of a part are grouped by. It is stored.
type counterPart string

const (
	partTime   counterPart = "time"   // hour, and kind without the last two properties
	partPlan   counterPart = "plan"   // digest of the plan, and kind
	partDelay  counterPart = "delay"  // channel, and step of countSends
	partSMS    counterPart = "sms"    // as countSMS
	partCode   counterPart = "code"   // as countCodes
	partChange counterPart = "change" // as countChanges
)

// insertCounts returns the statement that adds the counts of a query. The groups are those of the query that counts rows when
// asked. The parameters are the range of ids, and then those of the condition.
func insertCounts(query string) string {
	return `INSERT INTO stats_counts AS c (day, is_gone, part, policy_id, key, count, longest, newest)
` + query + addCounts
}

const (
	addCounts = `
ON CONFLICT (day, is_gone, part, policy_id, key) DO UPDATE
SET count = c.count + excluded.count, longest = greatest(c.longest, excluded.longest),
    newest = greatest(c.newest, excluded.newest)`

	inRange   = ` NOT sends.is_test AND sends.id >= $1 AND sends.id < $2 AND `
	countDay  = `(accepted_at AT TIME ZONE 'UTC')::date AS day`
	policyOf  = `COALESCE(policy_id, '00000000-0000-0000-0000-000000000000')`
	anAttempt = `attempts.send >= $1 AND attempts.send < $2 AND `
)

// counters returns the statements that count the sends of a range of ids that meet a condition. isGone is a literal.
func counters(isGone, condition string) []string {
	return []string{countGroups(isGone, condition), countedSMS(isGone, condition), countedCodes(isGone, condition),
		countedChanges(isGone, condition), keepPlans(condition)}
}

func countGroups(isGone, condition string) string {
	return insertCounts(`SELECT day, ` + isGone + `,
    CASE WHEN GROUPING(state) = 0 THEN 'time' WHEN GROUPING(kind) = 0 THEN 'plan' ELSE 'delay' END, policy,
    CASE WHEN GROUPING(state) = 0 THEN json_build_array(hour, state)::text
        WHEN GROUPING(kind) = 0 THEN json_build_array(plan_digest, kind)::text
        ELSE json_build_array(delivered_by, step)::text END,
    count(*), max(delay), max(accepted_at)
FROM (
    SELECT ` + countDay + `, floor(date_part('epoch', accepted_at) / 3600)::bigint AS hour, ` + policyOf + ` AS policy,
        accepted_at, plan_digest, flags || ' ' || outcome || ' ' || fallback_reason AS state,
        flags || ' ' || outcome || ' ' || fallback_reason || ' ' || country || ' ' || fired AS kind,
        delivered_by, delay, round(100 * ln(greatest(delay, 0.001)))::int AS step
    FROM sends
    LEFT JOIN (
        SELECT DISTINCT send FROM events WHERE kind = 'averted' AND send >= $1 AND send < $2
    ) AS a ON a.send = sends.id
    CROSS JOIN LATERAL (SELECT ` + flagsAndDelay + `) AS l
    WHERE` + inRange + condition + `
    OFFSET 0
) AS s
GROUP BY GROUPING SETS ((day, policy, hour, state), (day, policy, plan_digest, kind), (day, policy, delivered_by, step))
HAVING GROUPING(step) = 1 OR delivered_by <> ''`)
}

func countedSMS(isGone, condition string) string {
	return insertCounts(`SELECT day, ` + isGone + `, 'sms', policy,
    json_build_array(sender, route, provider, country, result, code, class, step)::text,
    count(*), COALESCE(max(delay), -1), max(accepted_at)
FROM (
    SELECT ` + countDay + `, ` + policyOf + ` AS policy, accepted_at, ` + smsGroup + `
    WHERE attempts.channel = 'sms' AND ` + anAttempt + inRange + condition + `
    OFFSET 0
) AS m
GROUP BY day, policy, sender, route, provider, country, result, code, class, step`)
}

func countedCodes(isGone, condition string) string {
	return insertCounts(`SELECT day, ` + isGone + `, 'code', policy, key, count(DISTINCT send), 0, max(accepted_at)
FROM (
    SELECT ` + countDay + `, ` + policyOf + ` AS policy, accepted_at, attempts.send, json_build_array(attempts.provider,
        attempts.channel, COALESCE(` + failureCode + `, ''), COALESCE(` + failureClass + `, ''))::text AS key
    FROM attempts JOIN sends ON sends.id = attempts.send
    WHERE ` + hasFailed + ` AND ` + anAttempt + inRange + condition + `
) AS m
GROUP BY day, policy, key`)
}

func countedChanges(isGone, condition string) string {
	return insertCounts(`SELECT day, ` + isGone + `, 'change', policy, key, count(*), 0, max(accepted_at)
FROM (
    SELECT ` + countDay + `, ` + policyOf + ` AS policy, accepted_at, json_build_array(country, fallback_reason,
        COALESCE(resent.provider, first.provider, ''), COALESCE(resent.code, first.code, ''))::text AS key
    FROM sends` + joinCodes(`$1`, `$2`) + `
    WHERE fired <> '' AND` + inRange + condition + `
) AS m
GROUP BY day, policy, key`)
}

// keepPlans stores each plan once.
func keepPlans(condition string) string {
	return `INSERT INTO stats_plans (digest, plan)
SELECT plan_digest, plan FROM sends WHERE ctid = ANY(ARRAY(
    SELECT min(sends.ctid) FROM sends WHERE` + inRange + condition + ` GROUP BY plan_digest
))
ON CONFLICT DO NOTHING`
}

var countTheDay = counters(`false`, `accepted_at >= $3 AND accepted_at < $4`)

const (
	oldestSend = `SELECT accepted_at FROM sends ORDER BY id LIMIT 1`

	listDueDays = `SELECT day::date FROM generate_series($1::date, $2::date, '1 day') AS s (day)
LEFT JOIN stats_days AS d USING (day)
WHERE d.counted_at IS NULL
    OR d.counted_at < $3 AND (d.open > 0 OR d.counted_at < d.day + make_interval(hours => $4))
ORDER BY day LIMIT $5`

	markDayCounted = `INSERT INTO stats_days (day, counted_at, open)
SELECT $3::date, $4, count(*) FROM sends WHERE id >= $1 AND id < $2 AND finished_at IS NULL
ON CONFLICT (day) DO UPDATE SET counted_at = excluded.counted_at, open = excluded.open`

	deleteDayCounts = `DELETE FROM stats_counts WHERE day = $1::date AND NOT is_gone`
)

// CountDays counts the sends of up to limit days that are due, and returns the number of the days. Any number of processes may
// call it: each day is counted in one transaction, which fails if another one has written its counts meanwhile.
func (db *DB) CountDays(ctx context.Context, limit int) (int, error) {
	now := db.Now()
	var oldest time.Time
	err := db.pool.GetUnprepared(ctx, &oldest, oldestSend)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	var due []time.Time
	if err == nil {
		err = db.pool.SelectUnprepared(ctx, &due, listDueDays,
			oldest.UTC().Truncate(day), now.Add(-countAfter-day).Truncate(day), now.Add(-recountEvery), recountForHrs, limit)
	}
	if err != nil {
		return 0, pool.Failed(ctx, "list days to count", err)
	}
	for _, at := range due {
		if err := db.countOneDay(ctx, at.UTC(), now); err != nil {
			return 0, err
		}
	}
	return len(due), nil
}

func (db *DB) countOneDay(ctx context.Context, at, now time.Time) error {
	first, end := pool.MinID(at.Add(-idSlack)), pool.MinID(at.Add(day+idSlack))
	return pool.UntilDone(ctx, "count day", func() error {
		tx, err := db.pool.Begin(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
		if err != nil {
			return err
		}
		defer tx.Rollback() // after a commit it does nothing
		if err := pool.Execute(ctx, tx, forCounting, strconv.FormatInt(countTimeout.Milliseconds(), 10)); err != nil {
			return err
		}
		if err := pool.Execute(ctx, tx, markDayCounted, first, end, at, now); err != nil {
			return err
		}
		if err := pool.Execute(ctx, tx, deleteDayCounts, at); err != nil {
			return err
		}
		return commitAfter(tx, countRows(ctx, tx, countTheDay, first, end, at, at.Add(day)))
	})
}

// forCounting holds for one transaction; see forStats.
const forCounting = forStats + `, set_config('statement_timeout', $1, true)`

// countRows runs the statements of counters. That of the plans needs fewer parameters than it gets, which Postgres allows.
func countRows(ctx context.Context, tx *sqlx.Tx, statements []string, args ...any) error {
	for _, statement := range statements {
		if err := pool.Execute(ctx, tx, statement, args...); err != nil {
			return err
		}
	}
	return nil
}

func commitAfter(tx *sqlx.Tx, err error) error {
	if err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}
