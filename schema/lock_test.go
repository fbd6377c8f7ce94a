package schema_test

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/postgres/postgrestest"
	"github.com/backstophq/backstop/schema"
)

// A migration waits for its lock behind a long transaction. The statements of running programs queue behind the migration only
// until its lock_timeout, and the migration is tried again until it is applied.
func TestApply_behindLongTransaction(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Raw(t, url)
	migration := "-- +goose Up\nSET LOCAL lock_timeout = '200ms';\nALTER TABLE busy ADD COLUMN b integer;\n"
	provider, err := goose.NewProvider(goose.DialectPostgres, db, fstest.MapFS{
		"00001_busy.sql": {Data: []byte("-- +goose Up\nCREATE TABLE busy (a integer);\n")},
		"00002_more.sql": {Data: []byte(migration)},
	}, goose.WithDisableGlobalRegistry(true))
	require.NoError(t, err)
	_, err = provider.UpTo(t.Context(), 1)
	require.NoError(t, err)

	long, err := postgrestest.Raw(t, url).BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { _ = long.Rollback() }()
	_, err = long.ExecContext(t.Context(), `SELECT count(*) FROM busy`) // its lock stays until the transaction ends
	require.NoError(t, err)

	type result struct {
		applied int
		err     error
	}
	done := make(chan result, 1)
	go func() {
		applied, err := schema.Apply(t.Context(), provider)
		done <- result{applied, err}
	}()
	running := postgrestest.Raw(t, url)
	waiting := `SELECT count(*) FROM pg_locks WHERE relation = 'busy'::regclass AND NOT granted`
	for tries := range 3 {
		require.Eventually(t, func() bool {
			var n int
			return db.QueryRowContext(t.Context(), waiting).Scan(&n) == nil && n > 0
		}, 10*time.Second, time.Millisecond, "try %d of the migration waits", tries)
		_, err = running.ExecContext(t.Context(), `INSERT INTO busy VALUES (1)`) // while the long transaction still runs
		require.NoError(t, err)
	}
	require.NoError(t, long.Rollback())
	got := <-done
	require.NoError(t, got.err)
	require.Equal(t, 1, got.applied)
}
