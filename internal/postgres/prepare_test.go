package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// A migration under a program that runs changes the type of a column that a prepared statement returns.
func TestDB_prepared_migrated(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	err := postgrestest.Migrate(t.Context(), db)
	require.NoError(t, err)
	send := underway(t, db)
	require.Equal(t, send, getSend(t, db, send.ID))

	raw := postgrestest.Raw(t, url)
	_, err = raw.ExecContext(t.Context(), `ALTER TABLE sends ALTER COLUMN fired TYPE varchar(100)`)
	require.NoError(t, err)
	require.Equal(t, send, getSend(t, db, send.ID))
	require.Equal(t, send, getSend(t, db, send.ID))
	finish(t, db, send.ID)
	require.NotNil(t, getSend(t, db, send.ID).FinishedAt)
}
