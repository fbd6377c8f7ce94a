package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

const (
	ruleColumns = `id, name, type, wait_seconds, send_id, routes, countries, version, created_at, updated_at`
	// readRule is a rule with the policies that include it, in one query and from one snapshot.
	readRule = ruleColumns + `, (
    SELECT json_agg(json_build_object('id', p.id, 'name', p.name) ORDER BY lower(p.name))
    FROM policy_rules AS u JOIN policies AS p ON p.id = u.policy_id WHERE u.rule_id = rules.id
) AS used_by`
)

type ruleRow struct {
	ID          string            `db:"id"`
	Name        string            `db:"name"`
	Type        backstop.RuleType `db:"type"`
	WaitSeconds int               `db:"wait_seconds"`
	SendID      string            `db:"send_id"`
	Routes      routesColumn      `db:"routes"`
	Countries   pq.StringArray    `db:"countries"`
	Version     int               `db:"version"`
	CreatedAt   time.Time         `db:"created_at"`
	UpdatedAt   time.Time         `db:"updated_at"`
	UsedBy      policyRefs        `db:"used_by"` // not of a policy's own rule
}

func (r ruleRow) rule() backstop.Rule {
	rule := backstop.Rule{
		ID: r.ID, Name: r.Name, Type: r.Type, WaitSeconds: r.WaitSeconds, SendID: r.SendID, Routes: r.Routes,
		UsedBy: r.UsedBy, Version: r.Version, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
	if len(r.Countries) > 0 {
		rule.Countries = r.Countries
	}
	return rule
}

// policyRefs reads the result of json_agg, which is NULL if there are no rows.
type policyRefs []backstop.PolicyRef

// Scan implements sql.Scanner.
func (p *policyRefs) Scan(src any) error {
	switch src := src.(type) {
	case nil:
		*p = nil
		return nil
	case []byte:
		if err := json.Unmarshal(src, p); err != nil {
			return fmt.Errorf("read policies of a rule: %w", err)
		}
		return nil
	default:
		return fmt.Errorf("read policies of a rule: from %T", src)
	}
}

// routesColumn is the routes of a rule, as JSON. It is never NULL.
type routesColumn []backstop.Route //nolint:recvcheck // Scan changes it, Value must work on a value

// Scan implements sql.Scanner.
func (r *routesColumn) Scan(src any) error {
	text, ok := src.([]byte)
	if !ok {
		return fmt.Errorf("read routes of a rule: from %T", src)
	}
	*r = nil
	var routes []backstop.Route
	if err := json.Unmarshal(text, &routes); err != nil {
		return fmt.Errorf("read routes of a rule: %w", err)
	}
	if len(routes) > 0 {
		*r = routes
	}
	return nil
}

// Value implements driver.Valuer.
func (r routesColumn) Value() (driver.Value, error) {
	text, err := json.Marshal(append([]backstop.Route{}, r...))
	if err != nil {
		return nil, fmt.Errorf("write routes of a rule: %w", err)
	}
	return string(text), nil
}

// countriesOf returns the countries of a rule, never NULL.
func countriesOf(rule backstop.Rule) pq.StringArray {
	return append(pq.StringArray{}, rule.Countries...)
}

const insertRule = `INSERT INTO rules (` + ruleColumns + `)
VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8)
RETURNING ` + readRule

// CreateRule stores a valid rule, of which it sets ID, Version and the times. A name that is taken is an Error of
// code Conflict.
func (db *DB) CreateRule(ctx context.Context, rule backstop.Rule) (backstop.Rule, error) {
	at := db.Now()
	id, err := pool.NewIDAt(at)
	if err != nil {
		return backstop.Rule{}, err
	}
	var row ruleRow
	err = db.pool.Change(ctx, &row, insertRule,
		id, rule.Name, rule.Type, rule.WaitSeconds, rule.SendID, routesColumn(rule.Routes), countriesOf(rule), at)
	return row.rule(), pool.Failed(ctx, "insert rule", err)
}

const getRule = `SELECT ` + readRule + ` FROM rules WHERE id = $1`

// Rule returns a rule, or an Error of code NotFound.
func (db *DB) Rule(ctx context.Context, id string) (backstop.Rule, error) {
	id, ok := pool.ParseID(id)
	if !ok {
		return backstop.Rule{}, pool.NotFound("rule")
	}
	var row ruleRow
	err := db.pool.GetUnprepared(ctx, &row, getRule, id)
	return row.rule(), pool.Failed(ctx, "get rule", pool.OrNotFound(err, "rule"))
}

// rulesThat returns the condition for the rules that pass a filter.
func rulesThat(f backstop.RuleFilter) (w where) {
	if f.Search != "" {
		w.and(`name ILIKE '%' || ? || '%'`, escapeLike(f.Search))
	}
	if f.Type != "" {
		w.and(`type = ?`, f.Type)
	}
	if f.SendID != "" {
		w.and(`send_id = ?`, f.SendID)
	}
	if f.Country != "" {
		w.and(`(countries = '{}' OR ? = ANY(countries))`, f.Country)
	}
	if f.Account != "" {
		w.and(`routes @> jsonb_build_array(jsonb_build_object('account', ?::text))`, f.Account)
	}
	andIs(&w, f.Used, `EXISTS (SELECT FROM policy_rules AS u WHERE u.rule_id = rules.id)`)
	return w
}

// ListRules returns the rules that pass a filter, in the order of the page's sort, and whether more follow.
func (db *DB) ListRules(ctx context.Context, f backstop.RuleFilter, page backstop.Page) ([]backstop.Rule, bool, error) {
	w := rulesThat(f)
	by, err := w.andPage(page)
	if err != nil {
		return nil, false, err
	}
	query := `SELECT ` + readRule + ` FROM rules WHERE ` + w.String() + ` ORDER BY ` + by + ` LIMIT ` + w.param(page.Limit+1)
	var rows []ruleRow
	if err := db.pool.SelectUnprepared(ctx, &rows, query, w.values...); err != nil {
		return nil, false, pool.Failed(ctx, "list rules", err)
	}
	rows, more := cutPage(rows, page.Limit)
	rules := make([]backstop.Rule, len(rows))
	for i, row := range rows {
		rules[i] = row.rule()
	}
	return rules, more, nil
}

// CountRules returns the number of rules that pass a filter.
func (db *DB) CountRules(ctx context.Context, f backstop.RuleFilter) (backstop.Total, error) {
	return db.countUpTo(ctx, "rules", rulesThat(f))
}

const replaceRule = `UPDATE rules
SET name = $3, type = $4, wait_seconds = $5, send_id = $6, routes = $7, countries = $8, version = version + 1,
    updated_at = $9
WHERE id = $1 AND ($2 = 0 OR version = $2)
RETURNING ` + readRule

// ReplaceRule writes a valid rule over the one with its ID, if that has the version asked for. Policies that use it
// keep their version. Errors have the code NotFound, Stale or Conflict.
func (db *DB) ReplaceRule(ctx context.Context, rule backstop.Rule, version int) (backstop.Rule, error) {
	id, ok := pool.ParseID(rule.ID)
	if !ok {
		return backstop.Rule{}, pool.NotFound("rule")
	}
	var row ruleRow
	err := db.pool.Change(ctx, &row, replaceRule,
		id, version, rule.Name, rule.Type, rule.WaitSeconds, rule.SendID, routesColumn(rule.Routes), countriesOf(rule), db.Now())
	if errors.Is(err, sql.ErrNoRows) {
		err = explainMissing(db.pool.GetUnprepared(ctx, new(int), ruleVersion, id), "rule")
	}
	return row.rule(), pool.Failed(ctx, "replace rule", err)
}

const (
	ruleVersion = `SELECT version FROM rules WHERE id = $1`
	lockRule    = ruleVersion + ` FOR UPDATE`
	usedBy      = `SELECT p.name FROM policy_rules u JOIN policies p ON p.id = u.policy_id
WHERE u.rule_id = $1 ORDER BY lower(p.name) LIMIT 11`
	deleteRule = `DELETE FROM rules WHERE id = $1`
)

// DeleteRule deletes a rule that no policy uses, if it has the version asked for. Errors have the code NotFound,
// Stale or Conflict; the last names the policies.
func (db *DB) DeleteRule(ctx context.Context, id string, version int) error {
	id, ok := pool.ParseID(id)
	if !ok {
		return pool.NotFound("rule")
	}
	return db.pool.InTx(ctx, "delete rule", func(tx *sqlx.Tx) error {
		var current int
		if err := tx.GetContext(ctx, &current, lockRule, id); err != nil {
			return pool.OrNotFound(err, "rule")
		}
		if version != backstop.AnyVersion && version != current {
			return staleError("rule")
		}
		var policies []string // the lock keeps others from joining them
		if err := tx.SelectContext(ctx, &policies, usedBy, id); err != nil {
			return fmt.Errorf("find policies: %w", err)
		}
		if len(policies) > 0 {
			users := nameAll("policy", "policies", policies)
			return &backstop.Error{Code: backstop.Conflict, Message: "the rule is used by " + users}
		}
		return pool.Execute(ctx, tx, deleteRule, id)
	})
}

// nameAll lists names for people; of many, the first ten. The kind is what they name, for one and for several.
func nameAll(one, several string, names []string) string {
	const most = 10
	kind := one
	if len(names) > 1 {
		kind = several
	}
	if len(names) > most {
		return kind + ` "` + strings.Join(names[:most], `", "`) + `" and others`
	}
	return kind + ` "` + strings.Join(names, `", "`) + `"`
}
