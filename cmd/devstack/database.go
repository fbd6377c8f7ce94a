package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	"github.com/lib/pq"
)

// createDatabase creates a database on the server of admin if it does not exist, and returns its URL. It may run concurrently.
func createDatabase(ctx context.Context, admin *url.URL, name string) (*url.URL, error) {
	database, err := sql.Open("postgres", admin.String())
	if err != nil {
		return nil, fmt.Errorf("open postgres: %w", err)
	}
	defer func() { _ = database.Close() }()

	var found bool

	query := `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`
	if err := database.QueryRowContext(ctx, query, name).Scan(&found); err != nil {
		return nil, fmt.Errorf("look for database %s: %w", name, err)
	}

	if !found {
		// Postgres cannot copy a template that has connections. template0 never has any.
		_, err := database.ExecContext(ctx, `CREATE DATABASE `+pq.QuoteIdentifier(name)+` TEMPLATE template0`)
		if err != nil && !isDuplicateDatabase(err) {
			return nil, fmt.Errorf("create database %s: %w", name, err)
		}
	}

	made := *admin
	made.Path = "/" + name

	return &made, nil
}

// isDuplicateDatabase recognises duplicate_database, and the unique_violation that Postgres reports if two sessions create the
// same database at the same time.
func isDuplicateDatabase(err error) bool {
	failure := (*pq.Error)(nil)

	return errors.As(err, &failure) && (failure.Code == "42P04" || failure.Code == "23505")
}
