package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

func TestDB_Inspect(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db, err := postgres.Open(t.Context(), url, postgres.Options{Clock: func() time.Time { return time.Now().Add(10 * time.Second) }})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	before, err := db.Inspect(t.Context())
	require.NoError(t, err)
	require.Positive(t, before.Pending)
	require.InDelta(t, 10, before.Skew.Seconds(), 1)

	applied, err := db.Migrate(t.Context())
	require.NoError(t, err)
	require.Equal(t, before.Pending, applied)
	found, err := db.Inspect(t.Context())
	require.NoError(t, err)
	require.Zero(t, found.Pending)
	require.Empty(t, found.Unknown)
	require.Empty(t, found.Denied)
	require.True(t, found.MayMigrate)
	require.False(t, found.IsReadOnly)
	require.GreaterOrEqual(t, found.Number, 150000)
	require.NotEmpty(t, found.Version)
	wait, err := db.LongestWait(t.Context())
	require.NoError(t, err)
	require.Zero(t, wait)

	// A role that may only read a table, in a database with a migration of a newer program.
	raw := postgrestest.Raw(t, url)
	for _, statement := range []string{
		`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)`,
		`REVOKE UPDATE ON sends FROM CURRENT_USER`,
		`DO $$ BEGIN EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM CURRENT_USER', current_schema()); END $$`,
	} {
		_, err := raw.ExecContext(t.Context(), statement)
		require.NoError(t, err, statement)
	}
	found, err = db.Inspect(t.Context())
	require.NoError(t, err)
	require.Equal(t, []int64{99999}, found.Unknown)
	require.False(t, found.MayMigrate)
	require.Equal(t, []string{"sends"}, found.Denied)
}
