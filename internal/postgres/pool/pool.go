// Package pool connects to Postgres: it has a pool of connections, prepared statements, transactions with retries, and the
// translation of database errors for callers. It refers to no table, only to the names of constraints.
package pool

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
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

// limits are run-time parameters of Postgres.
func limits() map[string]string {
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

// Open connects to the database of a postgres:// URL and tries the connection once. It returns an Error of code TryLater if a
// retry may succeed. Parameters of the URL that are not the driver's, such as statement_timeout, lock_timeout and search_path,
// are set on each connection. A pooler such as PgBouncer refuses them. Behind a pooler the timeouts still apply, and any other
// parameter is an error unless it is set for the role. The caller closes the Pool.
func Open(ctx context.Context, url string, o Options) (*Pool, error) {
	if !strings.HasPrefix(url, "postgres://") && !strings.HasPrefix(url, "postgresql://") {
		return nil, errors.New("open database: the URL must begin with postgres://")
	}
	config, err := pq.NewConfig(url)
	if err != nil {
		return nil, errors.New("open database: the URL is not valid") // err may quote the password
	}
	o = o.withDefaults()
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	p := &Pool{config: withDefaults(config), clock: clock{local: o.Clock, log: o.Log}, stop: stop, log: o.Log}
	err = p.connectAny(ctx, o.MaxConns)
	if err == nil {
		err = openFailed(ctx, p.readClock(ctx))
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	go p.followClock(following)
	return p, nil
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

// Unbounded returns a separate pool without a statement_timeout. The caller closes it.
func (p *Pool) Unbounded() (*sql.DB, error) {
	const conns = 2 // one for the work and one that holds a lock
	unbounded := map[string]string{"statement_timeout": "0"}
	config := p.config.Clone()
	if p.isBehindPooler {
		clear(config.Runtime)
		return connect(config, conns, p.localSettings(unbounded))
	}
	maps.Copy(config.Runtime, unbounded)
	return connect(config, conns, "")
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

func (p *Pool) connect(config pq.Config, maxConns int, settings string) error {
	db, err := connect(config, maxConns, settings)
	if err != nil {
		return err
	}
	p.db = sqlx.NewDb(db, "postgres")
	return nil
}

// connect opens a pool whose transactions begin with settings, if there are any.
func connect(config pq.Config, maxConns int, settings string) (*sql.DB, error) {
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
