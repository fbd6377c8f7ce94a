package postgres

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/accounts"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// accountRow is an account as it is stored.
type accountRow struct {
	Name           string                 `db:"name"`
	Provider       string                 `db:"provider"`
	Channel        backstop.Channel       `db:"channel"`
	Settings       string                 `db:"settings"` // JSON; text, because the driver sends bytes as bytea
	Sealed         []byte                 `db:"sealed"`
	OnUnknown      backstop.OnUnknown     `db:"on_unknown"`
	WhenUnhealthy  backstop.WhenUnhealthy `db:"when_unhealthy"`
	CallTimeout    int                    `db:"call_timeout_seconds"`
	CallsPerSecond float64                `db:"calls_per_second"`
	CallsAtOnce    int                    `db:"calls_at_once"`
	Countries      pq.StringArray         `db:"countries"`
	Disabled       bool                   `db:"disabled"`
	Version        int                    `db:"version"`
	CreatedAt      time.Time              `db:"created_at"`
	UpdatedAt      time.Time              `db:"updated_at"`
}

var accountColumns = pool.ColumnsOf[accountRow]()

func accountRowOf(r accounts.Record) (accountRow, error) {
	settings, err := json.Marshal(r.Settings)
	if err != nil {
		return accountRow{}, fmt.Errorf("write settings: %w", err)
	}
	return accountRow{
		Name: r.Name, Provider: r.Provider, Channel: r.Channel, Settings: string(settings), Sealed: r.Sealed,
		OnUnknown: r.OnUnknown, WhenUnhealthy: r.WhenUnhealthy, CallTimeout: int(r.CallTimeout / time.Second),
		CallsPerSecond: r.CallsPerSecond, CallsAtOnce: r.CallsAtOnce, Countries: append(pq.StringArray{}, r.Countries...),
		Disabled: r.IsDisabled, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}, nil
}

func (r accountRow) record() (accounts.Record, error) {
	record := accounts.Record{Sealed: r.Sealed, Account: backstop.Account{
		Name: r.Name, Provider: r.Provider, Channel: r.Channel, OnUnknown: r.OnUnknown, WhenUnhealthy: r.WhenUnhealthy,
		CallTimeout: time.Duration(r.CallTimeout) * time.Second, CallsPerSecond: r.CallsPerSecond, CallsAtOnce: r.CallsAtOnce,
		IsDisabled: r.Disabled, Version: r.Version, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}}
	if len(r.Countries) > 0 {
		record.Countries = r.Countries
	}
	if err := json.Unmarshal([]byte(r.Settings), &record.Settings); err != nil {
		return accounts.Record{}, fmt.Errorf("read settings of account %s: %w", r.Name, err)
	}
	return record, nil
}

// insertAccount inserts no row if there are too many accounts. The first version is the mark of all changes. Each change adds one
// to the mark, and at most one to a version, so the version is greater than all versions of a deleted account of the same name.
// An old ETag of that one is Stale.
var insertAccount = `INSERT INTO accounts (` + accountColumns.Without("version").Names() + `, version)
SELECT ` + accountColumns.Without("version").Params() + `, (SELECT mark FROM account_changes)::integer
WHERE (SELECT count(*) FROM accounts) < ` + strconv.Itoa(backstop.MaxAccounts) + `
RETURNING ` + accountColumns.Names()

// CreateAccount stores an account, of which it sets Version and the times. A name that is taken is an Error of code Conflict. If
// the answer of Postgres is lost, it retries; the sealed secrets of two accounts are never equal, so it recognises its own row.
func (db *DB) CreateAccount(ctx context.Context, record accounts.Record) (accounts.Record, error) {
	at := db.Now()
	record.CreatedAt, record.UpdatedAt = at, at
	row, err := accountRowOf(record)
	if err != nil {
		return accounts.Record{}, err
	}
	var stored accountRow
	err = pool.UntilKnown(ctx, "insert account", func(isRepeated bool) error {
		stored = accountRow{}
		err := db.pool.Change(ctx, &stored, insertAccount, accountColumns.Without("version").Values(row)...)
		switch {
		case isRepeated && pool.IsTaken(err, "accounts_pkey"):
			if db.isAccountStored(ctx, row, &stored) {
				return nil
			}
			return err
		case errors.Is(err, sql.ErrNoRows):
			return conflict(fmt.Sprintf("there are %d accounts, which is the most", backstop.MaxAccounts))
		}
		return err
	})
	if err != nil {
		return accounts.Record{}, err
	}
	return stored.record()
}

// isAccountStored reads the account of a row and reports whether it has the row's secrets.
func (db *DB) isAccountStored(ctx context.Context, row accountRow, stored *accountRow) bool {
	err := db.pool.GetUnprepared(ctx, stored, getAccount, row.Name)
	return err == nil && bytes.Equal(stored.Sealed, row.Sealed)
}

var getAccount = `SELECT ` + accountColumns.Names() + ` FROM accounts WHERE name = $1`

// Account returns an account, or an Error of code NotFound.
func (db *DB) Account(ctx context.Context, name string) (accounts.Record, error) {
	var row accountRow
	if err := db.pool.GetUnprepared(ctx, &row, getAccount, pool.Clean(name)); err != nil {
		return accounts.Record{}, pool.Failed(ctx, "get account", pool.OrNotFound(err, "account"))
	}
	return row.record()
}

var listAccounts = `SELECT ` + accountColumns.Names() + ` FROM accounts ORDER BY created_at, name`

// ListAccounts returns all accounts, the oldest first.
func (db *DB) ListAccounts(ctx context.Context) ([]accounts.Record, error) {
	var rows []accountRow
	if err := db.pool.SelectUnprepared(ctx, &rows, listAccounts); err != nil {
		return nil, pool.Failed(ctx, "list accounts", err)
	}
	records := make([]accounts.Record, len(rows))
	for i, row := range rows {
		var err error
		if records[i], err = row.record(); err != nil {
			return nil, err
		}
	}
	return records, nil
}

var replaceAccount = `UPDATE accounts
SET settings = $3, sealed = $4, on_unknown = $5, when_unhealthy = $6, call_timeout_seconds = $7, calls_per_second = $8,
    calls_at_once = $9, countries = $10, disabled = $11, updated_at = $12, version = version + 1
WHERE name = $1 AND ($2 = 0 OR version = $2)
RETURNING ` + accountColumns.Names()

// nameChanged names the secrets that a change of an account changes to the trigger of the audit.
const nameChanged = `SELECT set_config('backstop.secrets', $1, true)`

// ReplaceAccount writes a valid account over the one with its name, if that has the version asked for. Errors have the code
// NotFound or Stale. If the answer of Postgres is lost, it retries.
func (db *DB) ReplaceAccount(ctx context.Context, record accounts.Record, version int) (accounts.Record, error) {
	row, err := accountRowOf(record)
	if err != nil {
		return accounts.Record{}, err
	}
	secrets, err := json.Marshal(append([]string{}, record.ChangedSecrets...))
	if err != nil {
		return accounts.Record{}, fmt.Errorf("write names of secrets: %w", err)
	}
	var stored accountRow
	err = pool.UntilKnown(ctx, "replace account", func(isRepeated bool) error {
		stored = accountRow{}
		if isRepeated && db.isAccountStored(ctx, row, &stored) {
			return nil
		}
		err := db.pool.InTx(ctx, "replace account", func(tx *sqlx.Tx) error {
			if err := pool.Execute(ctx, tx, nameChanged, string(secrets)); err != nil {
				return err
			}
			return tx.GetContext(ctx, &stored, replaceAccount,
				row.Name, version, row.Settings, row.Sealed, row.OnUnknown, row.WhenUnhealthy, row.CallTimeout,
				row.CallsPerSecond, row.CallsAtOnce, row.Countries, row.Disabled, db.Now())
		})
		if errors.Is(err, sql.ErrNoRows) {
			return explainMissing(db.pool.GetUnprepared(ctx, new(int), accountVersion, row.Name), "account")
		}
		return err
	})
	if err != nil {
		return accounts.Record{}, err
	}
	return stored.record()
}

const resealAccount = `UPDATE accounts SET sealed = $3 WHERE name = $1 AND version = $2 RETURNING version`

// ResealAccount replaces the sealed secrets of an account. The version stays, because the account is the same. Errors have the
// code NotFound or Stale.
func (db *DB) ResealAccount(ctx context.Context, name string, version int, sealed []byte) error {
	err := db.pool.Change(ctx, new(int), resealAccount, name, version, sealed)
	if errors.Is(err, sql.ErrNoRows) {
		err = explainMissing(db.pool.GetUnprepared(ctx, new(int), accountVersion, name), "account")
	}
	return pool.Failed(ctx, "reseal account", err)
}

const (
	accountVersion = `SELECT version FROM accounts WHERE name = $1`
	lockAccount    = `SELECT version, disabled FROM accounts WHERE name = $1 FOR UPDATE`
	rulesOfAccount = `SELECT name FROM rules WHERE routes @> jsonb_build_array(jsonb_build_object('account', $1::text))
ORDER BY lower(name) LIMIT 11`
	policiesOfAccount = `SELECT name FROM policies WHERE account = $1 ORDER BY lower(name) LIMIT 11`
	// A send that waits may have no attempt yet: its plan alone has the account. An attempt without an account went to the one of
	// the environment, which has its provider's name.
	sendsOfAccount = `SELECT EXISTS (
    SELECT FROM sends WHERE outcome = 'pending' AND (
        plan @> jsonb_build_object('account', $1::text)
        OR plan -> 'rules' @> jsonb_build_array(jsonb_build_object('routes',
        jsonb_build_array(jsonb_build_object('account', $1::text))))
        OR EXISTS (SELECT FROM attempts AS a WHERE a.send = sends.id
        AND $1 IN (a.account, CASE a.account WHEN '' THEN a.provider END))
    )
)`
	deleteAccount = `DELETE FROM accounts WHERE name = $1`
)

// DeleteAccount deletes an account that is disabled and not in use, if it has the version asked for. Errors have the code
// NotFound, Stale or Conflict; the last says what is in the way. If the answer of Postgres is lost, it retries.
func (db *DB) DeleteAccount(ctx context.Context, name string, version int) error {
	return pool.UntilKnown(ctx, "delete account", func(isRepeated bool) error {
		err := db.pool.InTx(ctx, "delete account", func(tx *sqlx.Tx) error { return deleteUnused(ctx, tx, name, version) })
		if isRepeated && backstop.CodeOf(err) == backstop.NotFound {
			return nil // it was deleted before the answer was lost
		}
		return err
	})
}

func deleteUnused(ctx context.Context, tx *sqlx.Tx, name string, version int) error {
	var current struct {
		Version  int  `db:"version"`
		Disabled bool `db:"disabled"`
	}
	if err := tx.GetContext(ctx, &current, lockAccount, name); err != nil {
		return pool.OrNotFound(err, "account")
	}
	if version != backstop.AnyVersion && version != current.Version {
		return staleError("account")
	}
	if !current.Disabled {
		return conflict("the account is not disabled: disable it first")
	}
	if err := refuseUsed(ctx, tx, name); err != nil {
		return err
	}
	if err := pool.Execute(ctx, tx, deleteAccount, name); err != nil {
		return err
	}
	return deleteSynced(ctx, tx, name)
}

// refuseUsed returns an Error of code Conflict if a rule or a policy names the account, or a send that has not ended has an
// attempt by it or may get one.
func refuseUsed(ctx context.Context, tx *sqlx.Tx, name string) error {
	for _, use := range []struct{ query, one, several string }{
		{rulesOfAccount, "a route of the rule", "a route of the rules"},
		{policiesOfAccount, "that of the policy", "that of the policies"},
	} {
		var users []string
		if err := tx.SelectContext(ctx, &users, use.query, name); err != nil {
			return fmt.Errorf("find users: %w", err)
		}
		if len(users) > 0 {
			return conflict("the account is " + nameAll(use.one, use.several, users))
		}
	}
	var isInUse bool
	if err := tx.GetContext(ctx, &isInUse, sendsOfAccount, name); err != nil {
		return fmt.Errorf("find sends: %w", err)
	}
	if isInUse {
		return conflict("the account has, or may get, a message of a send that has not ended: delete it when the send has ended")
	}
	return nil
}

func conflict(message string) error {
	return &backstop.Error{Code: backstop.Conflict, Message: message}
}

const accountsMark = `SELECT mark FROM account_changes`

// AccountsMark returns a number that grows with each change of any account.
func (db *DB) AccountsMark(ctx context.Context) (int64, error) {
	var mark int64
	err := db.pool.Get(ctx, &mark, accountsMark)
	return mark, pool.Failed(ctx, "read mark of accounts", err)
}
