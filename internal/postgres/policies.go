package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// A policy and its rules are read by one query, so that they are of one version.
const (
	joinRules = `
SELECT p.id, p.name, p.account, p.version, p.created_at, p.updated_at,
    r.id AS "rule.id", r.name AS "rule.name", r.type AS "rule.type", r.wait_seconds AS "rule.wait_seconds",
    r.send_id AS "rule.send_id", r.routes AS "rule.routes", r.countries AS "rule.countries", r.version AS "rule.version",
    r.created_at AS "rule.created_at", r.updated_at AS "rule.updated_at"
FROM p JOIN policy_rules u ON u.policy_id = p.id JOIN rules r ON r.id = u.rule_id
ORDER BY p.place, u.position`
	getPolicy = `WITH p AS (
    SELECT id, name, account, version, created_at, updated_at, 1 AS place FROM policies WHERE id = $1
) ` + joinRules
)

// policyRow is a policy with one of its rules.
type policyRow struct {
	ID        string    `db:"id"`
	Name      string    `db:"name"`
	Account   string    `db:"account"`
	Version   int       `db:"version"`
	CreatedAt time.Time `db:"created_at"`
	UpdatedAt time.Time `db:"updated_at"`
	Rule      ruleRow   `db:"rule"`
}

func policiesOf(rows []policyRow) []backstop.Policy {
	list := []backstop.Policy{}
	for _, row := range rows {
		if len(list) == 0 || list[len(list)-1].ID != row.ID {
			list = append(list, backstop.Policy{
				ID: row.ID, Name: row.Name, Account: row.Account, Version: row.Version,
				CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
			})
		}
		policy := &list[len(list)-1]
		policy.Rules = append(policy.Rules, row.Rule.rule())
	}
	return list
}

// Policy returns a policy with its rules in order, or an Error of code NotFound.
func (db *DB) Policy(ctx context.Context, id string) (backstop.Policy, error) {
	policy, err := findPolicy(id, func(rows *[]policyRow, id string) error {
		return db.pool.SelectAll(ctx, rows, getPolicy, id) // every send reads its policy
	})
	return policy, pool.Failed(ctx, "get policy", err)
}

func findPolicy(id string, get func(rows *[]policyRow, id string) error) (backstop.Policy, error) {
	id, ok := pool.ParseID(id)
	if !ok {
		return backstop.Policy{}, pool.NotFound("policy")
	}
	var rows []policyRow
	if err := get(&rows, id); err != nil {
		return backstop.Policy{}, fmt.Errorf("select policy: %w", err)
	}
	if len(rows) == 0 {
		return backstop.Policy{}, pool.NotFound("policy")
	}
	return policiesOf(rows)[0], nil
}

// policiesThat returns the condition for the policies that pass a filter.
func policiesThat(f backstop.PolicyFilter) (w where) {
	if f.Search != "" {
		w.and(`name ILIKE '%' || ? || '%'`, escapeLike(f.Search))
	}
	if f.Type != "" {
		w.andRule(`r.type = ?`, f.Type)
	}
	if f.SendID != "" {
		w.andRule(`r.send_id = ?`, f.SendID)
	}
	if f.Country != "" {
		w.andRule(`(r.countries = '{}' OR ? = ANY(r.countries))`, f.Country)
	}
	return w
}

// andRule adds that a rule of the policy fits a condition.
func (w *where) andRule(condition string, value any) {
	const rules = `SELECT FROM policy_rules AS u JOIN rules AS r ON r.id = u.rule_id WHERE u.policy_id = policies.id`
	w.and(`EXISTS (`+rules+` AND `+condition+`)`, value)
}

// ListPolicies returns the policies that pass a filter, in the order of the page's sort, and whether more follow.
func (db *DB) ListPolicies(
	ctx context.Context, f backstop.PolicyFilter, page backstop.Page,
) ([]backstop.Policy, bool, error) {
	w := policiesThat(f)
	by, err := w.andPage(page)
	if err != nil {
		return nil, false, err
	}
	query := `WITH p AS (
    SELECT id, name, account, version, created_at, updated_at, row_number() OVER (ORDER BY ` + by + `) AS place
    FROM policies WHERE ` + w.String() + ` ORDER BY place LIMIT ` + w.param(page.Limit+1) + `
) ` + joinRules
	var rows []policyRow
	if err := db.pool.SelectUnprepared(ctx, &rows, query, w.values...); err != nil {
		return nil, false, pool.Failed(ctx, "list policies", err)
	}
	list, more := cutPage(policiesOf(rows), page.Limit)
	return list, more, nil
}

// CountPolicies returns the number of policies that pass a filter.
func (db *DB) CountPolicies(ctx context.Context, f backstop.PolicyFilter) (backstop.Total, error) {
	return db.countUpTo(ctx, "policies", policiesThat(f))
}

const insertPolicy = `INSERT INTO policies (id, name, account, version, created_at, updated_at) VALUES ($1, $2, $3, 1, $4, $4)`

// CreatePolicy stores a policy. Errors have the code Invalid, for a name or rule id that is wrong, or Conflict, for
// a name that is taken.
func (db *DB) CreatePolicy(ctx context.Context, p backstop.PolicyInput) (backstop.Policy, error) {
	at := db.Now()
	id, err := pool.NewIDAt(at)
	if err != nil {
		return backstop.Policy{}, err
	}
	return db.writePolicy(ctx, "create policy", id, p, func(tx *sqlx.Tx) error {
		return pool.Execute(ctx, tx, insertPolicy, id, p.Name, p.Account, at)
	})
}

const (
	replacePolicy = `UPDATE policies SET name = $3, account = $4, version = version + 1, updated_at = $5
WHERE id = $1 AND ($2 = 0 OR version = $2) RETURNING version`
	policyVersion  = `SELECT version FROM policies WHERE id = $1`
	dropMembership = `DELETE FROM policy_rules WHERE policy_id = $1`
)

// ReplacePolicy writes over a policy, if it has the version asked for. Errors have the code Invalid, NotFound, Stale
// or Conflict.
func (db *DB) ReplacePolicy(ctx context.Context, id string, p backstop.PolicyInput, version int) (backstop.Policy, error) {
	id, ok := pool.ParseID(id)
	if !ok {
		return backstop.Policy{}, pool.NotFound("policy")
	}
	return db.writePolicy(ctx, "replace policy", id, p, func(tx *sqlx.Tx) error {
		err := tx.GetContext(ctx, new(int), replacePolicy, id, version, p.Name, p.Account, db.Now())
		if errors.Is(err, sql.ErrNoRows) {
			return explainMissing(tx.GetContext(ctx, new(int), policyVersion, id), "policy")
		}
		if err != nil {
			return fmt.Errorf("update: %w", err)
		}
		return pool.Execute(ctx, tx, dropMembership, id)
	})
}

const deletePolicy = `DELETE FROM policies WHERE id = $1 AND ($2 = 0 OR version = $2) RETURNING version`

// DeletePolicy deletes a policy, if it has the version asked for. Sends that were accepted with it are not touched.
// Errors have the code NotFound or Stale.
func (db *DB) DeletePolicy(ctx context.Context, id string, version int) error {
	id, ok := pool.ParseID(id)
	if !ok {
		return pool.NotFound("policy")
	}
	err := db.pool.Change(ctx, new(int), deletePolicy, id, version)
	if errors.Is(err, sql.ErrNoRows) {
		err = explainMissing(db.pool.GetUnprepared(ctx, new(int), policyVersion, id), "policy")
	}
	return pool.Failed(ctx, "delete policy", err)
}

const insertMembership = `INSERT INTO policy_rules (policy_id, position, rule_id)
SELECT $1, position, rule_id FROM unnest($2::uuid[]) WITH ORDINALITY AS u (rule_id, position)`

// writePolicy writes the policy's row by write and then its rules. The schema does not require that a
// policy has rules, so writePolicy checks it.
func (db *DB) writePolicy(
	ctx context.Context, what, id string, p backstop.PolicyInput, write func(*sqlx.Tx) error,
) (backstop.Policy, error) {
	if err := p.Validate(); err != nil {
		return backstop.Policy{}, err
	}
	var policy backstop.Policy
	err := db.pool.InTx(ctx, what, func(tx *sqlx.Tx) error {
		if err := write(tx); err != nil {
			return err
		}
		rules, err := lockRules(ctx, tx, p.RuleIDs)
		if err != nil {
			return err
		}
		if err := pool.Execute(ctx, tx, insertMembership, id, rules); err != nil {
			return err
		}
		policy, err = findPolicy(id, func(rows *[]policyRow, id string) error {
			return tx.SelectContext(ctx, rows, getPolicy, id)
		})
		return err
	})
	return policy, err
}

const lockedRules = `SELECT id FROM rules WHERE id = ANY($1::uuid[]) ORDER BY id FOR KEY SHARE`

// lockRules keeps the rules from being deleted, and returns their ids in canonical form.
func lockRules(ctx context.Context, tx *sqlx.Tx, ids []string) (pq.StringArray, error) {
	var valid pq.StringArray
	for _, id := range ids {
		if id, ok := pool.ParseID(id); ok {
			valid = append(valid, id)
		}
	}
	var found []string
	if err := tx.SelectContext(ctx, &found, lockedRules, valid); err != nil {
		return nil, fmt.Errorf("lock rules: %w", err)
	}
	var wrong []backstop.Field
	var rules pq.StringArray
	for i, id := range ids {
		id, _ := pool.ParseID(id)
		switch {
		case !slices.Contains(found, id):
			wrong = append(wrong, backstop.NewField(fmt.Sprintf("rule_ids.%d", i), backstop.FieldNotFound, "names no rule"))
		case slices.Contains(rules, id):
			wrong = append(wrong, backstop.NewField(fmt.Sprintf("rule_ids.%d", i), backstop.FieldGivenTwice, "is given twice"))
		}
		rules = append(rules, id)
	}
	if len(wrong) > 0 {
		return nil, &backstop.Error{Code: backstop.Invalid, Message: "the policy is not valid", Fields: wrong}
	}
	return rules, nil
}
