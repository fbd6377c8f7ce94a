package pool

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

// prepare prepares a statement and replaces an earlier one. It does not close the earlier one, which may be in use.
func (p *Pool) prepare(ctx context.Context, query string) (*sqlx.Stmt, error) {
	stmt, err := p.db.PreparexContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	p.statements.keep(query, stmt)
	return stmt, nil
}

// prepared runs a statement. If a migration has changed the type of its result, prepared prepares it again.
func (p *Pool) prepared(ctx context.Context, query string, run func(*sqlx.Stmt) error) error {
	if stmt := p.statements.find(query); stmt != nil {
		if err := run(stmt); pq.As(err, pqerror.FeatureNotSupported) == nil {
			return err
		}
	}
	stmt, err := p.prepare(ctx, query)
	if err != nil {
		return err
	}
	return run(stmt)
}

// Get runs a prepared statement and reads one row into dest, or fails with sql.ErrNoRows.
func (p *Pool) Get(ctx context.Context, dest any, query string, args ...any) error {
	if p.isBehindPooler {
		return p.GetUnprepared(ctx, dest, query, args...)
	}
	ctx, cancel := p.bound(ctx)
	defer cancel()
	return p.prepared(ctx, query, func(s *sqlx.Stmt) error { return s.GetContext(ctx, dest, args...) })
}

// SelectAll runs a prepared statement and reads all rows into the slice that dest points to.
func (p *Pool) SelectAll(ctx context.Context, dest any, query string, args ...any) error {
	if p.isBehindPooler {
		return p.SelectUnprepared(ctx, dest, query, args...)
	}
	ctx, cancel := p.bound(ctx)
	defer cancel()
	return p.prepared(ctx, query, func(s *sqlx.Stmt) error { return s.SelectContext(ctx, dest, args...) })
}

// Exec runs a prepared statement and returns how many rows it wrote or returned.
func (p *Pool) Exec(ctx context.Context, query string, args ...any) (rows int64, err error) {
	ctx, cancel := p.bound(ctx)
	defer cancel()
	if p.isBehindPooler {
		return rowsAffected(p.db.ExecContext(ctx, query, args...))
	}
	err = p.prepared(ctx, query, func(s *sqlx.Stmt) error {
		rows, err = rowsAffected(s.ExecContext(ctx, args...))
		return err
	})
	return rows, err
}

func rowsAffected(result sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, fmt.Errorf("execute: %w", err)
	}
	rows, err := result.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("count rows: %w", err)
	}
	return rows, nil
}

// GetUnprepared reads one row into dest, or fails with sql.ErrNoRows. The statement is planned anew, with its values.
func (p *Pool) GetUnprepared(ctx context.Context, dest any, query string, args ...any) error {
	ctx, cancel := p.bound(ctx)
	defer cancel()
	if err := p.db.GetContext(ctx, dest, query, args...); err != nil {
		return fmt.Errorf("get: %w", err)
	}
	return nil
}

// SelectUnprepared reads all rows into the slice that dest points to. The statement is planned anew, with its values.
func (p *Pool) SelectUnprepared(ctx context.Context, dest any, query string, args ...any) error {
	ctx, cancel := p.bound(ctx)
	defer cancel()
	if err := p.db.SelectContext(ctx, dest, query, args...); err != nil {
		return fmt.Errorf("select: %w", err)
	}
	return nil
}

// ExecUnprepared runs a statement that returns nothing. It is planned anew, with its values.
func (p *Pool) ExecUnprepared(ctx context.Context, query string, args ...any) error {
	ctx, cancel := p.bound(ctx)
	defer cancel()
	if _, err := p.db.ExecContext(ctx, query, args...); err != nil {
		return fmt.Errorf("execute: %w", err)
	}
	return nil
}

// bound bounds a statement by its context. The bound is later than that of Postgres, or replaces it behind a pooler.
func (p *Pool) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if p.statementTimeout == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, p.statementTimeout)
}
