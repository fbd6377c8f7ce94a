package postgres

import (
	"context"
	"strings"
	"time"

	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/schema"
)

// Inspection is what can be found out about a database that answers.
type Inspection struct {
	Version    string        // of Postgres
	Number     int           // its server_version_num, such as 150018
	IsReadOnly bool          // a standby, or read-only by its settings
	MayMigrate bool          // the role may create tables
	Denied     []string      // tables that the role may not read and change
	Pending    int           // migrations that are not applied
	Unknown    []int64       // migrations of a newer program
	Skew       time.Duration // how far the clock of this machine is ahead
}

const inspectDatabase = `SELECT current_setting('server_version') AS version,
    current_setting('server_version_num')::int AS number,
    pg_is_in_recovery() OR current_setting('transaction_read_only')::bool AS is_read_only,
    COALESCE(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_migrate,
    COALESCE((SELECT string_agg(tablename, ',' ORDER BY tablename) FROM pg_tables WHERE schemaname = current_schema()
        AND NOT (has_table_privilege(format('%I.%I', schemaname, tablename), 'SELECT')
            AND has_table_privilege(format('%I.%I', schemaname, tablename), 'INSERT')
            AND has_table_privilege(format('%I.%I', schemaname, tablename), 'UPDATE')
            AND has_table_privilege(format('%I.%I', schemaname, tablename), 'DELETE'))), '') AS denied`

// Inspect reads the version, the rights of the role, the migrations and the clock of the database. It changes nothing.
func (db *DB) Inspect(ctx context.Context) (Inspection, error) {
	var row struct {
		Version    string `db:"version"`
		Number     int    `db:"number"`
		IsReadOnly bool   `db:"is_read_only"`
		MayMigrate bool   `db:"may_migrate"`
		Denied     string `db:"denied"`
	}
	if err := db.pool.Get(ctx, &row, inspectDatabase); err != nil {
		return Inspection{}, pool.Failed(ctx, "inspect database", err)
	}
	found := Inspection{
		Version: row.Version, Number: row.Number, IsReadOnly: row.IsReadOnly, MayMigrate: row.MayMigrate, Skew: db.pool.Skew(),
	}
	if row.Denied != "" {
		found.Denied = strings.Split(row.Denied, ",")
	}
	var err error
	if found.Pending, err = db.Pending(ctx); err != nil {
		return Inspection{}, err
	}
	if found.Unknown, err = schema.Unknown(ctx, db.pool.DB()); err != nil {
		return Inspection{}, pool.Failed(ctx, "read schema version", err)
	}
	return found, nil
}

const longestWait = `SELECT COALESCE(max(wait_seconds), 0) FROM rules`

// LongestWait returns the longest wait of the stored rules.
func (db *DB) LongestWait(ctx context.Context) (time.Duration, error) {
	var seconds int
	err := db.pool.Get(ctx, &seconds, longestWait)
	return time.Duration(seconds) * time.Second, pool.Failed(ctx, "find the longest wait", err)
}
