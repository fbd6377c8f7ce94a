package main

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/lib/pq"
)

// store reads Backstop's database directly, not by the API.
type store struct{ db *sql.DB }

// applicationName marks the bench's own connections, so the meter does not count them as Backstop's.
const applicationName = "bench"

func openStore(ctx context.Context, url string) (*store, error) {
	config, err := pq.NewConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read BACKSTOP_DATABASE_URL: %w", err)
	}
	config.ApplicationName = applicationName
	connector, err := pq.NewConnectorConfig(config)
	if err != nil {
		return nil, fmt.Errorf("open postgres: %w", err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(4)
	db.SetMaxIdleConns(4)
	if err := db.PingContext(ctx); err != nil {
		return nil, fmt.Errorf("open postgres: %w", err)
	}
	return &store{db: db}, nil
}

const finishedQuery = `SELECT id FROM sends WHERE id = ANY($1) AND finished_at IS NOT NULL`

// finished returns the finished sends among some.
func (s *store) finished(ctx context.Context, ids []string) ([]string, error) {
	return s.strings(ctx, finishedQuery, pq.Array(ids))
}

// strings returns the first column of a query.
func (s *store) strings(ctx context.Context, query string, args ...any) (list []string, err error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("query postgres: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, fmt.Errorf("read row: %w", err)
		}
		list = append(list, text)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("query postgres: %w", err)
	}
	return list, nil
}

const installationQuery = `SELECT id FROM installation`

// installation returns the id of the installation, which is part of the name of Backstop's task queue.
func (s *store) installation(ctx context.Context) (string, error) {
	ids, err := s.strings(ctx, installationQuery)
	if err != nil {
		return "", err
	}
	return strings.Join(ids, ""), nil // the table has one row
}

const sizesQuery = `SELECT
	COALESCE(SUM(pg_database_size(oid)) FILTER (WHERE datname = current_database()), 0)::bigint,
	COALESCE(SUM(pg_database_size(oid)) FILTER (WHERE datname LIKE 'temporal%'), 0)::bigint
FROM pg_database`

// sizes returns how many bytes the databases of Backstop and of Temporal take, with their indexes.
func (s *store) sizes(ctx context.Context) (backstop, temporal int64, err error) {
	if err := s.db.QueryRowContext(ctx, sizesQuery).Scan(&backstop, &temporal); err != nil {
		return 0, 0, fmt.Errorf("read sizes of databases: %w", err)
	}
	return backstop, temporal, nil
}

// pollPeriod is the time between two polls of a wait that is not for the ends of sends.
const pollPeriod = 100 * time.Millisecond
