package postgres

import (
	"context"
	"fmt"
	"sync"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

// statements are the queries that every send needs, prepared when each is first used: Postgres then reads and plans them
// once per connection. The others are planned with their values.
type statements struct {
	mu      sync.Mutex
	byQuery map[string]*sqlx.Stmt
}

func (s *statements) find(query string) *sqlx.Stmt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byQuery[query]
}

func (s *statements) keep(query string, stmt *sqlx.Stmt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byQuery == nil {
		s.byQuery = map[string]*sqlx.Stmt{}
	}
	s.byQuery[query] = stmt
}

// prepare keeps a statement in place of an earlier one. That is not closed: others may be using it.
func (db *DB) prepare(ctx context.Context, query string) (*sqlx.Stmt, error) {
	stmt, err := db.db.PreparexContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	db.statements.keep(query, stmt)
	return stmt, nil
}

// prepared runs a statement. Should a migration have changed the type of its result, it is prepared anew.
func (db *DB) prepared(ctx context.Context, query string, run func(*sqlx.Stmt) error) error {
	if stmt := db.statements.find(query); stmt != nil {
		if err := run(stmt); pq.As(err, pqerror.FeatureNotSupported) == nil {
			return err
		}
	}
	stmt, err := db.prepare(ctx, query)
	if err != nil {
		return err
	}
	return run(stmt)
}

// get reads one row into dest, or fails with sql.ErrNoRows.
func (db *DB) get(ctx context.Context, dest any, query string, args ...any) error {
	return db.prepared(ctx, query, func(s *sqlx.Stmt) error { return s.GetContext(ctx, dest, args...) })
}

// selectAll reads all rows into the slice that dest points to.
func (db *DB) selectAll(ctx context.Context, dest any, query string, args ...any) error {
	return db.prepared(ctx, query, func(s *sqlx.Stmt) error { return s.SelectContext(ctx, dest, args...) })
}

// exec returns how many rows the statement wrote or returned.
func (db *DB) exec(ctx context.Context, query string, args ...any) (rows int64, err error) {
	err = db.prepared(ctx, query, func(s *sqlx.Stmt) error {
		result, err := s.ExecContext(ctx, args...)
		if err != nil {
			return fmt.Errorf("execute: %w", err)
		}
		if rows, err = result.RowsAffected(); err != nil {
			return fmt.Errorf("count rows: %w", err)
		}
		return nil
	})
	return rows, err
}
