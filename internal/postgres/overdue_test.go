package postgres_test

import (
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/cutproxy"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// Overdue sends are read by one query for a whole claim, and none is read by itself.
func TestDB_FinishOverdue_reads(t *testing.T) {
	t.Parallel()
	const n = 5
	address := postgrestest.URL(t)
	db := postgrestest.Open(t, address)
	err := postgrestest.Migrate(t.Context(), db)
	require.NoError(t, err)
	for range n {
		fallBack(t, db, underway(t, db).ID, time.Millisecond)
	}
	through, proxy := postgrestest.Proxy(t, address)
	sweeper := postgrestest.Open(t, through)
	var reads atomic.Int32
	proxy.On(cutproxy.Cut{Match: func(r cutproxy.Request) bool {
		if strings.Contains(r.SQL, "FROM sends AS s") {
			reads.Add(1)
		}
		return false
	}})
	claims, err := sweeper.ClaimOverdue(t.Context(), soon(), lease, n)
	require.NoError(t, err)
	require.Len(t, claims, n)
	for _, c := range claims {
		require.NoError(t, sweeper.FinishOverdue(t.Context(), c.Send))
		require.Equal(t, backstop.OutcomeUnconfirmed, getSend(t, db, c.Send).Outcome)
	}
	require.EqualValues(t, 1, reads.Load())
}

// A claim reads no sends that others have leased, however many there are.
func TestDB_ClaimOverdue_leased(t *testing.T) {
	t.Parallel()
	const leased = 50
	address := postgrestest.URL(t)
	db := postgrestest.Open(t, address)
	err := postgrestest.Migrate(t.Context(), db)
	require.NoError(t, err)
	for range leased + 1 {
		fallBack(t, db, underway(t, db).ID, time.Millisecond)
	}
	claims, err := db.ClaimOverdue(t.Context(), soon(), lease, leased)
	require.NoError(t, err)
	require.Len(t, claims, leased)

	claim := postgres.ClaimOverdue
	tx, err := postgrestest.Raw(t, address).BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), `SET LOCAL enable_seqscan = off`) // as if the table were large
	require.NoError(t, err)
	plan, err := tx.QueryContext(t.Context(), "EXPLAIN (ANALYZE) "+claim, soon(), soon().Add(lease), 9)
	require.NoError(t, err)
	defer plan.Close()
	read := 0
	for plan.Next() {
		var line string
		require.NoError(t, plan.Scan(&line))
		if _, removed, found := strings.Cut(line, "Rows Removed by Filter: "); found {
			n, err := strconv.Atoi(removed)
			require.NoError(t, err)
			read += n
		}
	}
	require.NoError(t, plan.Err())
	require.NoError(t, plan.Close())
	require.NoError(t, tx.Rollback())
	require.Zero(t, read, "rows that were read and not claimed")
	claims, err = db.ClaimOverdue(t.Context(), soon().Add(2*lease), lease, 2*leased)
	require.NoError(t, err)
	require.Len(t, claims, leased+1, "the leases are over")
}
