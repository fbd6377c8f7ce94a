package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	"github.com/lib/pq"
)

// createDatabase makes a database on the server of admin unless it is there, and answers its url. Two at once are fine.
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
		// template0 takes no connections, so that nobody's can hinder the copy.
		_, err := database.ExecContext(ctx, `CREATE DATABASE `+pq.QuoteIdentifier(name)+` TEMPLATE template0`)
		if err != nil && !alreadyThere(err) {
			return nil, fmt.Errorf("create database %s: %w", name, err)
		}
	}

	made := *admin
	made.Path = "/" + name

	return &made, nil
}

// alreadyThere tells duplicate_database, and the unique_violation that it is when two make one at the same moment.
func alreadyThere(err error) bool {
	failure := (*pq.Error)(nil)

	return errors.As(err, &failure) && (failure.Code == "42P04" || failure.Code == "23505")
}
