// Package postgres stores rules, policies, sends, attempts, receipts and events. All SQL is in this package, in the packages
// below it and in package schema. Package ledgers changes sends, and backstop.Ledger decides what a receipt or an attempt
// means.
//
// A change reads a send, decides, and writes in one statement that writes nothing if the send has changed since. Then the
// change starts over. So the changes of one send follow each other, and no row stays locked between reading and writing. A
// method returns a *backstop.Error if the caller can do something about it, with code TryLater if Postgres is not available.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/keyring"
	"github.com/backstophq/backstop/internal/postgres/ledgers"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/seals"
	"github.com/backstophq/backstop/schema"
)

// DB is the store of one database. Its methods may be called concurrently. Its ledgers.Store changes sends.
type DB struct {
	*ledgers.Store

	pool     *pool.Pool
	seals    *seals.Seals
	optOuts  backstop.OptOutRules
	observer Observer
}

// Options are optional.
type Options struct {
	MaxConns int              // connections at most; 0: 20
	Log      *slog.Logger     // nil: nothing is logged
	Clock    func() time.Time // this machine's; nil: time.Now

	OptOuts backstop.OptOutRules // what the word STOP means

	Observer Observer // nil: none

	Keyring   *keyring.Keyring // opens the texts that are sealed; nil: none open
	SealTexts bool             // new texts are sealed, with the first key

	NumberKeys  *keyring.Keyring // open the numbers that are sealed; see CheckNumbers
	SealNumbers bool             // numbers are sealed, with the first of these keys
}

// Observer is notified of what this process has stored, after the commit. It is not notified if Postgres's answer was lost,
// except of a send. Its methods must not wait.
type Observer interface {
	SendAccepted(s backstop.Send)
	// SendRefused is called for a send that was not stored, because its recipient has opted out.
	SendRefused()
	// SendChanged gets the ledgers before and after a change. The latter has the events and receipts of the change.
	SendChanged(before, after *backstop.Ledger)
	CallbackPosted(state backstop.CallbackState)
}

// unobserved is an Observer that does nothing.
type unobserved struct{}

func (unobserved) SendAccepted(backstop.Send)            {}
func (unobserved) SendRefused()                          {}
func (unobserved) SendChanged(_, _ *backstop.Ledger)     {}
func (unobserved) CallbackPosted(backstop.CallbackState) {}

// Open connects to the database of a postgres:// URL, as pool.Open does. The caller closes the DB.
func Open(ctx context.Context, url string, o Options) (*DB, error) {
	numbers, err := seals.NewNumbers(o.NumberKeys, o.SealNumbers)
	if err != nil {
		return nil, fmt.Errorf("seal numbers: %w", err)
	}
	texts, err := seals.New(o.Keyring, o.SealTexts, numbers)
	if err != nil {
		return nil, fmt.Errorf("seal texts: %w", err)
	}
	p, err := pool.Open(ctx, url, pool.Options{MaxConns: o.MaxConns, Log: o.Log, Clock: o.Clock})
	if err != nil {
		return nil, err
	}
	if o.Observer == nil {
		o.Observer = unobserved{}
	}
	return &DB{
		Store: ledgers.New(p, texts, o.OptOuts, o.Observer.SendChanged), pool: p, seals: texts, optOuts: o.OptOuts,
		observer: o.Observer,
	}, nil
}

// Close closes the connections.
func (db *DB) Close() error { return db.pool.Close() }

// Ping checks that the database answers. If not, it returns an Error of code TryLater.
func (db *DB) Ping(ctx context.Context) error { return db.pool.Ping(ctx) }

// NewID makes a UUIDv7 of a time that Now returned.
func (*DB) NewID(at time.Time) (string, error) { return pool.NewIDAt(at) }

// Migrate brings the schema up to date and returns how many migrations it applied. It uses a connection of its own,
// without a statement_timeout: rewriting a large table takes its time.
func (db *DB) Migrate(ctx context.Context) (applied int, err error) {
	unbounded, err := db.pool.Unbounded()
	if err != nil {
		return 0, err
	}
	applied, err = schema.Migrate(ctx, unbounded)
	return applied, pool.Failed(ctx, "migrate database", errors.Join(err, unbounded.Close()))
}

// Pending returns how many migrations the database lacks. A program must not serve before there are none.
func (db *DB) Pending(ctx context.Context) (int, error) {
	pending, err := schema.Pending(ctx, db.pool.DB())
	return pending, pool.Failed(ctx, "read schema version", err)
}
