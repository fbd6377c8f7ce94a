package postgres_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/postgres"
)

func TestTurns(t *testing.T) {
	t.Parallel()
	var (
		turns   postgres.Turns
		group   sync.WaitGroup
		changes = map[string]*int{"a": new(int), "b": new(int)} // written to in turn only, as the race detector sees
	)
	for range 100 {
		for send, n := range changes {
			group.Go(func() {
				end, err := turns.Take(t.Context(), send)
				if err != nil {
					t.Error(err)
					return
				}
				defer end()
				*n++
			})
		}
	}
	group.Wait()
	require.Equal(t, 100, *changes["a"])
	require.Equal(t, 100, *changes["b"])
	require.Zero(t, turns.Kept(), "nothing is kept of what nobody waits for")

	end, err := turns.Take(t.Context(), "a")
	require.NoError(t, err)
	impatient, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = turns.Take(impatient, "a")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = turns.Take(t.Context(), "b")
	require.NoError(t, err, "another send is not held up")
	end()
	_, err = turns.Take(t.Context(), "a")
	require.NoError(t, err)
}
