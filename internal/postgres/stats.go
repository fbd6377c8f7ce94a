package postgres

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
	"golang.org/x/sync/errgroup"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// A range of many sends is counted in slices of equal time, two at once: Postgres reads the rows of a slice on one processor. A
// send is in one slice, and a slice is one statement, so the counts add up even if sends change meanwhile.
const (
	statsSlices  = 4
	statsAtOnce  = 2
	statsTimeout = 10 * time.Second // for all of it
)

// hasMany takes some milliseconds. Slices of fewer sends would save less time than that.
const hasMany = `SELECT EXISTS (SELECT FROM sends WHERE id >= $1 AND id < $2 OFFSET 20000)`

// forStats holds for one transaction. Groups are counted in memory, of which a few megabytes are used; with less allowed, a
// guess that there may be more makes Postgres sort all rows first. Compiling the query takes longer than it saves.
//
// Postgres may guess that a range of ids has one row, because it knows no distance between UUIDs. A nested loop would then read
// the range of one table for each row of the other, so both are hashed.
const forStats = `SELECT set_config('work_mem', '64MB', true), set_config('jit', 'off', true),
    set_config('enable_nestloop', 'off', true)`

// countSends counts a slice in one pass, in three ways: over time; by plan and kind; and by how long the delivery took, in
// steps of one percent. All results are sums of these few thousand groups. Of equal plans the place of one row is
// returned.
//
// The kind of a send is one text, and OFFSET 0 hides its parts. Otherwise Postgres would expect as many groups as sends, and sort
// all rows to count them. The driver plans the query anew for each call, like listSends.
const countSends = `SELECT count(*) AS sends, COALESCE(state, kind, '') AS kind, bucket,
    plan_digest, CASE WHEN GROUPING(plan_digest) = 0 THEN min(place) END AS place,
    CASE WHEN GROUPING(plan_digest) = 0 THEN max(accepted_at) END AS newest,
    COALESCE(delivered_by, '') AS delivered_by, step, CASE WHEN GROUPING(step) = 0 THEN max(delay) END AS longest
FROM (
    SELECT s.ctid AS place, accepted_at, date_bin(make_interval(secs => $6), accepted_at, 'epoch') AS bucket, plan_digest,
        flags || ' ' || outcome || ' ' || fallback_reason AS state,
        flags || ' ' || outcome || ' ' || fallback_reason || ' ' || country || ' ' || fired AS kind,
        delivered_by, delay, round(100 * ln(greatest(delay, 0.001)))::int AS step
    FROM sends AS s
    LEFT JOIN (
        SELECT DISTINCT send FROM events WHERE kind = 'averted' AND send >= $1 AND send < $2
    ) AS a ON a.send = s.id
    CROSS JOIN LATERAL (SELECT ` + flagsAndDelay + `) AS l
    WHERE id >= $1 AND id < $2 AND accepted_at >= $3 AND accepted_at < $4 AND NOT is_test
        AND ($5::uuid IS NULL OR policy_id = $5)
    OFFSET 0
) AS s
GROUP BY GROUPING SETS ((bucket, state), (plan_digest, kind), (delivered_by, step))`

// flagsAndDelay is a part of countSends and of countGroups.
const flagsAndDelay = `(fired <> '')::int + 2 * (a.send IS NOT NULL)::int + 4 * duplicate_delivery::int
            + 8 * (` + isScheduled + `)::int AS flags,
        greatest(date_part('epoch', delivered_at - coalesce(started_at, accepted_at)), 0) AS delay`

// listPlans reads rows by their places, which hold in the snapshot in which they were found.
const listPlans = `SELECT ctid AS place, plan FROM sends WHERE ctid = ANY($1::tid[])`

// Stats counts the sends that pass a valid filter. An Error of code TryLater says that there are too many, if it is not
// Postgres that is away.
func (db *DB) Stats(ctx context.Context, filter backstop.StatsFilter) (backstop.Stats, error) {
	policy := sql.NullString{Valid: filter.PolicyID != ""}
	if policy.Valid {
		if policy.String, policy.Valid = pool.ParseID(filter.PolicyID); !policy.Valid {
			return newTally(filter).stats(), nil
		}
	}
	limited, cancel := context.WithTimeout(ctx, statsTimeout)
	defer cancel()
	found, err := db.countSlices(limited, filter, policy)
	if err != nil {
		return backstop.Stats{}, pool.Failed(ctx, "count sends", tooMany(ctx, err))
	}
	t := newTally(filter)
	for _, s := range found {
		if err := t.add(s); err != nil {
			return backstop.Stats{}, err
		}
	}
	return t.stats(), nil
}

func (db *DB) countSlices(ctx context.Context, f backstop.StatsFilter, policy sql.NullString) ([]slice, error) {
	var many bool
	first, last := pool.MinID(f.From.Add(-idSlack)), pool.MinID(f.Until.Add(idSlack))
	if err := db.pool.GetUnprepared(ctx, &many, hasMany, first, last); err != nil {
		return nil, fmt.Errorf("look for many: %w", err)
	}
	pieces := 1
	if many {
		pieces = statsSlices
	}
	ends := sliceEnds(f, pieces)
	found := make([]slice, len(ends)-1)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(statsAtOnce)
	for i := range found {
		group.Go(func() (err error) {
			found[i], err = db.count(ctx, ends[i], ends[i+1], policy, f)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("count slices: %w", err)
	}
	return found, nil
}

// usesDays reports whether the counters of whole days have all that the parts of a range show.
func usesDays(f backstop.StatsFilter) bool { return f.Bucket() >= time.Hour }

// sliceEnds divides a range into pieces of about the same length. Within a range of days it cuts between days, so that their
// counters can be used.
func sliceEnds(f backstop.StatsFilter, pieces int) []time.Time {
	ends := []time.Time{pool.Stamp(f.From)}
	for i := range pieces - 1 {
		at := pool.Stamp(f.From.Add(f.Until.Sub(f.From) / time.Duration(pieces) * time.Duration(i+1)))
		if usesDays(f) {
			at = at.Truncate(day)
		}
		if at.After(ends[len(ends)-1]) {
			ends = append(ends, at)
		}
	}
	return append(ends, pool.Stamp(f.Until))
}

// tooMany asks a caller to choose a shorter range, if the range takes too long to count.
func tooMany(ctx context.Context, err error) error {
	// The third means that Postgres did not confirm the cancellation.
	isLate := errors.Is(err, context.DeadlineExceeded) || pq.As(err, pqerror.QueryCanceled) != nil ||
		errors.Is(err, os.ErrDeadlineExceeded)
	if ctx.Err() != nil || !isLate {
		return err
	}
	return &backstop.Error{
		Code: backstop.TryLater, Cause: err,
		Message: "the range holds too many sends to be counted in time, choose a shorter one",
	}
}

func (db *DB) count(
	ctx context.Context, from, until time.Time, policy sql.NullString, f backstop.StatsFilter,
) (found slice, err error) {
	tx, err := db.beginStats(ctx)
	if err != nil {
		return slice{}, err
	}
	defer tx.Rollback() // it has written nothing
	c, err := planCounting(ctx, tx, from, until, usesDays(f))
	if err != nil {
		return slice{}, err
	}
	found.plans = map[int64]backstop.Plan{}
	for _, s := range c.rows {
		var rows []countRow
		first, end := s.ids()
		err := tx.SelectContext(ctx, &rows, countSends, first, end, s.from, s.until, policy, f.Bucket().Seconds())
		if err != nil {
			return slice{}, fmt.Errorf("count: %w", err)
		}
		if err := plansOf(ctx, tx, rows, found.plans); err != nil {
			return slice{}, err
		}
		found.rows = append(found.rows, rows...)
	}
	counters, err := c.counters(ctx, tx, sumCounts, policy, partTime, partPlan, partDelay)
	if err != nil {
		return slice{}, err
	}
	for _, counter := range counters {
		row, err := c.countRow(counter, f.Bucket())
		if err != nil {
			return slice{}, err
		}
		found.rows = append(found.rows, row)
	}
	return found, countedPlans(ctx, tx, found.rows, found.plans)
}

// beginStats begins a transaction that only reads, with the settings of forStats.
func (db *DB) beginStats(ctx context.Context) (*sqlx.Tx, error) {
	tx, err := db.pool.Begin(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, err // it says what failed
	}
	if err := pool.Execute(ctx, tx, forStats); err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	return tx, nil
}

// plansOf reads each plan once.
func plansOf(ctx context.Context, tx *sqlx.Tx, rows []countRow, plans map[int64]backstop.Plan) error {
	places, digests := pq.StringArray{}, map[string]int64{}
	seen := map[int64]bool{}
	for _, r := range rows {
		if r.Digest != nil && !seen[*r.Digest] {
			seen[*r.Digest] = true
			places, digests[*r.Place] = append(places, *r.Place), *r.Digest
		}
	}
	var found []struct {
		Place string `db:"place"`
		Plan  []byte `db:"plan"`
	}
	if err := tx.SelectContext(ctx, &found, listPlans, places); err != nil {
		return fmt.Errorf("list plans: %w", err)
	}
	for _, row := range found {
		var plan backstop.Plan
		if err := json.Unmarshal(row.Plan, &plan); err != nil {
			return fmt.Errorf("read plan: %w", err)
		}
		plans[digests[row.Place]] = plan
	}
	return nil
}
