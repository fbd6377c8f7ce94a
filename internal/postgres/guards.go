package postgres

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// guardsRow is the settings of the guards as they are stored.
type guardsRow struct {
	Settings  string       `db:"settings"` // JSON
	Version   int          `db:"version"`
	UpdatedAt sql.NullTime `db:"updated_at"`
}

// guardSettings are the settings as JSON. A field that is absent has its zero value.
type guardSettings struct {
	Allow           []string                `json:"allow,omitempty"`
	Block           []string                `json:"block,omitempty"`
	Watch           []string                `json:"watch,omitempty"`
	RecipientCap    int                     `json:"recipient_cap,omitempty"`
	PrefixCap       int                     `json:"prefix_cap,omitempty"`
	PrefixDigits    int                     `json:"prefix_digits,omitempty"`
	CountryCap      int                     `json:"country_cap,omitempty"`
	CountryCaps     []guardCountryCap       `json:"country_caps,omitempty"`
	SameTextSeconds int                     `json:"same_text_seconds,omitempty"`
	SameTextAnswer  backstop.SameTextAnswer `json:"same_text_answer,omitempty"`
}

type guardCountryCap struct {
	Country string `json:"country"`
	Cap     int    `json:"cap"`
}

func (r guardsRow) guards() (backstop.Guards, error) {
	var s guardSettings
	if err := json.Unmarshal([]byte(r.Settings), &s); err != nil {
		return backstop.Guards{}, fmt.Errorf("read settings of guards: %w", err)
	}
	g := backstop.Guards{
		Allow: s.Allow, Block: s.Block, Watch: s.Watch, RecipientCap: s.RecipientCap, PrefixCap: s.PrefixCap,
		PrefixDigits: s.PrefixDigits, CountryCap: s.CountryCap, SameTextSeconds: s.SameTextSeconds,
		SameTextAnswer: s.SameTextAnswer, Version: r.Version, UpdatedAt: timeOrZero(r.UpdatedAt),
	}
	for _, c := range s.CountryCaps {
		g.CountryCaps = append(g.CountryCaps, backstop.CountryCap(c))
	}
	return g, nil
}

func settingsOf(g backstop.Guards) (string, error) {
	s := guardSettings{
		Allow: g.Allow, Block: g.Block, Watch: g.Watch, RecipientCap: g.RecipientCap, PrefixCap: g.PrefixCap,
		PrefixDigits: g.PrefixDigits, CountryCap: g.CountryCap, SameTextSeconds: g.SameTextSeconds,
		SameTextAnswer: g.SameTextAnswer,
	}
	for _, c := range g.CountryCaps {
		s.CountryCaps = append(s.CountryCaps, guardCountryCap(c))
	}
	text, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("write settings of guards: %w", err)
	}
	return string(text), nil
}

const getGuards = `SELECT settings, version, updated_at FROM guards`

// Guards returns the settings of the guards.
func (db *DB) Guards(ctx context.Context) (backstop.Guards, error) {
	var row guardsRow
	if err := db.pool.Get(ctx, &row, getGuards); err != nil {
		return backstop.Guards{}, pool.Failed(ctx, "get guards", err)
	}
	return row.guards()
}

const replaceGuards = `UPDATE guards SET settings = $1, version = version + 1, updated_at = $2
WHERE $3 = 0 OR version = $3 RETURNING settings, version, updated_at`

// ReplaceGuards writes valid settings over those of a version, and returns them. Otherwise the error has the code Stale. If the
// answer of Postgres is lost, it retries, and recognises its own change by its time.
func (db *DB) ReplaceGuards(ctx context.Context, g backstop.Guards, version int) (backstop.Guards, error) {
	settings, err := settingsOf(g)
	if err != nil {
		return backstop.Guards{}, err
	}
	at := db.Now()
	var row guardsRow
	err = pool.UntilKnown(ctx, "replace guards", func(isRepeated bool) error {
		row = guardsRow{}
		if isRepeated {
			if err := db.pool.Get(ctx, &row, getGuards); err != nil || timeOrZero(row.UpdatedAt).Equal(at) {
				return err
			}
			row = guardsRow{}
		}
		err := db.pool.Change(ctx, &row, replaceGuards, settings, at, version)
		if errors.Is(err, sql.ErrNoRows) {
			return staleError("settings of the guards")
		}
		return err
	})
	if err != nil {
		return backstop.Guards{}, err
	}
	return row.guards()
}

// guardResultRow is a row of guard_results.
type guardResultRow struct {
	Hour    time.Time            `db:"hour" json:"hour" type:"timestamptz"`
	Guard   backstop.Guard       `db:"guard" json:"guard" type:"text"`
	Result  backstop.GuardResult `db:"result" json:"result" type:"text"`
	Country string               `db:"country" json:"country" type:"text"`
	Count   int                  `db:"count" json:"count" type:"bigint"`
	LastAt  time.Time            `db:"last_at" json:"last_at" type:"timestamptz"`
}

var guardResultColumns = pool.ColumnsOf[guardResultRow]()

// addGuardResults writes the rows in the order of their key, so that two processes do not wait for each other.
var addGuardResults = `INSERT INTO guard_results AS r (` + guardResultColumns.Names() + `)
SELECT ` + guardResultColumns.NamesIn("u") + ` FROM ` + guardResultColumns.Recordset("$1") + `
ORDER BY hour, guard, result, country
ON CONFLICT (hour, guard, result, country) DO UPDATE
SET count = r.count + excluded.count, last_at = greatest(r.last_at, excluded.last_at)`

// AddGuardResults adds counts to the present hour. It sends the statement once: if the answer is lost, the counts may be stored.
func (db *DB) AddGuardResults(ctx context.Context, counts []backstop.GuardCount) error {
	rows := make([]guardResultRow, len(counts))
	for i, c := range counts {
		rows[i] = guardResultRow{
			Hour: c.LastAt.Truncate(time.Hour), Guard: c.Guard, Result: c.Result, Country: c.Country, Count: c.Count,
			LastAt: c.LastAt,
		}
	}
	text, err := pool.JSONRows(rows)
	if err != nil {
		return err
	}
	return pool.Failed(ctx, "add results of guards", db.pool.ExecUnprepared(ctx, addGuardResults, text))
}

const sumGuardResults = `SELECT guard, result, country, sum(count) AS count, max(last_at) AS last_at
FROM guard_results WHERE hour >= $1 GROUP BY guard, result, country ORDER BY count DESC, guard, result, country LIMIT $2`

// GuardResults returns how often the guards had their results since the begin of an hour, the most frequent first, up to a limit.
func (db *DB) GuardResults(ctx context.Context, since time.Time, limit int) ([]backstop.GuardCount, error) {
	var rows []guardResultRow
	if err := db.pool.SelectUnprepared(ctx, &rows, sumGuardResults, pool.Stamp(since), limit); err != nil {
		return nil, pool.Failed(ctx, "sum results of guards", err)
	}
	counts := make([]backstop.GuardCount, len(rows))
	for i, r := range rows {
		counts[i] = backstop.GuardCount{
			Guard: r.Guard, Result: r.Result, Country: r.Country, Count: r.Count, LastAt: pool.Stamp(r.LastAt),
		}
	}
	return counts, nil
}

const (
	// guardResultAge is how long the results are kept.
	guardResultAge = 31 * 24 * time.Hour
	// guardLimit bounds the rows that one statement deletes.
	guardLimit = 5000

	deleteGuardCounts = `DELETE FROM guard_counts WHERE (guard, key, slot) IN (
    SELECT guard, key, slot FROM guard_counts WHERE minute < $1 ORDER BY minute LIMIT $2 FOR UPDATE SKIP LOCKED
)`
	deleteGuardTexts = `DELETE FROM guard_texts WHERE digest = ANY(ARRAY(
    SELECT digest FROM guard_texts WHERE until < $1 ORDER BY until LIMIT $2 FOR UPDATE SKIP LOCKED
))`
	deleteGuardResults = `DELETE FROM guard_results WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM guard_results WHERE hour < $1 LIMIT $2
))`
)

// dropGuardRows deletes what counts for no guard any more.
func (db *DB) dropGuardRows(ctx context.Context) error {
	now := db.Now()
	const slack = 2 // minutes: the newest of the 61 that count, and the clock of another process
	oldest := now.Add(-backstop.GuardWindow).Unix()/int64(time.Minute/time.Second) - slack
	return errors.Join(
		db.dropRows(ctx, "guard counts", deleteGuardCounts, oldest),
		db.dropRows(ctx, "guard texts", deleteGuardTexts, pool.Stamp(now.Add(-time.Minute))),
		db.dropRows(ctx, "guard results", deleteGuardResults, pool.Stamp(now.Add(-guardResultAge))),
	)
}

func (db *DB) dropRows(ctx context.Context, what, statement string, before any) error {
	for n := int64(guardLimit); n == guardLimit; {
		var err error
		if n, err = db.pool.Exec(ctx, statement, before, guardLimit); err != nil {
			return pool.Failed(ctx, "delete "+what, err)
		}
	}
	return nil
}
