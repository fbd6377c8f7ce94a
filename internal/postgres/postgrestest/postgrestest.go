// Package postgrestest gives each test a database of its own: a schema in the database that BACKSTOP_DATABASE_URL
// names, dropped when the test ends. A schema takes a third of the time of a database cloned from a template, mostly
// because dropping a database waits for a checkpoint.
package postgrestest

import (
	"context"
	"crypto/rand"
	"database/sql"
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
func New(t testing.TB) *postgres.DB {
	t.Helper()
	db := Open(t, URL(t))
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatalf("migrate: %v", err)
	}
	return db
}

// Open returns a store on a URL that URL returned. It is closed when the test ends.
func Open(t testing.TB, url string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), url, postgres.Options{MaxConns: maxConns})
	if err != nil {
		t.Fatalf("open database: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close database: %v", err)
		}
	})
	return db
}

// URL returns the URL of a new, empty schema.
func URL(t testing.TB) string {
	t.Helper()
	base := os.Getenv("BACKSTOP_DATABASE_URL") //nolint:forbidigo // a test finds its database there
	if base == "" {
		t.Fatal("run make test, or set BACKSTOP_DATABASE_URL")
	}
	parsed, err := url.Parse(base)
	if err != nil || !strings.HasPrefix(parsed.Scheme, "postgres") {
		t.Fatal("BACKSTOP_DATABASE_URL must be a postgres:// URL")
	}
	name := "test_" + strings.ToLower(rand.Text())
	execute(t, base, `CREATE SCHEMA `+name)
	t.Cleanup(func() { execute(t, base, `DROP SCHEMA `+name+` CASCADE`) })
	query := parsed.Query()
	query.Set("search_path", name)
	query.Set("synchronous_commit", "off") // tests lose nothing by it, and save a disk write per commit
	parsed.RawQuery = query.Encode()
	return parsed.String()
}

func execute(t testing.TB, base, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	db, err := sql.Open("postgres", base)
	if err != nil {
		t.Fatalf("open database: %v", err)
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
