package postgres

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
	"golang.org/x/sync/errgroup"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// A range of many sends is counted in slices of equal time, two at once, because what costs is one processor of Postgres
// that looks at every row. A send is in one slice, and a slice is one statement, so the counts add up whatever changes
// meanwhile.
const (
	statsSlices  = 4
	statsAtOnce  = 2
	statsTimeout = 10 * time.Second // for all of it
)

// hasMany takes some milliseconds, which for fewer sends would be longer than what slices save.
const hasMany = `SELECT EXISTS (SELECT FROM sends WHERE id >= $1 AND id < $2 OFFSET 20000)`

// forStats holds for one transaction. Groups are counted in memory, of which a few megabytes are used; with less allowed, a
// guess that there may be more makes Postgres sort all rows first. Compiling the query takes longer than it saves.
const forStats = `SELECT set_config('work_mem', '64MB', true), set_config('jit', 'off', true)`

// countSends counts a slice in one pass, in three ways: over time; by plan and kind; and by how long the delivery took, in
// steps of one percent. Whatever is asked for is added up from these few thousand groups. Of alike plans one place
// is told where it is found.
//
// What tells sends apart is put into one text, and OFFSET 0 hides where it comes from: or Postgres would guess that there
// are as many groups as sends, and sort them all to count them. The driver plans it anew for each call, like listSends.
const countSends = `SELECT count(*) AS sends, COALESCE(state, kind, '') AS kind, bucket,
    plan_digest, CASE WHEN GROUPING(plan_digest) = 0 THEN min(place) END AS place,
    CASE WHEN GROUPING(plan_digest) = 0 THEN max(accepted_at) END AS newest,
    COALESCE(delivered_by, '') AS delivered_by, step, CASE WHEN GROUPING(step) = 0 THEN max(delay) END AS longest
FROM (
    SELECT s.ctid AS place, accepted_at, date_bin(make_interval(secs => $6), accepted_at, 'epoch') AS bucket, plan_digest,
        flags || ' ' || outcome AS state,
        flags || ' ' || outcome || ' ' || fallback_reason || ' ' || country || ' ' || fired AS kind,
        delivered_by, delay, round(100 * ln(greatest(delay, 0.001)))::int AS step
    FROM sends AS s
    LEFT JOIN (
        SELECT DISTINCT send FROM events WHERE kind = 'averted' AND send >= $1 AND send < $2
    ) AS a ON a.send = s.id
    CROSS JOIN LATERAL (SELECT
        (fired <> '')::int + 2 * (a.send IS NOT NULL)::int + 4 * duplicate_delivery::int AS flags,
        greatest(date_part('epoch', delivered_at - accepted_at), 0) AS delay
    ) AS l
    WHERE id >= $1 AND id < $2 AND accepted_at >= $3 AND accepted_at < $4
        AND ($5::uuid IS NULL OR policy_id = $5)
    OFFSET 0
) AS s
GROUP BY GROUPING SETS ((bucket, state), (plan_digest, kind), (delivered_by, step))`

// countRow is a group of sends. What it does not have of the three ways to count is nil.
type countRow struct {
	Sends int64  `db:"sends"`
	Kind  string `db:"kind"`

	Bucket *time.Time `db:"bucket"` // over time

	Digest *int64     `db:"plan_digest"` // by plan
	Place  *string    `db:"place"`
	Newest *time.Time `db:"newest"`

	DeliveredBy backstop.Channel `db:"delivered_by"` // by delay; empty for those that have not arrived
	Step        *int             `db:"step"`
	Longest     *float64         `db:"longest"` // in seconds
}

// kind is what countSends tells sends apart by; over time it knows no more than the first four.
type kind struct {
	fallback, averted, duplicate bool

	outcome backstop.Outcome
	reason  backstop.FallbackReason
	country string
	fired   string
}

func readKind(text string) (kind, error) {
	const most = 5 // the last may have spaces
	part := append(strings.SplitN(text, " ", most), make([]string, most)...)
	flags, err := strconv.Atoi(part[0])
	if err != nil {
		return kind{}, fmt.Errorf("read kind of send: %w", err)
	}
	return kind{
		fallback: flags&1 > 0, averted: flags&2 > 0, duplicate: flags&4 > 0,
		outcome: backstop.Outcome(part[1]), reason: backstop.FallbackReason(part[2]), country: part[3], fired: part[4],
	}, nil
}

// listPlans reads rows by their places, which hold in the snapshot in which they were found.
const listPlans = `SELECT ctid AS place, plan FROM sends WHERE ctid = ANY($1::tid[])`

// slice is what was found in one.
type slice struct {
	rows  []countRow
	plans map[int64]backstop.Plan // by digest
}

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
	ends := []time.Time{pool.Stamp(f.From)}
	if at := f.From; many {
		for range statsSlices - 1 {
			at = at.Add(f.Until.Sub(f.From) / statsSlices)
			ends = append(ends, pool.Stamp(at))
		}
	}
	ends = append(ends, pool.Stamp(f.Until))
	found := make([]slice, len(ends)-1)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(statsAtOnce)
	for i := range found {
		group.Go(func() (err error) {
			found[i], err = db.count(ctx, ends[i], ends[i+1], policy, f.Bucket())
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("count slices: %w", err)
	}
	return found, nil
}

// tooMany tells a caller whose range takes too long to count what to do about it.
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
	ctx context.Context, from, until time.Time, policy sql.NullString, bucket time.Duration,
) (found slice, err error) {
	tx, err := db.pool.Begin(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return slice{}, err // it says what failed
	}
	defer tx.Rollback() // it has written nothing
	if err := pool.Execute(ctx, tx, forStats); err != nil {
		return slice{}, err
	}
	err = tx.SelectContext(ctx, &found.rows, countSends,
		pool.MinID(from.Add(-idSlack)), pool.MinID(until.Add(idSlack)), from, until, policy, bucket.Seconds())
	if err != nil {
		return slice{}, fmt.Errorf("count: %w", err)
	}
	found.plans, err = plansOf(ctx, tx, found.rows)
	return found, err
}

// plansOf reads each plan once.
func plansOf(ctx context.Context, tx *sqlx.Tx, rows []countRow) (map[int64]backstop.Plan, error) {
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
		return nil, fmt.Errorf("list plans: %w", err)
	}
	plans := map[int64]backstop.Plan{}
	for _, row := range found {
		var plan backstop.Plan
		if err := json.Unmarshal(row.Plan, &plan); err != nil {
			return nil, fmt.Errorf("read plan: %w", err)
		}
		plans[digests[row.Place]] = plan
	}
	return plans, nil
}
