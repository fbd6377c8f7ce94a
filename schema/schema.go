// Package schema holds the numbered migrations of the database and applies them.
//
// A released migration is never edited. The next migration corrects its mistakes. Migrations cannot be reverted: to go back,
// restore a backup.
package schema

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/lib/pq"
	"github.com/pressly/goose/v3"
)

// lockNotAvailable is the SQLSTATE of a statement that did not get a lock within lock_timeout.
const lockNotAvailable = "55P03"

//go:embed *.sql
var files embed.FS

// lockID differs between the schemas of one database, because they may be migrated at the same time.
const lockID = `SELECT hashtextextended('backstop migrate ' || COALESCE(current_schema(), ''), 0)`

// Migrate applies the pending migrations and returns their number. It holds an advisory lock meanwhile: a second Migrate of the
// same schema waits for the first, for at most 10 minutes. It uses two connections of db at the same time, which must not have a
// short statement_timeout.
func Migrate(ctx context.Context, db *sql.DB) (applied int, err error) {
	var id int64
	if err := db.QueryRowContext(ctx, lockID).Scan(&id); err != nil {
		return 0, fmt.Errorf("find the migration lock: %w", err)
	}
	unlock, err := acquireLock(ctx, db, id)
	if err != nil {
		return 0, fmt.Errorf("wait for another migration: %w", err)
	}
	defer unlock()
	provider, err := providerFor(ctx, db)
	if err != nil {
		return 0, err
	}
	applied, err = apply(ctx, provider)
	if err != nil {
		return applied, fmt.Errorf("migrate: %w", err)
	}
	return applied, nil
}

// apply applies the pending migrations and returns their number. A migration that does not get the lock of a table within its
// lock_timeout is rolled back and tried again a second later, for 10 minutes at most. The statements of running programs queue
// behind a waiting lock, so none of them waits for longer than the lock_timeout.
func apply(ctx context.Context, provider *goose.Provider) (applied int, err error) {
	waiting, stop := context.WithTimeout(ctx, lockTimeout)
	defer stop()
	for {
		done, err := provider.Up(ctx)
		applied += len(done)
		if err == nil {
			return applied, nil
		}
		if failed, ok := errors.AsType[*goose.PartialError](err); ok {
			applied += len(failed.Applied)
		}
		fault, isSQL := errors.AsType[*pq.Error](err)
		if !isSQL || fault.Code != lockNotAvailable || waitForRetry(waiting) != nil {
			return applied, fmt.Errorf("apply: %w", err)
		}
	}
}

// Pending returns the number of migrations that are not applied. It only reads, and never waits for a Migrate.
func Pending(ctx context.Context, db *sql.DB) (int, error) {
	provider, err := newProvider(db, files)
	if err != nil {
		return 0, err
	}
	applied, err := appliedVersions(ctx, db)
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

// Unknown returns the versions that are applied and that this program does not have: those of a newer one.
func Unknown(ctx context.Context, db *sql.DB) ([]int64, error) {
	provider, err := newProvider(db, files)
	if err != nil {
		return nil, err
	}
	applied, err := appliedVersions(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("read the schema's version: %w", err)
	}
	known := []int64{0} // goose's own
	for _, source := range provider.ListSources() {
		known = append(known, source.Version)
	}
	return slices.DeleteFunc(applied, func(version int64) bool { return slices.Contains(known, version) }), nil
}

const (
	findVersions = `SELECT to_regclass('goose_db_version') IS NOT NULL`
	listVersions = `SELECT COALESCE(array_agg(version_id), '{}') FROM goose_db_version WHERE is_applied`
)

// appliedVersions reads goose's table itself, because goose would create the table first.
func appliedVersions(ctx context.Context, db *sql.DB) ([]int64, error) {
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

// providerFor returns the migrations for a database. A new one has no rows and no running programs, so its indexes are not built
// CONCURRENTLY: that would wait for the transactions of every other schema of the database.
func providerFor(ctx context.Context, db *sql.DB) (*goose.Provider, error) {
	applied, err := appliedVersions(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("read the schema's version: %w", err)
	}
	if len(applied) > 0 {
		return newProvider(db, files)
	}
	return newProvider(db, atOnce{files})
}

func newProvider(db *sql.DB, from fs.FS) (*goose.Provider, error) {
	provider, err := goose.NewProvider(goose.DialectPostgres, db, from, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, fmt.Errorf("read the migrations: %w", err)
	}
	return provider, nil
}

// atOnce is the migrations without CONCURRENTLY.
type atOnce struct{ embed.FS }

// Open opens a migration.
func (a atOnce) Open(name string) (fs.File, error) {
	file, err := a.FS.Open(name)
	if err != nil || !strings.HasSuffix(name, ".sql") {
		return file, err //nolint:wrapcheck // as the embedded files do
	}
	text, err := a.ReadFile(name)
	text = bytes.ReplaceAll(text, []byte("INDEX CONCURRENTLY"), []byte("INDEX"))
	return migration{file, bytes.NewReader(text)}, err //nolint:wrapcheck // as above
}

// migration is a file with another text.
type migration struct {
	fs.File

	text io.Reader
}

func (m migration) Read(b []byte) (int, error) { return m.text.Read(b) } //nolint:wrapcheck // io.EOF must stay
