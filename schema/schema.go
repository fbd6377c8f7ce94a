// Package schema holds the numbered migrations of the database and applies them.
//
// A migration that has been released is never edited; what it did wrong, the next one puts right. There is no way
// down: a backup is.
package schema

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"slices"

	"github.com/lib/pq"
	"github.com/pressly/goose/v3"
)

//go:embed *.sql
var files embed.FS

// lockID differs between schemas of one database, because they may be migrated side by side.
const lockID = `SELECT hashtextextended('backstop migrate ' || COALESCE(current_schema(), ''), 0)`

// Migrate applies the migrations that the database does not have yet and returns how many those were. It holds an
// advisory lock meanwhile: a second Migrate of the same schema waits for the first, for at most ten minutes. It uses two
// connections of db at the same time, which must not have a short statement_timeout.
func Migrate(ctx context.Context, db *sql.DB) (applied int, err error) {
	var id int64
	if err := db.QueryRowContext(ctx, lockID).Scan(&id); err != nil {
		return 0, fmt.Errorf("find the migration lock: %w", err)
	}
	provider, err := newProvider(db)
	if err != nil {
		return 0, err
	}
	unlock, err := lock(ctx, db, id)
	if err != nil {
		return 0, fmt.Errorf("wait for another migration: %w", err)
	}
	defer unlock()
	done, err := provider.Up(ctx)
	if err != nil {
		return len(done), fmt.Errorf("migrate: %w", err)
	}
	return len(done), nil
}

// Pending returns how many migrations the database does not have yet. It only reads, and never waits for a Migrate.
func Pending(ctx context.Context, db *sql.DB) (int, error) {
	provider, err := newProvider(db)
	if err != nil {
		return 0, err
	}
	applied, err := versions(ctx, db)
	if err != nil {
		return 0, fmt.Errorf("read the schema's version: %w", err)
	}
	pending := 0
	for _, source := range provider.ListSources() {
		if !slices.Contains(applied, source.Version) {
			pending++
		}
	}
	return pending, nil
}

const (
	findVersions = `SELECT to_regclass('goose_db_version') IS NOT NULL`
	listVersions = `SELECT COALESCE(array_agg(version_id), '{}') FROM goose_db_version WHERE is_applied`
)

// versions does not ask goose, which would create its table first.
func versions(ctx context.Context, db *sql.DB) ([]int64, error) {
	var found bool
	if err := db.QueryRowContext(ctx, findVersions).Scan(&found); err != nil {
		return nil, fmt.Errorf("find table: %w", err)
	}
	if !found {
		return nil, nil
	}
	var applied pq.Int64Array
	if err := db.QueryRowContext(ctx, listVersions).Scan(&applied); err != nil {
		return nil, fmt.Errorf("list versions: %w", err)
	}
	return applied, nil
}

func newProvider(db *sql.DB, options ...goose.ProviderOption) (*goose.Provider, error) {
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files,
		append(options, goose.WithDisableGlobalRegistry(true))...)
	if err != nil {
		return nil, fmt.Errorf("read the migrations: %w", err)
	}
	return provider, nil
}
