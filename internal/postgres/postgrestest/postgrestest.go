// Package postgrestest gives each test a database of its own: a schema in the database that BACKSTOP_DATABASE_URL
// names, dropped when the test ends. A schema takes a third of the time of a database cloned from a template, mostly
// because dropping a database waits for a checkpoint.
package postgrestest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/backstophq/backstop/internal/postgres"
)

// maxConns leaves connections to the other tests that run at the same time.
const maxConns = 8

// New returns a store on a new schema that has every migration. It is closed when the test ends.
func New(tb testing.TB) *postgres.DB {
	tb.Helper()
	db := Open(tb, URL(tb))
	if _, err := db.Migrate(tb.Context()); err != nil {
		tb.Fatalf("migrate: %v", err)
	}
	return db
}

// Open returns a store on a URL that URL returned. It is closed when the test ends.
func Open(tb testing.TB, url string) *postgres.DB {
	tb.Helper()
	db, err := postgres.Open(tb.Context(), url, postgres.Options{MaxConns: maxConns})
	if err != nil {
		tb.Fatalf("open database: %v", err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Errorf("close database: %v", err)
		}
	})
	return db
}

// URL returns the URL of a new, empty schema.
func URL(tb testing.TB) string {
	tb.Helper()
	base := os.Getenv("BACKSTOP_DATABASE_URL")
	if base == "" {
		tb.Fatal("run make test, or set BACKSTOP_DATABASE_URL")
	}
	parsed, err := url.Parse(base)
	if err != nil || !strings.HasPrefix(parsed.Scheme, "postgres") {
		tb.Fatal("BACKSTOP_DATABASE_URL must be a postgres:// URL")
	}
	name := "test_" + strings.ToLower(rand.Text())
	execute(tb, base, `CREATE SCHEMA `+name)
	tb.Cleanup(func() { execute(tb, base, `DROP SCHEMA `+name+` CASCADE`) })
	query := parsed.Query()
	query.Set("search_path", name)
	query.Set("synchronous_commit", "off") // tests lose nothing by it, and save a disk write per commit
	parsed.RawQuery = query.Encode()
	return parsed.String()
}

func execute(tb testing.TB, base, statement string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), time.Minute)
	defer cancel()
	db, err := sql.Open("postgres", base)
	if err != nil {
		tb.Fatalf("open database: %v", err)
	}
	_, err = db.ExecContext(ctx, statement)
	if err := errors.Join(err, db.Close()); err != nil {
		tb.Fatalf("%s: %v", statement, err)
	}
}

// SQL is a connection past the store, for what no store would do.
type SQL struct {
	tb testing.TB
	db *sql.DB
}

// Past returns a connection to a URL that URL returned. It is closed when the test ends.
func Past(tb testing.TB, url string) *SQL {
	tb.Helper()
	db, err := sql.Open("postgres", url)
	if err != nil {
		tb.Fatalf("open database: %v", err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Errorf("close database: %v", err)
		}
	})
	return &SQL{tb: tb, db: db}
}

// Exec runs a statement.
func (s *SQL) Exec(statement string, args ...any) {
	s.tb.Helper()
	if _, err := s.db.ExecContext(s.tb.Context(), statement, args...); err != nil {
		s.tb.Fatalf("%s: %v", statement, err)
	}
}

// Row reads the only row of a query; its columns go to dest.
func (s *SQL) Row(query string, args []any, dest ...any) {
	s.tb.Helper()
	if err := s.db.QueryRowContext(s.tb.Context(), query, args...).Scan(dest...); err != nil {
		s.tb.Fatalf("%s: %v", query, err)
	}
}
