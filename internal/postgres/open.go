// Package postgres keeps the facts: rules, policies, sends, attempts, receipts and events. All SQL is here and in
// package schema, and what a receipt or an attempt means is decided by package backstop.
//
// Whoever changes a send reads it, decides, and writes in one statement that writes nothing if the send has changed since;
// then it starts over. So everything about one send happens one after the other, and nobody waits for a lock. Every method
// returns a *backstop.Error where the caller can do something about it; TryLater when Postgres is away.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/backstophq/backstop/schema"
)

// What applies unless the URL says otherwise. No query of ours takes a second; these bounds keep a sick database
// from holding requests, and a lost client from holding locks.
const (
	connectTimeout  = 5 * time.Second
	connLifetime    = time.Hour // so that a fail-over or a new address is noticed
	connIdle        = 5 * time.Minute
	defaultMaxConns = 20
)

// limits are run-time parameters of Postgres.
func limits() map[string]string {
	return map[string]string{
		"statement_timeout":                   "10s",
		"lock_timeout":                        "5s",
		"idle_in_transaction_session_timeout": "60s",

		// Every query has its index. A plan that was made, and kept, while a table was small must not read all of it when
		// it has grown.
		"enable_seqscan": "off",
	}
}

// DB is a pool of connections to one database. Its methods may be called concurrently.
type DB struct {
	db         *sqlx.DB
	config     pq.Config
	statements statements
	line       line
	recent     recent
	turns      turns
}

// Options are optional.
type Options struct {
	MaxConns int // connections at most; 0: 20
}

// Open connects to the database of a postgres:// URL and tries the connection once; an Error of code TryLater says
// that it may work later. Parameters of the URL that are not the driver's, such as statement_timeout, lock_timeout
// and search_path, are set on each connection. The caller closes the DB.
func Open(ctx context.Context, url string, o Options) (*DB, error) {
	if !strings.HasPrefix(url, "postgres://") && !strings.HasPrefix(url, "postgresql://") {
		return nil, errors.New("open database: the URL must begin with postgres://")
	}
	config, err := pq.NewConfig(url)
	if err != nil {
		return nil, errors.New("open database: the URL is not valid") // err may quote the password
	}
	if o.MaxConns <= 0 {
		o.MaxConns = defaultMaxConns
	}
	pool, err := connect(withDefaults(config), o.MaxConns)
	if err != nil {
		return nil, err
	}
	db := &DB{db: sqlx.NewDb(pool, "postgres"), config: config, recent: newRecent()}
	if err := db.Ping(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// Close closes the pool.
func (db *DB) Close() error {
	if err := db.db.Close(); err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

const ping = `SELECT 1`

// Ping asks the database for an answer; an Error of code TryLater when there is none.
func (db *DB) Ping(ctx context.Context) error {
	_, err := db.db.ExecContext(ctx, ping)
	return failed(ctx, "ping database", err)
}

// Migrate brings the schema up to date and returns how many migrations it applied. It uses a connection of its own,
// without a statement_timeout: rewriting a large table takes its time.
func (db *DB) Migrate(ctx context.Context) (applied int, err error) {
	config := withDefaults(db.config)
	config.Runtime["statement_timeout"] = "0"
	pool, err := connect(config, 1)
	if err != nil {
		return 0, err
	}
	applied, err = schema.Migrate(ctx, pool)
	return applied, failed(ctx, "migrate database", errors.Join(err, pool.Close()))
}

// Pending returns how many migrations the database lacks. A program must not serve before there are none.
func (db *DB) Pending(ctx context.Context) (int, error) {
	pending, err := schema.Pending(ctx, db.db.DB)
	return pending, failed(ctx, "read schema version", err)
}

func withDefaults(config pq.Config) pq.Config {
	config = config.Clone()
	runtime := limits()
	maps.Copy(runtime, config.Runtime)
	config.Runtime = runtime
	config.TZ = "UTC"
	config.BinaryParameters = true // one round trip per query instead of two
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	if config.ApplicationName == "" {
		config.ApplicationName = "backstop"
	}
	return config
}

func connect(config pq.Config, maxConns int) (*sql.DB, error) {
	connector, err := pq.NewConnectorConfig(config)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(maxConns)
	pool.SetMaxIdleConns(maxConns)
	pool.SetConnMaxIdleTime(connIdle)
	pool.SetConnMaxLifetime(connLifetime)
	return pool, nil
}

// now is the time as Postgres keeps it.
func now() time.Time { return stamp(time.Now()) }

// stamp brings a time into the form that Postgres keeps, so that what is returned equals what is read later.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func stampPtr(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	s := stamp(*t)
	return &s
}

// newID makes a UUIDv7: the order of ids is the order of time.
func newID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("make id: %w", err)
	}
	return id.String(), nil
}

// parseID returns the canonical form of an id; false when it cannot be one of ours.
func parseID(id string) (string, bool) {
	const length = 36 // the other forms that uuid.Parse reads are not ours
	parsed, err := uuid.Parse(id)
	if err != nil || len(id) != length {
		return "", false
	}
	return parsed.String(), true
}

// clean makes a provider's text storable: Postgres keeps neither NUL nor broken UTF-8, and a receipt must not be
// lost over one.
func clean(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
}
