package postgres_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/cutproxy"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// behindProxy returns a store whose connections pass a proxy.
func behindProxy(t *testing.T) (*postgres.DB, *cutproxy.Proxy) {
	t.Helper()
	through, proxy := postgrestest.Proxy(t, postgrestest.URL(t))
	db := postgrestest.Open(t, through)
	err := postgrestest.Migrate(t.Context(), db)
	require.NoError(t, err)
	return db, proxy
}

func executes(text string) func(cutproxy.Request) bool {
	return func(r cutproxy.Request) bool { return strings.Contains(r.SQL, text) }
}

// The connection is cut after the send is stored and before the answer comes.
func TestDB_InsertSend_lostAnswer(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]cutproxy.How{"reset": cutproxy.Reset, "end": cutproxy.Finish} {
		for kind, key := range map[string]*handoff.Idempotency{
			"without a key": nil, "with a key": {Key: "order 1", Hash: []byte{1}},
		} {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				db, proxy := behindProxy(t)
				for _, times := range []int{1, 2} {
					send := newSend(t)
					if key != nil {
						key = &handoff.Idempotency{Key: key.Key + "0", Hash: key.Hash}
					}
					struck := proxy.On(cutproxy.Cut{Match: executes("INSERT INTO sends"), After: true, How: how, Times: times})
					stored, created, err := db.InsertSend(t.Context(), send, key)
					require.NoError(t, err)
					require.True(t, created)
					require.Equal(t, send, stored)
					<-struck
					require.Equal(t, send, getSend(t, db, send.ID))
					require.Equal(t, []string{"accepted"}, kinds(t, db, send.ID))
					if key != nil {
						stored, created, err = db.InsertSend(t.Context(), newSend(t), key)
						require.NoError(t, err)
						require.False(t, created, "another send of this key is not its own")
						require.Equal(t, send.ID, stored.ID)
					}
				}
			})
		}
	}
}

// The connection is cut before the statement reaches Postgres.
func TestDB_InsertSend_lostRequest(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]cutproxy.How{"reset": cutproxy.Reset, "end": cutproxy.Finish} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, proxy := behindProxy(t)
			send := newSend(t)
			proxy.On(cutproxy.Cut{Match: executes("INSERT INTO sends"), How: how})
			_, created, err := db.InsertSend(t.Context(), send, nil)
			require.NoError(t, err)
			require.True(t, created)
			require.Equal(t, send, getSend(t, db, send.ID))
		})
	}
}

// The database goes away after the send is stored. The caller gets TryLater, and Conflict when it inserts the send again.
func TestDB_InsertSend_down(t *testing.T) {
	t.Parallel()
	db, proxy := behindProxy(t)
	send := newSend(t)
	proxy.On(cutproxy.Cut{After: true, Match: func(r cutproxy.Request) bool {
		if !strings.Contains(r.SQL, "INSERT INTO sends") {
			return false
		}
		go proxy.Down()
		return true
	}})
	_, _, err := db.InsertSend(t.Context(), send, nil)
	requireCode(t, backstop.TryLater, err)
	proxy.Up()
	require.Equal(t, send, getSend(t, db, send.ID))
	_, _, err = db.InsertSend(t.Context(), send, nil)
	requireCode(t, backstop.Conflict, err)
}
