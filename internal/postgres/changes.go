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
)

const maxChangeGroups = 100

// countChanges counts the fallbacks of two ranges. The parameter border is the time between them. The code is that of the
// WhatsApp message, or of its resend.
func countChanges(w *where, border string) string {
	return `SELECT COALESCE(policy_id::text, '') AS policy_id, country, fallback_reason AS reason,
    COALESCE(resent.provider, first.provider, '') AS provider,
    COALESCE(resent.code, first.code, '') AS code,
    count(*) FILTER (WHERE accepted_at < ` + border + `) AS before, count(*) FILTER (WHERE accepted_at >= ` + border + `) AS after
FROM sends
LEFT JOIN (` + whatsAppCodes + ` AND step = 1) AS first ON first.send = sends.id
LEFT JOIN (` + whatsAppCodes + ` AND step = 2) AS resent ON resent.send = sends.id
WHERE fired <> '' AND ` + w.String() + `
GROUP BY policy_id, 2, 3, 4, 5`
}

const whatsAppCodes = `
    SELECT send, provider, ` + failureCode + ` AS code FROM attempts
    WHERE channel = 'whatsapp' AND ` + hasFailed + ` AND ` + failureCode + ` <> ''`

func countRanges(w *where, border string) string {
	return `SELECT count(*) FILTER (WHERE accepted_at < ` + border + `) AS before,
    count(*) FILTER (WHERE accepted_at >= ` + border + `) AS after
FROM sends WHERE ` + w.String()
}

const namePolicies = `SELECT p.id, (
    SELECT plan ->> 'policy_name' FROM sends WHERE policy_id = p.id AND sends.id < $2 ORDER BY sends.id DESC LIMIT 1
) AS name FROM unnest($1::uuid[]) AS p (id)`

type changeRow struct {
	PolicyID string                  `db:"policy_id"`
	Country  string                  `db:"country"`
	Reason   backstop.FallbackReason `db:"reason"`
	Provider string                  `db:"provider"`
	Code     string                  `db:"code"`
	Before   int64                   `db:"before"`
	After    int64                   `db:"after"`
}

// StatsChanges compares the fallbacks of the sends that pass a valid filter with those of the range before it. Errors are as of
// Stats.
func (db *DB) StatsChanges(ctx context.Context, f backstop.StatsFilter) (backstop.Changes, error) {
	before := f.Previous()
	changes := backstop.Changes{
		Before: backstop.RangeCounts{From: before.From, Until: before.Until},
		After:  backstop.RangeCounts{From: f.From, Until: f.Until},
	}
	both := backstop.SendFilter{From: before.From, Until: f.Until, PolicyID: f.PolicyID, Scheduled: new(false)}
	w, found := sendsThat(both, rangeOf(both))
	if !found {
		return changes, nil
	}
	err := db.inStatsTx(ctx, "count changes", func(ctx context.Context, tx *sqlx.Tx) error {
		return countBoth(ctx, tx, w, &changes)
	})
	return changes, err
}

func countBoth(ctx context.Context, tx *sqlx.Tx, w where, changes *backstop.Changes) error {
	border := w.param(changes.After.From)
	var sends struct {
		Before int64 `db:"before"`
		After  int64 `db:"after"`
	}
	if err := tx.GetContext(ctx, &sends, countRanges(&w, border), w.values...); err != nil {
		return fmt.Errorf("count sends: %w", err)
	}
	changes.Before.Sends, changes.After.Sends = sends.Before, sends.After
	var rows []changeRow
	if err := tx.SelectContext(ctx, &rows, countChanges(&w, border), w.values...); err != nil {
		return fmt.Errorf("count fallbacks: %w", err)
	}
	for _, r := range rows {
		changes.Before.Fallbacks += r.Before
		changes.After.Fallbacks += r.After
		changes.Groups = append(changes.Groups, backstop.ChangeGroup{
			PolicyID: r.PolicyID, Country: r.Country, Reason: r.Reason, Provider: r.Provider, Code: r.Code,
			Before: r.Before, After: r.After,
		})
	}
	slices.SortFunc(changes.Groups, func(a, b backstop.ChangeGroup) int {
		return cmp.Or(
			cmp.Compare(math.Abs(changes.Contribution(b)), math.Abs(changes.Contribution(a))),
			cmp.Compare(b.After, a.After), cmp.Compare(a.PolicyID, b.PolicyID), cmp.Compare(a.Country, b.Country),
			cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Code, b.Code),
		)
	})
	changes.Groups = firstOf(changes.Groups, maxChangeGroups)
	return nameGroups(ctx, tx, changes.Groups, changes.After.Until)
}

// nameGroups gives each group the name that its policy had in the newest send of the range.
func nameGroups(ctx context.Context, tx *sqlx.Tx, groups []backstop.ChangeGroup, until time.Time) error {
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
	if err := tx.SelectContext(ctx, &found, namePolicies, ids, rangeOf(backstop.SendFilter{Until: until}).end); err != nil {
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
