// Package pool is the connection to Postgres: a pool of connections, prepared statements, transactions that are tried
// again, and what an error of the database means to a caller. It knows no table but the names of constraints.
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

// Pool is a pool of connections to one database. Its methods may be called concurrently.
type Pool struct {
	db         *sqlx.DB
	config     pq.Config
	statements statements
	clock      clock
	stop       func() // stops following the clock
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

// Open connects to the database of a postgres:// URL and tries the connection once; an Error of code TryLater says
// that it may work later. Parameters of the URL that are not the driver's, such as statement_timeout, lock_timeout
// and search_path, are set on each connection. The caller closes the Pool.
func Open(ctx context.Context, url string, o Options) (*Pool, error) {
	if !strings.HasPrefix(url, "postgres://") && !strings.HasPrefix(url, "postgresql://") {
		return nil, errors.New("open database: the URL must begin with postgres://")
	}
	config, err := pq.NewConfig(url)
	if err != nil {
		return nil, errors.New("open database: the URL is not valid") // err may quote the password
	}
	o = o.withDefaults()
	db, err := connect(withDefaults(config), o.MaxConns)
	if err != nil {
		return nil, err
	}
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	p := &Pool{
		db: sqlx.NewDb(db, "postgres"), config: config, clock: clock{local: o.Clock, log: o.Log}, stop: stop,
	}
	err = p.Ping(ctx)
	if err == nil {
		err = Failed(ctx, "open database", p.readClock(ctx))
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
	if err := p.db.Close(); err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

const ping = `SELECT 1`

// Ping asks the database for an answer; an Error of code TryLater when there is none.
func (p *Pool) Ping(ctx context.Context) error {
	_, err := p.db.ExecContext(ctx, ping)
	return Failed(ctx, "ping database", err)
}

// DB returns the connections themselves, for a library that asks for them.
func (p *Pool) DB() *sql.DB { return p.db.DB }

// Unbounded returns a connection of its own, without a statement_timeout. The caller closes it.
func (p *Pool) Unbounded() (*sql.DB, error) {
	config := withDefaults(p.config)
	config.Runtime["statement_timeout"] = "0"
	return connect(config, 1)
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
	connector, err := newConnector(config)
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
