//go:build !cli

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/schema/sqlite"
	"go.temporal.io/server/tools/common/schema"
	sqltool "go.temporal.io/server/tools/sql"
)

const (
	sqliteShards   = 4
	postgresShards = 16

	// Temporal opens two pools (main, visibility) in each of its four services: 8 pools, which use about a third of
	// mostConnection.
	temporalConnections = 12
	connectionLifetime  = time.Hour

	busyTimeout = "10000" // milliseconds
)

// store is the database of Temporal, with its schema.
type store struct {
	main, visibility *config.SQL
	shards           int
}

// openSQLite makes the file and its schema if they do not exist. It makes the schema in one transaction, so a kill never leaves a
// partial schema.
func openSQLite(ctx context.Context, path string, shards int, fast bool) (store, error) {
	// SQLite creates its other files with the mode of this file.
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, modeSecret) //nolint:gosec // a path of our own
	if err != nil {
		return store{}, fmt.Errorf("make temporal.db: %w", err)
	}

	if err := file.Close(); err != nil {
		return store{}, fmt.Errorf("make temporal.db: %w", err)
	}

	escaped := (&url.URL{Path: path}).EscapedPath()
	source := "file:" + escaped + "?mode=rw&_pragma=journal_mode(wal)&_pragma=synchronous(" + synchronous(fast) + ")"

	if err := setUpSQLite(ctx, source); err != nil {
		return store{}, err
	}

	settings := func() *config.SQL {
		return &config.SQL{
			PluginName:   sqliteplugin.PluginName,
			DatabaseName: escaped,
			ConnectAttributes: map[string]string{
				"mode": "rw", "journal_mode": "wal", "synchronous": synchronous(fast), "busy_timeout": busyTimeout,
			},
		}
	}

	return store{main: settings(), visibility: settings(), shards: shards}, nil
}

func setUpSQLite(ctx context.Context, source string) (err error) {
	database, err := sql.Open(sqliteplugin.PluginName, source)
	if err != nil {
		return fmt.Errorf("open temporal.db: %w", err)
	}
	defer func() { err = errors.Join(err, database.Close()) }()

	var present bool

	query := `SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'namespaces')`
	if err := database.QueryRowContext(ctx, query).Scan(&present); err != nil {
		return fmt.Errorf("read temporal.db: %w", err)
	}

	if present {
		return nil
	}

	transaction, err := database.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("set up temporal.db: %w", err)
	}
	defer func() { _ = transaction.Rollback() }() // nothing after a commit

	if err := sqlite.SetupSchemaOnDB(schemaTransaction{transaction: transaction}); err != nil {
		return fmt.Errorf("set up temporal.db: %w", err)
	}

	if err := transaction.Commit(); err != nil {
		return fmt.Errorf("set up temporal.db: %w", err)
	}

	return nil
}

// schemaTransaction implements the method of AdminDB that the setup of the schema calls.
type schemaTransaction struct {
	sqlplugin.AdminDB

	transaction *sql.Tx
}

func (s schemaTransaction) Exec(statement string, arguments ...any) error {
	_, err := s.transaction.Exec(statement, arguments...) //nolint:noctx // the interface has none

	return err //nolint:wrapcheck // wrapped by the caller
}

// openPostgres creates Temporal's two databases on the server of admin if needed, and brings their schemas up to date.
func openPostgres(ctx context.Context, admin *url.URL, shards int, logger log.Logger) (store, error) {
	opened := store{shards: shards}

	for _, database := range []struct {
		name, schema string
		settings     **config.SQL
	}{
		{"temporal", "postgresql/v12/temporal", &opened.main},
		{"temporal_visibility", "postgresql/v12/visibility", &opened.visibility},
	} {
		if _, err := createDatabase(ctx, admin, database.name); err != nil {
			return store{}, err
		}

		*database.settings = postgresSettings(admin, database.name)
		if err := updateSchema(*database.settings, database.schema, logger); err != nil {
			return store{}, fmt.Errorf("update schema of %s: %w", database.name, err)
		}
	}

	return opened, nil
}

func postgresSettings(admin *url.URL, database string) *config.SQL {
	password, _ := admin.User.Password()

	host := admin.Host
	if admin.Port() == "" {
		host = fmt.Sprintf("%s:%d", host, preferredPostgresPort)
	}

	attributes := map[string]string{}
	for name, values := range admin.Query() {
		attributes[name] = values[0]
	}

	return &config.SQL{
		PluginName:        postgresql.PluginName,
		User:              url.PathEscape(admin.User.Username()),
		Password:          password,
		DatabaseName:      database,
		ConnectAddr:       host,
		ConnectProtocol:   "tcp",
		ConnectAttributes: attributes,
		MaxConns:          temporalConnections,
		MaxIdleConns:      temporalConnections,
		MaxConnLifetime:   connectionLifetime,
	}
}

// updateSchema does the same as the commands "setup-schema" and "update-schema" of Temporal's schema tool.
func updateSchema(settings *config.SQL, name string, logger log.Logger) error {
	connection, err := sqltool.NewConnection(settings, logger)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer connection.Close()

	if err := schema.NewSetupSchemaTask(connection, &schema.SetupConfig{InitialVersion: "0.0"}, logger).Run(); err != nil {
		return fmt.Errorf("set up: %w", err)
	}

	if err := schema.NewUpdateSchemaTask(connection, &schema.UpdateConfig{SchemaName: name}, logger).Run(); err != nil {
		return fmt.Errorf("update: %w", err)
	}

	return nil
}
