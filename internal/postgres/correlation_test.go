package postgres_test

import (
	"crypto/rand"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/cutproxy"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// uniqueSend returns a send to which a correlation_id belongs alone.
func uniqueSend(t *testing.T, id string) backstop.Send {
	t.Helper()
	send := newSend(t)
	send.CorrelationID, send.CorrelationUnique = id, true
	return send
}

func requireTaken(t *testing.T, err error, earlier string) {
	t.Helper()
	require.Equal(t, backstop.CorrelationTaken(earlier), err)
}

func TestDB_InsertSend_correlation(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	first := uniqueSend(t, "order-7")
	_, created, err := db.InsertSend(t.Context(), first, nil)
	require.NoError(t, err)
	require.True(t, created)
	require.Equal(t, first, getSend(t, db, first.ID))

	second := uniqueSend(t, "order-7")
	_, created, err = db.InsertSend(t.Context(), second, nil)
	requireTaken(t, err, first.ID)
	require.False(t, created)
	_, err = db.Send(t.Context(), second.ID)
	requireCode(t, backstop.NotFound, err)

	second.CorrelationUnique = false // others of the order
	_, created, err = db.InsertSend(t.Context(), second, nil)
	require.NoError(t, err)
	require.True(t, created)
	_, created, err = db.InsertSend(t.Context(), uniqueSend(t, "order-8"), nil)
	require.NoError(t, err)
	require.True(t, created)
	_, _, err = db.InsertSend(t.Context(), uniqueSend(t, ""), nil)
	require.Error(t, err)
}

// A request that is repeated with its key is no second send of the order, and a key that was used for another send is no order's.
func TestDB_InsertSend_correlationAndKey(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	key := &handoff.Idempotency{Key: "k", Hash: []byte{1}}
	first := uniqueSend(t, "order-7")
	_, created, err := db.InsertSend(t.Context(), first, key)
	require.NoError(t, err)
	require.True(t, created)
	again, created, err := db.InsertSend(t.Context(), uniqueSend(t, "order-7"), key)
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, first, again)
	_, _, err = db.InsertSend(t.Context(), uniqueSend(t, "order-7"), &handoff.Idempotency{Key: "k", Hash: []byte{2}})
	requireCode(t, backstop.Mismatch, err)
	_, _, err = db.InsertSend(t.Context(), uniqueSend(t, "order-7"), &handoff.Idempotency{Key: "l", Hash: []byte{1}})
	requireTaken(t, err, first.ID)
}

// Of many requests by two processes, with and without keys, one stores its send. All others name it, or return it by their key.
func TestDB_InsertSend_correlationOfTwoProcesses(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	one := postgrestest.Open(t, url)
	err := postgrestest.Migrate(t.Context(), one)
	require.NoError(t, err)
	processes := []*postgres.DB{one, postgrestest.Open(t, url)}
	for range 20 {
		order, key := rand.Text(), &handoff.Idempotency{Key: rand.Text(), Hash: []byte{1}}
		var mu sync.Mutex
		var group sync.WaitGroup
		stored, seen := map[string]bool{}, map[string]bool{}
		start := make(chan struct{})
		for i := range 16 {
			send := uniqueSend(t, order)
			key := []*handoff.Idempotency{nil, key}[i/2%2]
			group.Go(func() {
				<-start
				got, created, err := processes[i%2].InsertSend(t.Context(), send, key)
				mu.Lock()
				defer mu.Unlock()
				switch taken, isTaken := errors.AsType[*backstop.Error](err); {
				case isTaken && taken.Code == backstop.Conflict:
					seen[taken.Fields[0].Params["send"]] = true
				case err != nil:
					t.Error(err)
				case created:
					stored[got.ID] = true
				default:
					seen[got.ID] = true
				}
			})
		}
		close(start)
		group.Wait()
		require.Len(t, stored, 1)
		require.Equal(t, stored, seen)
		list, _, err := one.ListSends(t.Context(), backstop.SendFilter{CorrelationID: order}, backstop.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, list, 1)
	}
}

// A send whose answer was lost does not take its own correlation_id from itself.
func TestDB_InsertSend_correlationAndLostAnswer(t *testing.T) {
	t.Parallel()
	db, proxy := behindProxy(t)
	for _, key := range []*handoff.Idempotency{nil, {Key: "k", Hash: []byte{1}}} {
		send := uniqueSend(t, rand.Text())
		struck := proxy.On(cutproxy.Cut{Match: executes("INSERT INTO sends"), After: true, How: cutproxy.Reset, Times: 1})
		stored, created, err := db.InsertSend(t.Context(), send, key)
		require.NoError(t, err)
		require.True(t, created)
		require.Equal(t, send, stored)
		<-struck
	}
}
