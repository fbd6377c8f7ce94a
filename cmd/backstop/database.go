package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres"
)

// databaseRetry is the pause between two tries to connect to Postgres.
const databaseRetry = time.Second

// migrateConfig is the configuration of the command migrate.
type migrateConfig struct {
	Log      logConfig
	Database databaseConfig `envPrefix:"DATABASE_"`
}

func (c migrateConfig) validate() error {
	if fault := databaseFault(string(c.Database.URL)); fault != "" {
		return fmt.Errorf("%sDATABASE_URL: %s", envPrefix, fault)
	}
	return nil
}

// migrateSchema brings the schema up to date.
func migrateSchema(ctx context.Context, environment map[string]string, stdout, _ io.Writer) error {
	c, err := readConfig[migrateConfig](environment)
	if err != nil {
		return err
	}
	db, err := reachDatabase(ctx, c.Database, postgres.Options{Log: newLog(stdout, c.Log.Level)})
	if err != nil {
		return err
	}
	applied, err := db.Migrate(ctx)
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "applied %d migrations\n", applied)
	return nil
}

// openDatabase connects to the database and fails if its schema is not up to date.
func openDatabase(ctx context.Context, c databaseConfig, o postgres.Options) (*postgres.DB, error) {
	db, err := reachDatabase(ctx, c, o)
	if err != nil {
		return nil, err
	}
	pending, err := untilAnswered(ctx, o.Log, db.Pending)
	if err == nil && pending > 0 {
		err = fmt.Errorf("the schema of the database lacks %d migrations: run backstop migrate", pending)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// reachDatabase connects to the database, and retries while it is away.
func reachDatabase(ctx context.Context, c databaseConfig, o postgres.Options) (*postgres.DB, error) {
	o.MaxConns = c.MaxConns
	db, err := untilAnswered(ctx, o.Log, func(ctx context.Context) (*postgres.DB, error) {
		return postgres.Open(ctx, string(c.URL), o)
	})
	if err != nil && backstop.CodeOf(err) != backstop.TryLater {
		return nil, usageError{err}
	}
	return db, err
}

// untilAnswered retries ask while the database is away, so the program may start before the database or during its
// restart.
func untilAnswered[T any](ctx context.Context, log *slog.Logger, ask func(context.Context) (T, error)) (T, error) {
	for {
		answer, err := ask(ctx)
		away, ok := errors.AsType[*backstop.Error](err)
		if !ok || away.Code != backstop.TryLater {
			return answer, err
		}
		log.WarnContext(ctx, "waiting for postgres", "error", away.Cause)
		select {
		case <-ctx.Done():
			return answer, fmt.Errorf("wait for postgres: %w", err)
		case <-time.After(databaseRetry):
		}
	}
}
