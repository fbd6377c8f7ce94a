package postgres

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

const maxChangeGroups = 100

// countChanges counts the fallbacks of the sends that fit a condition. The code is that of the WhatsApp message, or of its
// resend.
func countChanges(w *where) string {
	return `SELECT COALESCE(policy_id::text, '') AS policy_id, country, fallback_reason AS reason,
    COALESCE(resent.provider, first.provider, '') AS provider,
    COALESCE(resent.code, first.code, '') AS code, count(*) AS sends
FROM sends` + joinCodes(w.first, w.end) + `
WHERE fired <> '' AND ` + w.String() + `
GROUP BY policy_id, 2, 3, 4, 5`
}

// joinCodes joins the failures of the WhatsApp messages of the sends from the parameter first to end.
func joinCodes(first, end string) string {
	codes := whatsAppCodes + ` AND send >= ` + first + ` AND send < ` + end
	return `
LEFT JOIN (` + codes + ` AND step = 1) AS first ON first.send = sends.id
LEFT JOIN (` + codes + ` AND step = 2) AS resent ON resent.send = sends.id`
}

const whatsAppCodes = `
    SELECT send, provider, ` + failureCode + ` AS code FROM attempts
    WHERE channel = 'whatsapp' AND ` + hasFailed + ` AND ` + failureCode + ` <> ''`

func countRange(w *where) string { return `SELECT count(*) FROM sends WHERE ` + w.String() }

// namePolicies returns the names in the newest sends that are there, or in the newest that were counted.
const namePolicies = `SELECT p.id, COALESCE((
    SELECT plan ->> 'policy_name' FROM sends WHERE policy_id = p.id AND sends.id < $2 ORDER BY sends.id DESC LIMIT 1
), (
    SELECT plan ->> 'policy_name' FROM stats_counts AS c JOIN stats_plans ON digest = (c.key::json ->> 0)::bigint
    WHERE c.policy_id = p.id AND part = 'plan' AND day >= $3::date AND day < $4::date ORDER BY newest DESC LIMIT 1
), '') AS name FROM unnest($1::uuid[]) AS p (id)`

type changeRow struct {
	PolicyID string                  `db:"policy_id"`
	Country  string                  `db:"country"`
	Reason   backstop.FallbackReason `db:"reason"`
	Provider string                  `db:"provider"`
	Code     string                  `db:"code"`
	Sends    int64                   `db:"sends"`
}

// changeTally adds up the fallbacks of one range, by their group without its numbers.
type changeTally struct {
	sends, fallbacks int64
	groups           map[backstop.ChangeGroup]int64
}

func (t *changeTally) add(g backstop.ChangeGroup, n int64) {
	t.fallbacks += n
	t.groups[g] += n
}

// StatsChanges compares the fallbacks of the sends that pass a valid filter with those of the range before it. Errors are as of
// Stats.
func (db *DB) StatsChanges(ctx context.Context, f backstop.StatsFilter) (backstop.Changes, error) {
	before := f.Previous()
	changes := backstop.Changes{
		Before: backstop.RangeCounts{From: before.From, Until: before.Until},
		After:  backstop.RangeCounts{From: f.From, Until: f.Until},
	}
	if _, isID := pool.ParseID(f.PolicyID); f.PolicyID != "" && !isID {
		return changes, nil
	}
	err := db.inStatsTx(ctx, "count changes", func(ctx context.Context, tx *sqlx.Tx) error {
		return countBoth(ctx, tx, before, f, &changes)
	})
	return changes, err
}

func countBoth(ctx context.Context, tx *sqlx.Tx, before, after backstop.StatsFilter, changes *backstop.Changes) error {
	was, err := tallyChanges(ctx, tx, before)
	if err != nil {
		return err
	}
	is, err := tallyChanges(ctx, tx, after)
	if err != nil {
		return err
	}
	changes.Before.Sends, changes.Before.Fallbacks = was.sends, was.fallbacks
	changes.After.Sends, changes.After.Fallbacks = is.sends, is.fallbacks
	for g, n := range is.groups {
		g.Before, g.After = was.groups[g], n
		changes.Groups = append(changes.Groups, g)
	}
	for g, n := range was.groups {
		if _, isBoth := is.groups[g]; !isBoth {
			g.Before = n
			changes.Groups = append(changes.Groups, g)
		}
	}
	slices.SortFunc(changes.Groups, func(a, b backstop.ChangeGroup) int {
		return cmp.Or(
			cmp.Compare(math.Abs(changes.Contribution(b)), math.Abs(changes.Contribution(a))),
			cmp.Compare(b.After, a.After), cmp.Compare(a.PolicyID, b.PolicyID), cmp.Compare(a.Country, b.Country),
			cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Code, b.Code),
		)
	})
	changes.Groups = firstOf(changes.Groups, maxChangeGroups)
	return nameGroups(ctx, tx, changes.Groups, before.From, after.Until)
}

func tallyChanges(ctx context.Context, tx *sqlx.Tx, f backstop.StatsFilter) (*changeTally, error) {
	t := &changeTally{groups: map[backstop.ChangeGroup]int64{}}
	c, err := planCounting(ctx, tx, pool.Stamp(f.From), pool.Stamp(f.Until), true)
	if err != nil {
		return nil, err
	}
	for _, s := range c.rows {
		if err := t.addRows(ctx, tx, s, f.PolicyID); err != nil {
			return nil, err
		}
	}
	counters, err := c.counters(ctx, tx, sumChanges, orNull(f.PolicyID), partTime, partChange)
	if err != nil {
		return nil, err
	}
	for _, counter := range counters {
		if err := t.addCounter(counter); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t *changeTally) addRows(ctx context.Context, tx *sqlx.Tx, s span, policy string) error {
	filter := backstop.SendFilter{From: s.from, Until: s.until, PolicyID: policy, Scheduled: new(false)}
	w, _ := sendsThat(filter, rangeOf(filter))
	var sends int64
	if err := tx.GetContext(ctx, &sends, countRange(&w), w.values...); err != nil {
		return fmt.Errorf("count sends: %w", err)
	}
	t.sends += sends
	var rows []changeRow
	if err := tx.SelectContext(ctx, &rows, countChanges(&w), w.values...); err != nil {
		return fmt.Errorf("count fallbacks: %w", err)
	}
	for _, r := range rows {
		t.add(backstop.ChangeGroup{
			PolicyID: r.PolicyID, Country: r.Country, Reason: r.Reason, Provider: r.Provider, Code: r.Code,
		}, r.Sends)
	}
	return nil
}

func (t *changeTally) addCounter(counter counterRow) error {
	if counter.Part == partChange {
		g, err := counter.changeRow()
		t.add(g, counter.Count)
		return err
	}
	var hour int64
	var text string
	if err := counter.read(&hour, &text); err != nil {
		return err
	}
	k, err := readKind(text)
	if !k.scheduled {
		t.sends += counter.Count
	}
	return err
}

// nameGroups gives each group the name that its policy had in the newest send of the range.
func nameGroups(ctx context.Context, tx *sqlx.Tx, groups []backstop.ChangeGroup, from, until time.Time) error {
	ids := pq.StringArray{}
	for _, g := range groups {
		if g.PolicyID != "" && !slices.Contains(ids, g.PolicyID) {
			ids = append(ids, g.PolicyID)
		}
	}
	var found []struct {
		ID   string `db:"id"`
		Name string `db:"name"`
	}
	if err := tx.SelectContext(ctx, &found, namePolicies, ids, rangeOf(backstop.SendFilter{Until: until}).end,
		from.UTC().Truncate(day), nextDay(until)); err != nil {
		return fmt.Errorf("name policies: %w", err)
	}
	names := map[string]string{}
	for _, p := range found {
		names[p.ID] = p.Name
	}
	for i, g := range groups {
		groups[i].PolicyName = names[g.PolicyID]
	}
	return nil
}
