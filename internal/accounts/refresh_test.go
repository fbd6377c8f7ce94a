package accounts_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// TestDirectory_Refresh: a refresh returns after a look that began after its call. There is at most one look per second, however
// many ask.
func TestDirectory_Refresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		other := r.other(t)
		require.NoError(t, other.Load(t.Context()))
		r.create(t, "one")
		began, marks, generation := time.Now(), r.store.marks, other.Generation()
		require.NoError(t, other.Refresh(t.Context()))
		require.Zero(t, time.Since(began), "the first look is at once")
		_, found := other.Find("one")
		require.True(t, found)
		require.NotEqual(t, generation, other.Generation())

		generation = other.Generation()
		r.create(t, "two")
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() {
				assert.NoError(t, other.Refresh(t.Context())) //nolint:testifylint // require must not run in a goroutine
				_, found := other.Find("two")
				assert.True(t, found, "each caller sees the change")
			})
		}
		callers.Wait()
		require.Equal(t, time.Second, time.Since(began))
		require.Equal(t, marks+2+1, r.store.marks, "a look each second; creating an account takes one look of its own process")
		require.NotEqual(t, generation, other.Generation())

		generation = other.Generation()
		require.NoError(t, other.Refresh(t.Context()))
		require.Equal(t, generation, other.Generation(), "nothing has changed")
	})
}

// TestDirectory_Refresh_bounds: the callers that wait have a bound, and no caller waits long for a database that is away.
func TestDirectory_Refresh_bounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		require.NoError(t, r.Refresh(t.Context()))
		began := time.Now()
		var callers sync.WaitGroup
		for range 200 {
			callers.Go(func() { _ = r.Refresh(t.Context()) })
		}
		synctest.Wait()
		at := time.Now()
		require.ErrorContains(t, r.Refresh(t.Context()), "too many")
		require.Equal(t, at, time.Now(), "too many wait")
		callers.Wait()
		require.Equal(t, time.Second, time.Since(began))

		gone, cancel := context.WithCancel(t.Context())
		cancel()
		began = time.Now()
		require.ErrorIs(t, r.Refresh(gone), context.Canceled)
		require.Zero(t, time.Since(began))

		r.store.fail(&backstop.Error{Code: backstop.TryLater, Message: "away"}, false)
		time.Sleep(time.Minute)
		began = time.Now()
		coded(t, backstop.TryLater, r.Refresh(t.Context()))
		require.Zero(t, time.Since(began))
		r.store.fail(nil, true)
		time.Sleep(time.Minute)
		began = time.Now()
		require.Error(t, r.Refresh(t.Context()))
		require.Equal(t, 3*time.Second, time.Since(began))
		time.Sleep(time.Minute) // the look ends
	})
}
