// Package pool connects to Postgres: it has a pool of connections, prepared statements, transactions with retries, and the
// translation of database errors for callers. It refers to no table, only to the names of constraints.
package pool

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// Defaults, of which the URL may override connectTimeout and the limits below. Each query takes less than a second. The bounds
// keep a slow database from holding requests, and a lost client from holding locks.
const (
	connectTimeout  = 5 * time.Second
	connLifetime    = time.Hour // so that a fail-over or a new address is noticed
	connIdle        = 5 * time.Minute
	defaultMaxConns = 20
)

// timeoutLimits are run-time parameters of Postgres.
func timeoutLimits() map[string]string {
	return map[string]string{
		"statement_timeout":                   "10s",
		"lock_timeout":                        "5s",
		"idle_in_transaction_session_timeout": "60s",
	}
}

// Pool is a pool of connections to one database. Its methods may be called concurrently.
type Pool struct {
	db         *sqlx.DB
	config     pq.Config // with the defaults
	statements statements
	clock      clock
	stop       func() // stops followClock
	log        *slog.Logger

	isBehindPooler   bool
	statementTimeout time.Duration // bounds a single statement; 0: no bound
}

// Options are optional.
type Options struct {
	MaxConns int              // connections at most; 0: 20
	Log      *slog.Logger     // nil: nothing is logged
	Clock    func() time.Time // this machine's; nil: time.Now
}

func (o Options) withDefaults() Options {
	if o.MaxConns <= 0 {
		o.MaxConns = defaultMaxConns
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return o
}

// Close closes all connections.
func (p *Pool) Close() error {
	p.stop()
	if p.db == nil {
		return nil
	}
	if err := p.db.Close(); err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

const ping = `SELECT 1`

// Ping checks that the database answers. If not, it returns an Error of code TryLater.
func (p *Pool) Ping(ctx context.Context) error {
	_, err := p.db.ExecContext(ctx, ping)
	return Failed(ctx, "ping database", err)
}

// DB returns the pool as a *sql.DB, for a library that needs one.
func (p *Pool) DB() *sql.DB { return p.db.DB }

func withDefaults(config pq.Config) pq.Config {
	config = config.Clone()
	runtime := timeoutLimits()
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

func (p *Pool) connect(config pq.Config, maxConns int, settings string) error {
	db, err := openPool(config, maxConns, settings)
	if err != nil {
		return err
	}
	p.db = sqlx.NewDb(db, "postgres")
	return nil
}

// openPool opens a pool whose transactions begin with settings, if there are any.
func openPool(config pq.Config, maxConns int, settings string) (*sql.DB, error) {
	connector, err := newConnector(config, settings)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(maxConns)
	db.SetMaxIdleConns(maxConns)
	db.SetConnMaxIdleTime(connIdle)
	db.SetConnMaxLifetime(connLifetime)
	return db, nil
}
