package postgres

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/keys"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

var apiKeyColumns = pool.ColumnsOf[apiKeyRow]()

type apiKeyRow struct {
	ID           string           `db:"id"`
	Name         string           `db:"name"`
	Kind         backstop.KeyKind `db:"kind"`
	Scopes       pq.StringArray   `db:"scopes"`
	Policies     pq.StringArray   `db:"policies"`
	Accounts     pq.StringArray   `db:"accounts"`
	RateLimit    int              `db:"rate_limit"`
	Callback     *string          `db:"callback"` // JSON
	ExpiresAt    *time.Time       `db:"expires_at"`
	Prefix       string           `db:"prefix"`
	Digest       []byte           `db:"digest"`
	FormerPrefix string           `db:"former_prefix"`
	FormerDigest []byte           `db:"former_digest"`
	FormerUntil  *time.Time       `db:"former_until"`
	LastUsedAt   *time.Time       `db:"last_used_at"`
	Version      int              `db:"version"`
	CreatedAt    time.Time        `db:"created_at"`
	UpdatedAt    time.Time        `db:"updated_at"`
}

func (r apiKeyRow) stored() (keys.Stored, error) {
	k := keys.Stored{
		APIKey: backstop.APIKey{
			APIKeyInput: backstop.APIKeyInput{
				Name: r.Name, Policies: r.Policies, Accounts: r.Accounts, RateLimit: r.RateLimit,
				ExpiresAt: pool.StampPtr(r.ExpiresAt),
			},
			ID: r.ID, Kind: r.Kind, Prefix: r.Prefix, Former: r.FormerPrefix, FormerUntil: pool.StampPtr(r.FormerUntil),
			LastUsedAt: pool.StampPtr(r.LastUsedAt), Version: r.Version,
			CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
		},
		Digest: [sha256.Size]byte(r.Digest),
	}
	for _, scope := range r.Scopes {
		k.Scopes = append(k.Scopes, backstop.Scope(scope))
	}
	if r.FormerDigest != nil {
		k.FormerDigest = new([sha256.Size]byte(r.FormerDigest))
	}
	if r.Callback != nil {
		if err := json.Unmarshal([]byte(*r.Callback), &k.Callback); err != nil {
			return keys.Stored{}, fmt.Errorf("read callback of an API key: %w", err)
		}
	}
	return k, nil
}

// setByAdmin has the columns that an administrator sets.
type setByAdmin struct {
	name                       string
	scopes, policies, accounts pq.StringArray
	callback                   *string
}

func setByAdminOf(in backstop.APIKeyInput) (setByAdmin, error) {
	callback, err := pool.JSONOrNull(in.Callback)
	if err != nil {
		return setByAdmin{}, fmt.Errorf("write callback of an API key: %w", err)
	}
	set := setByAdmin{
		name: in.Name, scopes: pq.StringArray{}, policies: append(pq.StringArray{}, in.Policies...),
		accounts: append(pq.StringArray{}, in.Accounts...), callback: callback,
	}
	for _, scope := range in.Scopes {
		set.scopes = append(set.scopes, string(scope))
	}
	return set, nil
}

var (
	// insertKey stores nothing if there are too many keys, or if it has stored the key before.
	insertKey = `INSERT INTO api_keys (` + apiKeyColumns.Names() + `) SELECT ` + apiKeyColumns.Params() + `
WHERE (SELECT count(*) FROM api_keys) < ` + pool.Param(len(apiKeyColumns)+1) + `
ON CONFLICT (id) DO NOTHING RETURNING id`

	listKeys = `SELECT ` + apiKeyColumns.Names() + ` FROM api_keys ORDER BY id DESC`

	getKey = `SELECT ` + apiKeyColumns.Names() + ` FROM api_keys WHERE id = $1`

	replaceKey = `UPDATE api_keys SET name = $3, scopes = $4, policies = $5, accounts = $6, rate_limit = $7, callback = $8,
    expires_at = $9, updated_at = $10, version = version + 1
WHERE id = $1 AND ($2 = 0 OR version = $2) RETURNING ` + apiKeyColumns.Names()

	// rotateKey keeps the present secret as the former one. Repeated, it changes nothing.
	rotateKey = `UPDATE api_keys SET former_prefix = prefix, former_digest = digest, former_until = $4,
    prefix = $2, digest = $3, updated_at = $5, version = version + 1
WHERE id = $1 AND digest <> $3 RETURNING ` + apiKeyColumns.Names()
)

const (
	deleteKey = `DELETE FROM api_keys WHERE id = $1 RETURNING id`

	// touchKeys writes a time only if the stored one is older than a while.
	touchKeys = `UPDATE api_keys AS k SET last_used_at = u.at
FROM unnest($1::uuid[], $2::timestamptz[]) AS u (id, at)
WHERE k.id = u.id AND (k.last_used_at IS NULL OR k.last_used_at <= u.at - make_interval(secs => $3))`
)

// CreateAPIKey stores a valid key. If the name is taken or there are too many keys, the Error has the code Conflict. If the
// answer of Postgres is lost, it retries.
func (db *DB) CreateAPIKey(
	ctx context.Context, in backstop.APIKeyInput, kind backstop.KeyKind, secret backstop.KeySecret,
) (backstop.APIKey, error) {
	at := pool.Stamp(db.Now())
	id, err := pool.NewIDAt(at)
	if err != nil {
		return backstop.APIKey{}, err
	}
	set, err := setByAdminOf(in)
	if err != nil {
		return backstop.APIKey{}, err
	}
	digest := secret.Digest()
	row := apiKeyRow{
		ID: id, Name: set.name, Kind: kind, Scopes: set.scopes, Policies: set.policies, Accounts: set.accounts,
		RateLimit: in.RateLimit, Callback: set.callback, ExpiresAt: pool.StampPtr(in.ExpiresAt), Prefix: secret.Prefix(),
		Digest: digest[:], Version: 1, CreatedAt: at, UpdatedAt: at,
	}
	err = pool.UntilKnown(ctx, "insert API key", func(isRepeated bool) error {
		err := db.pool.Change(ctx, new(string), insertKey, append(apiKeyColumns.Values(row), backstop.MaxKeys)...)
		if errors.Is(err, sql.ErrNoRows) && isRepeated {
			err = db.pool.GetUnprepared(ctx, &apiKeyRow{}, getKey, id)
		}
		if errors.Is(err, sql.ErrNoRows) {
			return &backstop.Error{
				Code: backstop.Conflict, Message: fmt.Sprintf("there may be at most %d API keys: revoke one", backstop.MaxKeys),
			}
		}
		return err
	})
	if err != nil {
		return backstop.APIKey{}, err
	}
	stored, err := row.stored()
	return stored.APIKey, err
}

// APIKeys returns all keys, the newest first.
func (db *DB) APIKeys(ctx context.Context) ([]keys.Stored, error) {
	var rows []apiKeyRow
	if err := db.pool.SelectAll(ctx, &rows, listKeys); err != nil {
		return nil, pool.Failed(ctx, "list API keys", err)
	}
	all := make([]keys.Stored, len(rows))
	for i, row := range rows {
		stored, err := row.stored()
		if err != nil {
			return nil, err
		}
		all[i] = stored
	}
	return all, nil
}

// APIKey returns a key, or an Error of code NotFound.
func (db *DB) APIKey(ctx context.Context, id string) (backstop.APIKey, error) {
	row, err := db.readAPIKey(ctx, id)
	if err != nil {
		return backstop.APIKey{}, pool.Failed(ctx, "get API key", err)
	}
	stored, err := row.stored()
	return stored.APIKey, err
}

func (db *DB) readAPIKey(ctx context.Context, id string) (row apiKeyRow, err error) {
	id, ok := pool.ParseID(id)
	if !ok {
		return row, pool.NotFound("API key")
	}
	err = db.pool.GetUnprepared(ctx, &row, getKey, id)
	return row, pool.OrNotFound(err, "API key")
}

// ReplaceAPIKey writes what an administrator sets over that of a version. Errors have the code NotFound, Stale or Conflict.
func (db *DB) ReplaceAPIKey(
	ctx context.Context, id string, in backstop.APIKeyInput, version int,
) (backstop.APIKey, error) {
	id, ok := pool.ParseID(id)
	if !ok {
		return backstop.APIKey{}, pool.NotFound("API key")
	}
	set, err := setByAdminOf(in)
	if err != nil {
		return backstop.APIKey{}, err
	}
	var row apiKeyRow
	err = db.pool.Change(ctx, &row, replaceKey, id, version, set.name, set.scopes, set.policies, set.accounts,
		in.RateLimit, set.callback, pool.StampPtr(in.ExpiresAt), pool.Stamp(db.Now()))
	if errors.Is(err, sql.ErrNoRows) {
		_, err = db.readAPIKey(ctx, id)
		err = explainMissing(err, "API key")
	}
	if err != nil {
		return backstop.APIKey{}, pool.Failed(ctx, "replace API key", err)
	}
	stored, err := row.stored()
	return stored.APIKey, err
}

// RotateAPIKey gives a key a new secret. The present secret stays valid until a time; an earlier one ends. If the answer of
// Postgres is lost, it retries.
func (db *DB) RotateAPIKey(
	ctx context.Context, id string, secret backstop.KeySecret, formerUntil time.Time,
) (backstop.APIKey, error) {
	id, ok := pool.ParseID(id)
	if !ok {
		return backstop.APIKey{}, pool.NotFound("API key")
	}
	digest := secret.Digest()
	var row apiKeyRow
	err := pool.UntilKnown(ctx, "rotate API key", func(bool) error {
		row = apiKeyRow{}
		err := db.pool.Change(ctx, &row, rotateKey, id, secret.Prefix(), digest[:], pool.Stamp(formerUntil),
			pool.Stamp(db.Now()))
		if errors.Is(err, sql.ErrNoRows) { // there is no such key, or the former try has rotated it
			row, err = db.readAPIKey(ctx, id)
		}
		return err
	})
	if err != nil {
		return backstop.APIKey{}, err
	}
	stored, err := row.stored()
	return stored.APIKey, err
}

// DeleteAPIKey deletes a key, and with it its sessions of the console. A key that does not exist is an Error of code NotFound.
func (db *DB) DeleteAPIKey(ctx context.Context, id string) error {
	id, ok := pool.ParseID(id)
	if !ok {
		return pool.NotFound("API key")
	}
	return pool.UntilKnown(ctx, "delete API key", func(isRepeated bool) error {
		err := db.pool.Change(ctx, new(string), deleteKey, id)
		if errors.Is(err, sql.ErrNoRows) && isRepeated {
			return nil
		}
		return pool.OrNotFound(err, "API key")
	})
}

// TouchAPIKeys stores when keys were used, unless a time that was stored before is less than a while older.
func (db *DB) TouchAPIKeys(ctx context.Context, used map[string]time.Time, while time.Duration) error {
	ids, times := pq.StringArray{}, pq.StringArray{}
	for id, at := range used {
		ids, times = append(ids, id), append(times, pool.Stamp(at).Format(time.RFC3339Nano))
	}
	_, err := db.pool.Exec(ctx, touchKeys, ids, times, while.Seconds())
	return pool.Failed(ctx, "touch API keys", err)
}
