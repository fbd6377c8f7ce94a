// Package postgrestest gives each test a schema of its own, in the database that BACKSTOP_DATABASE_URL names, and a role with
// this schema as its search_path. Both are dropped when the test ends. A schema takes a third of the time of a database cloned
// from a template, mostly because DROP DATABASE waits for a checkpoint.
//
// If BACKSTOP_TEST_POOLER has the host and port of a PgBouncer, the tests go through it: see make test-pgbouncer. If
// BACKSTOP_TEST_SEAL has texts, or texts,numbers, the stores seal those: see make test-sealed.
package postgrestest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/cutproxy"
	"github.com/backstophq/backstop/internal/keyring"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

// maxConns leaves connections to the other tests that run at the same time.
const maxConns = 8

const (
	poolerVariable = "BACKSTOP_TEST_POOLER"
	sealVariable   = "BACKSTOP_TEST_SEAL"
)

// New returns a store on a new schema that has every migration. It is closed when the test ends.
func New(tb testing.TB) *postgres.DB {
	tb.Helper()
	db := Open(tb, URL(tb))
	if err := Migrate(tb.Context(), db); err != nil {
		tb.Fatalf("migrate: %v", err)
	}
	return db
}

// Migrate brings the schema of a store up to date. If the store seals numbers, the schema does so from then on.
func Migrate(ctx context.Context, db *postgres.DB) error {
	if _, err := db.Migrate(ctx); err != nil {
		return err
	}
	return db.ConvertNumbers(ctx, func(postgres.Converted) {})
}

// Open returns a store on a URL that URL returned. It is closed when the test ends.
func Open(tb testing.TB, url string) *postgres.DB {
	tb.Helper()
	return OpenWith(tb, url, postgres.Options{})
}

// OpenWith is Open with options. A store without a keyring seals what BACKSTOP_TEST_SEAL says.
func OpenWith(tb testing.TB, url string, o postgres.Options) *postgres.DB {
	tb.Helper()
	o.MaxConns = maxConns
	if o.Keyring == nil {
		o.Keyring, o.SealTexts = Keyring(tb, "k1"), os.Getenv(sealVariable) != ""
		o.NumberKeys, o.SealNumbers = Keyring(tb, "n1"), SealsNumbers()
	}
	db, err := postgres.Open(tb.Context(), url, o)
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

// SealsNumbers reports whether the stores seal numbers.
func SealsNumbers() bool { return strings.Contains(os.Getenv(sealVariable), "numbers") }

// Stored returns a text as a store of New or Open stores it.
func Stored(tb testing.TB, kind seals.Kind, text string) string {
	tb.Helper()
	numbers, err := seals.NewNumbers(Keyring(tb, "n1"), SealsNumbers())
	if err != nil {
		tb.Fatalf("make tokens: %v", err)
	}
	return numbers.Hide(kind, text)
}

// OpenPlain is Open for a test that writes or reads numbers by statements of its own: the store has no tokens.
func OpenPlain(tb testing.TB, url string) *postgres.DB {
	tb.Helper()
	return OpenWith(tb, url, postgres.Options{Keyring: Keyring(tb, "k1"), SealTexts: os.Getenv(sealVariable) != ""})
}

// Keyring returns a keyring with a key for each id. The first one seals. Keys of the same id are the same.
func Keyring(tb testing.TB, ids ...string) *keyring.Keyring {
	tb.Helper()
	entries := make([]string, len(ids))
	for i, id := range ids {
		secret := sha256.Sum256([]byte(id))
		entries[i] = id + ":" + base64.StdEncoding.EncodeToString(secret[:])
	}
	ring, err := keyring.Parse(strings.Join(entries, ","))
	if err != nil {
		tb.Fatalf("make keyring: %v", err)
	}
	return ring
}

// URL returns the URL of a new, empty schema.
func URL(tb testing.TB) string {
	tb.Helper()
	base := superuserURL(tb)
	name := "test_" + strings.ToLower(rand.Text())
	executeAll(tb, `CREATE ROLE `+name+` LOGIN PASSWORD `+pq.QuoteLiteral(passwordOf(base)),
		`ALTER ROLE `+name+` SET search_path = `+name,
		`ALTER ROLE `+name+` SET synchronous_commit = off`, // saves a disk write per commit; tests need no durability
		`CREATE SCHEMA `+name+` AUTHORIZATION `+name)
	tb.Cleanup(func() { executeAll(tb, `DROP SCHEMA `+name+` CASCADE`, `DROP ROLE `+name) })
	base.User = url.UserPassword(name, passwordOf(base))
	if BehindPooler() {
		base.Host = os.Getenv(poolerVariable)
		// One message per query, as in the store: each of two messages may reach another server connection.
		query := base.Query()
		query.Set("binary_parameters", "yes")
		base.RawQuery = query.Encode()
	}
	return base.String()
}

// BehindPooler reports whether the URLs lead to a PgBouncer.
func BehindPooler() bool { return os.Getenv(poolerVariable) != "" }

// Direct returns the URL of the same schema without the PgBouncer, for a test of one session.
func Direct(tb testing.TB, of string) string {
	tb.Helper()
	direct := parseURL(tb, of)
	direct.Host = superuserURL(tb).Host
	return direct.String()
}

// Set sets a run-time parameter for all connections that are opened with a URL from now on; an empty value resets it.
func Set(tb testing.TB, of, parameter, value string) {
	tb.Helper()
	statement := `ALTER ROLE ` + userOf(tb, of) + ` RESET ` + parameter
	if value != "" {
		statement = `ALTER ROLE ` + userOf(tb, of) + ` SET ` + parameter + ` = ` + pq.QuoteLiteral(value)
	}
	executeAll(tb, statement)
}

// With returns a URL of the same schema with a run-time parameter set.
func With(tb testing.TB, of, parameter, value string) string {
	tb.Helper()
	owner, name := userOf(tb, of), "test_"+strings.ToLower(rand.Text())
	parsed := parseURL(tb, of)
	executeAll(tb, `CREATE ROLE `+name+` LOGIN PASSWORD `+pq.QuoteLiteral(passwordOf(parsed)), `GRANT `+owner+` TO `+name,
		`ALTER ROLE `+name+` SET search_path = `+owner)
	tb.Cleanup(func() { executeAll(tb, `DROP ROLE `+name) })
	parsed.User = url.UserPassword(name, passwordOf(parsed))
	Set(tb, parsed.String(), parameter, value)
	return parsed.String()
}

// AgeCalls moves the start of all calls back, in the schema of a URL that URL returned. Cached ledgers do not change.
func AgeCalls(tb testing.TB, of string, by time.Duration) {
	tb.Helper()
	executeAll(tb, fmt.Sprintf(`UPDATE %s.attempts SET started_at = started_at - interval '%d microseconds'`,
		userOf(tb, of), by.Microseconds()))
}

func superuserURL(tb testing.TB) *url.URL {
	tb.Helper()
	base := os.Getenv("BACKSTOP_DATABASE_URL")
	if base == "" {
		tb.Fatal("run make test, or set BACKSTOP_DATABASE_URL")
	}
	return parseURL(tb, base)
}

func parseURL(tb testing.TB, s string) *url.URL {
	tb.Helper()
	parsed, err := url.Parse(s)
	if err != nil || !strings.HasPrefix(parsed.Scheme, "postgres") {
		tb.Fatal("BACKSTOP_DATABASE_URL must be a postgres:// URL")
	}
	return parsed
}

func userOf(tb testing.TB, s string) string {
	tb.Helper()
	return parseURL(tb, s).User.Username()
}

func passwordOf(u *url.URL) string {
	password, _ := u.User.Password()
	return password
}

func executeAll(tb testing.TB, statements ...string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), time.Minute)
	defer cancel()
	db, err := sql.Open("postgres", superuserURL(tb).String())
	if err != nil {
		tb.Fatalf("open database: %v", err)
	}
	_, err = db.ExecContext(ctx, strings.Join(statements, "; "))
	if err := errors.Join(err, db.Close()); err != nil {
		tb.Fatalf("%s: %v", statements, err)
	}
}

// Proxy starts a proxy for the database of a URL that URL returned. It also returns the URL of the same schema through the
// proxy. The proxy is closed when the test ends.
func Proxy(tb testing.TB, of string) (through string, proxy *cutproxy.Proxy) {
	tb.Helper()
	parsed := parseURL(tb, of)
	proxy, err := cutproxy.Start(tb.Context(), parsed.Host, cutproxy.Postgres)
	if err != nil {
		tb.Fatalf("start proxy: %v", err)
	}
	tb.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			tb.Errorf("close proxy: %v", err)
		}
	})
	parsed.Host = proxy.Addr()
	return parsed.String(), proxy
}

// Kinds returns the kind, channel and status of each event.
func Kinds(events []backstop.Event) []string {
	list := make([]string, len(events))
	for i, e := range events {
		words := []string{string(e.Kind), string(e.Channel), string(e.Status)}
		list[i] = strings.Join(slices.DeleteFunc(words, func(word string) bool { return word == "" }), " ")
	}
	return list
}

// Raw returns connections to a URL that URL returned, for statements that the store has no method for. They are closed when the
// test ends.
func Raw(tb testing.TB, url string) *sql.DB {
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
	return db
}

// SQL runs statements that the store has no method for.
type SQL struct {
	tb testing.TB
	db *sql.DB
}

// Past returns an SQL for a URL that URL returned. It is closed when the test ends.
func Past(tb testing.TB, url string) *SQL {
	tb.Helper()
	return &SQL{tb: tb, db: Raw(tb, url)}
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
