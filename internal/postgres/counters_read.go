package postgres

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// span is a part of a range of time, whose rows are counted.
type span struct{ from, until time.Time }

func (s span) ids() (first, end string) {
	return pool.MinID(s.from.Add(-idSlack)), pool.MinID(s.until.Add(idSlack))
}

// counting says what of a range comes from counters and what from rows. It holds for the transaction that made it.
//
// Sends that were removed have counters only, and these have no time within the day: a day counts in the range in which it
// begins.
type counting struct {
	from, until time.Time
	whole       pq.StringArray // the days whose rows are counted
	rows        []span
}

const listWholeDays = `SELECT day FROM stats_days
WHERE counted_at IS NOT NULL AND day >= $1::date AND day < $2::date ORDER BY day`

func nextDay(at time.Time) time.Time { return at.UTC().Add(day - 1).Truncate(day) }

// planCounting divides a range. The parts that a caller shows must be hours or longer, if it uses the counters of whole days.
func planCounting(ctx context.Context, tx *sqlx.Tx, from, until time.Time, useWhole bool) (counting, error) {
	c := counting{from: from, until: until, whole: pq.StringArray{}}
	var days []time.Time
	if useWhole {
		err := tx.SelectContext(ctx, &days, listWholeDays, nextDay(from), until.UTC().Truncate(day))
		if err != nil {
			return counting{}, fmt.Errorf("list counted days: %w", err)
		}
	}
	at := from
	for _, d := range days {
		d = d.UTC()
		c.whole = append(c.whole, d.Format(time.DateOnly))
		if at.Before(d) {
			c.rows = append(c.rows, span{at, d})
		}
		at = d.Add(day)
	}
	if at.Before(until) {
		c.rows = append(c.rows, span{at, until})
	}
	return c, nil
}

const (
	whichCounts = `part = ANY($1)
    AND (is_gone AND day >= $2::date AND day < $3::date OR NOT is_gone AND day = ANY($4::date[]))
    AND ($5::uuid IS NULL OR policy_id = $5)`

	sumCounts = `SELECT part, key, sum(count)::bigint AS count, max(longest) AS longest, max(newest) AS newest
FROM stats_counts WHERE ` + whichCounts + ` GROUP BY part, key`

	sumChanges = `SELECT part, policy_id, key, sum(count)::bigint AS count, 0 AS longest, max(newest) AS newest
FROM stats_counts WHERE ` + whichCounts + ` GROUP BY part, policy_id, key`
)

// counterRow is the sum of the counters of one group.
type counterRow struct {
	Part     counterPart `db:"part"`
	PolicyID string      `db:"policy_id"`
	Key      string      `db:"key"`
	Count    int64       `db:"count"`
	Longest  float64     `db:"longest"`
	Newest   time.Time   `db:"newest"`
}

// read reads the key into the fields of the group.
func (r counterRow) read(fields ...any) error {
	if err := json.Unmarshal([]byte(r.Key), &fields); err != nil {
		return fmt.Errorf("read key of counts: %w", err)
	}
	return nil
}

// counters returns the sums of the counters that belong to the range.
func (c counting) counters(
	ctx context.Context, tx *sqlx.Tx, query string, policy sql.NullString, parts ...counterPart,
) (rows []counterRow, err error) {
	names := make(pq.StringArray, len(parts))
	for i, part := range parts {
		names[i] = string(part)
	}
	err = tx.SelectContext(ctx, &rows, query, names, nextDay(c.from), nextDay(c.until), c.whole, policy)
	if err != nil {
		return nil, fmt.Errorf("sum counts: %w", err)
	}
	return rows, nil
}

// countRow returns the row that countSends would have for the group. The hours of removed sends that are after the range belong
// to its last part.
func (c counting) countRow(r counterRow, bucket time.Duration) (row countRow, err error) {
	row.Sends = r.Count
	switch r.Part {
	case partTime:
		var hour int64
		err = r.read(&hour, &row.Kind)
		at := time.Unix(hour*int64(time.Hour/time.Second), 0).UTC()
		if !at.Before(c.until) {
			at = c.until.Add(-1)
		}
		row.Bucket = new(at.UTC().Truncate(bucket))
	case partPlan:
		row.Digest, row.Newest = new(int64), &r.Newest
		err = r.read(row.Digest, &row.Kind)
	case partDelay:
		row.Step, row.Longest = new(int), &r.Longest
		err = r.read(&row.DeliveredBy, row.Step)
	case partSMS, partCode, partChange: // these have rows of other types
	}
	return row, err
}

// smsRow returns the row that countSMS would have for the group.
func (r counterRow) smsRow() (row smsRow, err error) {
	row.SMS = r.Count
	if r.Longest >= 0 {
		row.Longest = &r.Longest
	}
	err = r.read(&row.Sender, &row.Route, &row.Provider, &row.Country, &row.Result, &row.Code, &row.Class, &row.Step)
	return row, err
}

// codeRow returns the row that countCodes would have for the group.
func (r counterRow) codeRow() (row codeRow, err error) {
	row.Sends = r.Count
	err = r.read(&row.Provider, &row.Channel, &row.Code, &row.Class)
	return row, err
}

// changeRow returns the group of a change, without its numbers.
func (r counterRow) changeRow() (g backstop.ChangeGroup, err error) {
	if r.PolicyID != noPolicy {
		g.PolicyID = r.PolicyID
	}
	err = r.read(&g.Country, &g.Reason, &g.Provider, &g.Code)
	return g, err
}

const noPolicy = "00000000-0000-0000-0000-000000000000"

const listCountedPlans = `SELECT digest, plan FROM stats_plans WHERE digest = ANY($1)`

// countedPlans adds the plans of counters to those of rows.
func countedPlans(ctx context.Context, tx *sqlx.Tx, rows []countRow, plans map[int64]backstop.Plan) error {
	missing := pq.Int64Array{}
	for _, r := range rows {
		if r.Digest == nil {
			continue
		}
		if _, found := plans[*r.Digest]; !found {
			missing = append(missing, *r.Digest)
			plans[*r.Digest] = backstop.Plan{} // asked for once
		}
	}
	if len(missing) == 0 {
		return nil
	}
	var found []struct {
		Digest int64  `db:"digest"`
		Plan   []byte `db:"plan"`
	}
	if err := tx.SelectContext(ctx, &found, listCountedPlans, missing); err != nil {
		return fmt.Errorf("list counted plans: %w", err)
	}
	for _, row := range found {
		var plan backstop.Plan
		if err := json.Unmarshal(row.Plan, &plan); err != nil {
			return fmt.Errorf("read counted plan: %w", err)
		}
		plans[row.Digest] = plan
	}
	return nil
}
