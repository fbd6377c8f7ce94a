package postgres

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/templates"
)

const (
	// soon is when an account is read again after a notice that was stored: the provider's list may lag behind its notices.
	soon = time.Minute

	dueSyncs = `SELECT a.account FROM unnest($1::text[], $2::int[]) AS a (account, version)
LEFT JOIN account_syncs AS s ON s.account = a.account
WHERE s.account IS NULL OR s.due_at <= $3 OR s.version < a.version
ORDER BY s.due_at NULLS FIRST`

	claimSync = `INSERT INTO account_syncs (account, version, due_at, token, is_outdated, failures, fault)
VALUES ($1, $2, $4, $5, false, 0, '')
ON CONFLICT (account) DO UPDATE SET version = $2, due_at = $4, token = $5, is_outdated = false
WHERE account_syncs.due_at <= $3 OR account_syncs.version < $2
RETURNING failures`

	lockSync = `SELECT account, fault, profile, profile_read_at, templates_read_at FROM account_syncs
WHERE account = $1 AND token = $2 FOR UPDATE`

	endSync = `UPDATE account_syncs
SET due_at = CASE WHEN is_outdated THEN $2 ELSE $3::timestamptz END, token = '', is_outdated = false,
    failures = CASE WHEN $4 = '' THEN 0 ELSE failures + 1 END, fault = $4,
    profile = coalesce($5, profile), profile_read_at = CASE WHEN $5 IS NULL THEN profile_read_at ELSE $2 END,
    templates_read_at = CASE WHEN $6 THEN $2 WHEN $7 THEN NULL ELSE templates_read_at END
WHERE account = $1`

	makeSyncDue = `UPDATE account_syncs SET is_outdated = token <> '',
    due_at = CASE token WHEN '' THEN least(due_at, $2) ELSE due_at END
WHERE account = $1`

	deleteAllTemplates = `DELETE FROM message_templates WHERE account = $1`

	deleteSync = `DELETE FROM account_syncs WHERE account = $1`
)

// DueSyncs returns the accounts that are due, of those given with their versions: those that were never read come first.
func (db *DB) DueSyncs(ctx context.Context, versions map[string]int) ([]string, error) {
	var names pq.StringArray
	var numbers pq.Int64Array
	for name, version := range versions {
		names, numbers = append(names, name), append(numbers, int64(version))
	}
	var due []string
	err := db.pool.SelectAll(ctx, &due, dueSyncs, names, numbers, pool.Stamp(db.Now()))
	return due, pool.Failed(ctx, "find due syncs", err)
}

// ClaimSync claims an account that is due, until the end of the lease. It returns false if another process has claimed it. After
// a lost answer the claim may be lost too; the account is then claimed again at the end of the lease.
func (db *DB) ClaimSync(ctx context.Context, account string, version int, lease time.Duration) (templates.Claim, bool, error) {
	claim := templates.Claim{Account: account, Token: rand.Text()}
	now := db.Now()
	err := db.pool.GetUnprepared(ctx, &claim.Failures, claimSync,
		account, version, pool.Stamp(now), pool.Stamp(now.Add(lease)), claim.Token)
	if errors.Is(err, sql.ErrNoRows) {
		return templates.Claim{}, false, nil
	}
	return claim, err == nil, pool.Failed(ctx, "claim sync", err)
}

var lockTemplates = `SELECT ` + templateColumns.Names() + ` FROM message_templates
WHERE account = $1 ORDER BY name, language FOR UPDATE`

// SaveSync stores what was read of an account, and ends the claim. It returns what was stored before, or false if another process
// has claimed the account since, or it was deleted.
func (db *DB) SaveSync(
	ctx context.Context, claim templates.Claim, r templates.Reading,
) (before templates.Stored, saved bool, err error) {
	err = db.pool.InTx(ctx, "store sync", func(tx *sqlx.Tx) error {
		before, saved = templates.Stored{}, false
		var row profileRow
		err := tx.GetContext(ctx, &row, lockSync, claim.Account, claim.Token)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return nil
		case err != nil:
			return fmt.Errorf("lock sync: %w", err)
		}
		if before, err = readStored(ctx, tx, row); err != nil {
			return err
		}
		saved = true
		return db.saveReading(ctx, tx, claim.Account, before, r)
	})
	if err != nil {
		return templates.Stored{}, false, err
	}
	return before, saved, nil
}

// readStored reads and locks what is stored of an account.
func readStored(ctx context.Context, tx *sqlx.Tx, row profileRow) (templates.Stored, error) {
	stored := templates.Stored{IsSynced: row.TemplatesReadAt != nil}
	var err error
	if stored.Profile, err = numberOf(row.Profile); err != nil {
		return templates.Stored{}, err
	}
	var rows []templateRow
	if err := tx.SelectContext(ctx, &rows, lockTemplates, row.Account); err != nil {
		return templates.Stored{}, fmt.Errorf("lock templates: %w", err)
	}
	stored.Templates, err = templatesOf(rows)
	return stored, err
}

func (db *DB) saveReading(
	ctx context.Context, tx *sqlx.Tx, account string, before templates.Stored, r templates.Reading,
) error {
	now := db.Now()
	switch {
	case r.HasTemplates:
		if err := replaceTemplates(ctx, tx, account, before.Templates, r.Templates, now); err != nil {
			return err
		}
	case r.DropTemplates:
		if err := pool.Execute(ctx, tx, deleteAllTemplates, account); err != nil {
			return err
		}
	}
	var profile sql.NullString
	if r.Profile != nil {
		text, err := json.Marshal(r.Profile)
		if err != nil {
			return fmt.Errorf("write profile: %w", err)
		}
		profile = sql.NullString{String: string(text), Valid: true}
	}
	return pool.Execute(ctx, tx, endSync, account, pool.Stamp(now), pool.Stamp(now.Add(r.Next)), pool.Clean(r.Fault), profile,
		r.HasTemplates, r.DropTemplates)
}

const deleteTemplates = `DELETE FROM message_templates AS t USING unnest($2::text[], $3::text[]) AS u (name, language)
WHERE t.account = $1 AND t.name = u.name AND t.language = u.language`

var insertTemplates = `INSERT INTO message_templates (` + templateColumns.Names() + `)
SELECT ` + templateColumns.Without("parameters").Without("components").NamesIn("u") + `, u.parameters::jsonb, u.components::json
FROM ` + templateColumns.Recordset("$1")

// replaceTemplates makes the templates those of the account. It writes only what has changed.
func replaceTemplates(
	ctx context.Context, tx *sqlx.Tx, account string, before, after []backstop.MessageTemplate, now time.Time,
) error {
	changed, gone := compareTemplates(account, before, after, now)
	rows := make([]templateRow, len(changed))
	var names, languages pq.StringArray
	for i, t := range changed {
		var err error
		if rows[i], err = templateRowOf(t); err != nil {
			return err
		}
	}
	for _, t := range slices.Concat(gone, changed) {
		names, languages = append(names, t.Name), append(languages, t.Language)
	}
	if len(names) == 0 {
		return nil
	}
	if err := pool.Execute(ctx, tx, deleteTemplates, account, names, languages); err != nil {
		return err
	}
	written, err := pool.JSONRows(rows)
	if err != nil {
		return err
	}
	return pool.Execute(ctx, tx, insertTemplates, written)
}

// compareTemplates returns the templates that are new or have changed, and those that are gone. If a template is listed twice,
// because the list changed while it was read, the first counts.
func compareTemplates(
	account string, before, after []backstop.MessageTemplate, now time.Time,
) (changed, gone []backstop.MessageTemplate) {
	type key struct{ name, language string }
	stored, seen := map[key]backstop.MessageTemplate{}, map[key]bool{}
	for _, t := range before {
		stored[key{t.Name, t.Language}] = t
	}
	for _, t := range after {
		k := key{t.Name, t.Language}
		if seen[k] {
			continue
		}
		seen[k] = true
		was, known := stored[k]
		t.Account, t.UpdatedAt = account, was.UpdatedAt
		if !known || !reflect.DeepEqual(t, was) {
			t.UpdatedAt = now
			changed = append(changed, t)
		}
	}
	for k, t := range stored {
		if !seen[k] {
			gone = append(gone, t)
		}
	}
	return changed, gone
}

var (
	lockTemplate = `SELECT ` + templateColumns.Names() + ` FROM message_templates
WHERE account = $1 AND name = $2 AND language = $3 FOR UPDATE`

	updateTemplate = `UPDATE message_templates SET ` + templateColumns.Assign() + `
WHERE account = $1 AND name = $2 AND language = $3`
)

// ApplyNotice stores a change that a provider reported, and makes the account due: at once, unless the change itself says all. It
// returns the template before the change, or nil if the notice is about no stored template. Repeated, it changes nothing more.
func (db *DB) ApplyNotice(ctx context.Context, account string, n backstop.Notice) (before *backstop.MessageTemplate, err error) {
	err = db.pool.InTx(ctx, "store notice", func(tx *sqlx.Tx) error {
		now := db.Now()
		var err error
		if before, err = applyToTemplate(ctx, tx, account, n, now); err != nil {
			return err
		}
		due := now
		if before != nil && (n.Kind != backstop.TemplateStatusNotice || n.IsKnownStatus()) {
			due = now.Add(soon)
		}
		return pool.Execute(ctx, tx, makeSyncDue, account, pool.Stamp(due))
	})
	if err != nil {
		return nil, err
	}
	return before, nil
}

// applyToTemplate stores a notice about a template. It returns the template before it, or nil if it is not stored.
func applyToTemplate(
	ctx context.Context, tx *sqlx.Tx, account string, n backstop.Notice, now time.Time,
) (*backstop.MessageTemplate, error) {
	if n.Template == "" {
		return nil, nil //nolint:nilnil // the notice is about no template
	}
	var row templateRow
	err := tx.GetContext(ctx, &row, lockTemplate, account, n.Template, n.Language)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil //nolint:nilnil // the template is new: it is read
	case err != nil:
		return nil, fmt.Errorf("lock template: %w", err)
	}
	before, err := row.template()
	if err != nil {
		return nil, err
	}
	after := n.ApplyTo(before)
	if reflect.DeepEqual(before, after) {
		return &before, nil
	}
	after.UpdatedAt = now
	if row, err = templateRowOf(after); err != nil {
		return nil, err
	}
	return &before, pool.Execute(ctx, tx, updateTemplate, templateColumns.Values(row)...)
}

// deleteSynced deletes what was read of an account.
func deleteSynced(ctx context.Context, tx *sqlx.Tx, account string) error {
	if err := pool.Execute(ctx, tx, deleteAllTemplates, account); err != nil {
		return err
	}
	if err := pool.Execute(ctx, tx, deleteCount, account); err != nil {
		return err
	}
	return pool.Execute(ctx, tx, deleteSync, account)
}
