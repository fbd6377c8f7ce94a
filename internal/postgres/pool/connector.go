package pool

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

// connector makes the connections of a pool. They differ from the driver's own connections in three ways.
//
// A statement is sent once. If a connection ends, the driver returns driver.ErrBadConn, and database/sql repeats the statement
// on another connection, although Postgres may have committed it. Here database/sql repeats it only if nothing was sent.
// Otherwise the caller gets a lostError and decides whether to retry.
//
// A call ends soon after its context is done, even if the network hangs.
//
// If the server turns out to be read-only, all connections made so far are closed.
type connector struct {
	pq       *pq.Connector
	settings string       // statements at the start of each transaction, or ""
	epoch    atomic.Int64 // grows when the server turns out to be read-only
}

func newConnector(config pq.Config, settings string) (*connector, error) {
	inner, err := pq.NewConnectorConfig(config)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	inner.Dialer(dialer{})
	return &connector{pq: inner, settings: settings}, nil
}

// Connect implements driver.Connector.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	epoch, line := c.epoch.Load(), new(wire)
	made, err := c.pq.Connect(context.WithValue(ctx, wireKey{}, line))
	if err != nil {
		return nil, &connectError{err}
	}
	inner, ok := made.(pqConn)
	if !ok {
		return nil, errors.Join(errors.New("connect: the driver's connection lacks a method"), made.Close())
	}
	return &conn{pqConn: inner, connector: c, epoch: epoch, wire: line}, nil
}

// Driver implements driver.Connector.
func (c *connector) Driver() driver.Driver { return c.pq.Driver() }

// pqConn lists the interfaces of the driver's connection.
type pqConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

type conn struct {
	pqConn

	connector *connector
	epoch     int64
	wire      *wire
}

// ResetSession implements driver.SessionResetter: database/sql calls it before it uses a connection again. ResetSession finds
// out if the server has closed the connection, before anything is sent on it.
func (c *conn) ResetSession(ctx context.Context) error {
	if !c.IsValid() || c.wire.isStale() {
		return driver.ErrBadConn
	}
	return c.pqConn.ResetSession(ctx) //nolint:wrapcheck // database/sql compares it
}

// IsValid implements driver.Validator: database/sql calls it before it returns a connection to the pool.
func (c *conn) IsValid() bool { return c.epoch == c.connector.epoch.Load() && c.pqConn.IsValid() }

// BeginTx implements driver.ConnBeginTx. A lost BEGIN changes nothing, so database/sql may repeat it.
func (c *conn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	defer c.wire.watch(ctx)()
	inner, err := c.pqConn.BeginTx(ctx, o)
	// A standby refuses BEGIN READ WRITE, which the driver sends, with the code of an unsupported feature.
	if refused := pq.As(err, pqerror.FeatureNotSupported); refused != nil {
		refused.Code = pqerror.ReadOnlySQLTransaction
	}
	if err == nil && c.connector.settings != "" {
		if _, err = c.pqConn.ExecContext(ctx, c.connector.settings, nil); err != nil {
			_ = inner.Rollback()
		}
	}
	c.checkReadOnly(err)
	if err != nil {
		return nil, err //nolint:wrapcheck // database/sql compares it
	}
	return &tx{Tx: inner, conn: c}, nil
}

// PrepareContext implements driver.ConnPrepareContext. A lost PREPARE changes nothing, so database/sql may repeat it.
func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	defer c.wire.watch(ctx)()
	inner, err := c.pqConn.PrepareContext(ctx, query)
	if err != nil {
		c.checkReadOnly(err)
		return nil, err //nolint:wrapcheck // database/sql compares it
	}
	made, ok := inner.(pqStmt)
	if !ok {
		return nil, errors.Join(errors.New("prepare: the driver's statement lacks a method"), inner.Close())
	}
	return &stmt{pqStmt: made, conn: c}, nil
}

// ExecContext implements driver.ExecerContext.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	defer c.wire.watch(ctx)()
	return runOnce(c, func() (driver.Result, error) { return c.pqConn.ExecContext(ctx, query, args) })
}

// QueryContext implements driver.QueryerContext.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.query(ctx, func() (driver.Rows, error) { return c.pqConn.QueryContext(ctx, query, args) })
}

type pqStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type stmt struct {
	pqStmt

	conn *conn
}

// ExecContext implements driver.StmtExecContext.
func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	defer s.conn.wire.watch(ctx)()
	return runOnce(s.conn, func() (driver.Result, error) { return s.pqStmt.ExecContext(ctx, args) })
}

// QueryContext implements driver.StmtQueryContext.
func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.conn.query(ctx, func() (driver.Rows, error) { return s.pqStmt.QueryContext(ctx, args) })
}

// query watches the context until the rows of a query are closed.
func (c *conn) query(ctx context.Context, run func() (driver.Rows, error)) (driver.Rows, error) {
	stop := c.wire.watch(ctx)
	inner, err := runOnce(c, run)
	if err != nil {
		stop()
		return nil, err
	}
	return &rows{Rows: inner, stop: stop}, nil
}

type rows struct {
	driver.Rows

	stop func()
}

// Close implements driver.Rows.
func (r *rows) Close() error {
	defer r.stop()
	return r.Rows.Close() //nolint:wrapcheck // database/sql compares it
}

// endTimeout bounds COMMIT and ROLLBACK, which have no context.
const endTimeout = 10 * time.Second

type tx struct {
	driver.Tx

	conn *conn
}

// Commit implements driver.Tx.
func (t *tx) Commit() error {
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	defer t.conn.wire.watch(ctx)()
	return t.Tx.Commit() //nolint:wrapcheck // database/sql compares it
}

// Rollback implements driver.Tx.
func (t *tx) Rollback() error {
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	defer t.conn.wire.watch(ctx)()
	return t.Tx.Rollback() //nolint:wrapcheck // database/sql compares it
}

// runOnce runs a statement. Its error is driver.ErrBadConn only if nothing was sent.
func runOnce[T any](c *conn, run func() (T, error)) (T, error) {
	before := c.wire.sent.Load()
	result, err := run()
	c.checkReadOnly(err)
	if errors.Is(err, driver.ErrBadConn) && c.wire.sent.Load() != before {
		err = &lostError{}
	}
	return result, err
}

// checkReadOnly invalidates all connections made so far if the server reports that it is read-only. Each is closed at its next
// use.
func (c *conn) checkReadOnly(err error) {
	if pq.As(err, pqerror.ReadOnlySQLTransaction) != nil {
		c.connector.epoch.CompareAndSwap(c.epoch, c.epoch+1)
	}
}

// connectError is the error of a failed connect: no statement was sent.
type connectError struct{ cause error }

func (e *connectError) Error() string { return "connect: " + e.cause.Error() }

func (e *connectError) Unwrap() error { return e.cause }

// lostError is the error of a statement whose connection ended before the answer came.
type lostError struct{}

func (*lostError) Error() string { return "the connection was lost before the answer came" }
