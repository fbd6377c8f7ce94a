package schema_test

import (
	"database/sql"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/postgres/postgrestest"
	"github.com/backstophq/backstop/schema"
)

// countMigrations counts the numbered files.
func countMigrations(t *testing.T) int {
	t.Helper()
	files, err := filepath.Glob("[0-9]*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return len(files)
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	db := postgrestest.Raw(t, postgrestest.URL(t))

	pending, err := schema.Pending(t.Context(), db)
	require.NoError(t, err)
	require.Equal(t, countMigrations(t), pending)
	var tables int
	count := `SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()`
	require.NoError(t, db.QueryRowContext(t.Context(), count).Scan(&tables))
	require.Zero(t, tables, "asking changes nothing")

	applied, err := schema.Migrate(t.Context(), db)
	require.NoError(t, err)
	require.Equal(t, countMigrations(t), applied)
	applied, err = schema.Migrate(t.Context(), db)
	require.NoError(t, err)
	require.Zero(t, applied)
	pending, err = schema.Pending(t.Context(), db)
	require.NoError(t, err)
	require.Zero(t, pending)
}

// If several programs start at the same time, one applies each migration and the others wait for it.
func TestMigrate_concurrent(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	applied, errs := make([]int, 3), make([]error, 3)
	var group sync.WaitGroup
	for i := range applied {
		db := postgrestest.Raw(t, url)
		group.Go(func() { applied[i], errs[i] = schema.Migrate(t.Context(), db) })
	}
	group.Wait()
	total := 0
	for i := range applied {
		require.NoError(t, errs[i])
		total += applied[i]
	}
	require.Equal(t, countMigrations(t), total)
}

// The first migration of a database builds its indexes at once, so a long transaction elsewhere in the database does not hold it up.
func TestMigrate_besideLongTransaction(t *testing.T) {
	t.Parallel()
	long, err := postgrestest.Raw(t, postgrestest.URL(t)).BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	require.NoError(t, err)
	defer func() { _ = long.Rollback() }()
	_, err = long.ExecContext(t.Context(), `SELECT count(*) FROM pg_class`) // its snapshot stays until the transaction ends
	require.NoError(t, err)
	_, err = schema.Migrate(t.Context(), postgrestest.Raw(t, postgrestest.URL(t)))
	require.NoError(t, err)
	require.NoError(t, long.Rollback())
}
