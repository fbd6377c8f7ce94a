package ledgers_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/postgres/ledgers"
)

func TestLocks(t *testing.T) {
	t.Parallel()
	var (
		locks   ledgers.Locks
		group   sync.WaitGroup
		changes = map[string]*int{"a": new(int), "b": new(int)} // the race detector reports a write without the lock
	)
	for range 100 {
		for send, n := range changes {
			group.Go(func() {
				unlock, err := locks.Lock(t.Context(), send)
				if err != nil {
					t.Error(err)
					return
				}
				defer unlock()
				*n++
			})
		}
	}
	group.Wait()
	require.Equal(t, 100, *changes["a"])
	require.Equal(t, 100, *changes["b"])
	require.Zero(t, locks.Held(), "nothing is kept of a send that nobody waits for")

	unlock, err := locks.Lock(t.Context(), "a")
	require.NoError(t, err)
	impatient, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = locks.Lock(impatient, "a")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = locks.Lock(t.Context(), "b")
	require.NoError(t, err, "another send is not held up")
	unlock()
	_, err = locks.Lock(t.Context(), "a")
	require.NoError(t, err)
}
