package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/cutproxy"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// After an outage a provider brings a STOP and a later START at the same moment, to two processes. The later one counts.
func TestDB_InsertInbound_keywordRace(t *testing.T) {
	t.Parallel()
	stop := backstop.Inbound{Text: "STOP", Keyword: backstop.StopKeyword}
	start := backstop.Inbound{Text: "START", Keyword: backstop.StartKeyword}
	address := postgrestest.URL(t)
	through, proxy := postgrestest.Proxy(t, address)
	db, direct := postgrestest.Open(t, through), postgrestest.Open(t, address)
	err := postgrestest.Migrate(t.Context(), direct)
	require.NoError(t, err)
	started := make(chan error, 1)
	isFirst := true
	proxy.On(cutproxy.Cut{Match: func(r cutproxy.Request) bool {
		if executes("COMMIT")(r) && isFirst {
			isFirst = false
			go func() {
				_, err := direct.InsertInbound(t.Context(), []backstop.Receipt{wrote("2", at(40), start)})
				started <- err
			}()
			time.Sleep(200 * time.Millisecond) // the START is stored, or waits
		}
		return false
	}})
	_, err = db.InsertInbound(t.Context(), []backstop.Receipt{wrote("1", at(30), stop)})
	require.NoError(t, err)
	require.False(t, isFirst)
	require.NoError(t, <-started)
	require.Empty(t, listOf(t, direct, backstop.OptOutFilter{}))
}
