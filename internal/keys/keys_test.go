package keys_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/keys"
)

// store keeps keys in memory. Another process may change it.
type store struct {
	keys.Store

	mu      sync.Mutex
	all     []keys.Stored
	reads   int
	touches []time.Time
}

func (*store) Now() time.Time { return time.Now() }

func (s *store) APIKeys(context.Context) ([]keys.Stored, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	return slices.Clone(s.all), nil
}

func (s *store) TouchAPIKeys(_ context.Context, used map[string]time.Time, _ time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range used {
		s.touches = append(s.touches, at)
	}
	return nil
}

func (s *store) set(all ...keys.Stored) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = all
}

func newKey() (keys.Stored, backstop.KeySecret) {
	secret := backstop.NewKeySecret(backstop.KeyLive)
	return keys.Stored{APIKey: backstop.APIKey{ID: secret.Prefix(), Kind: backstop.KeyLive}, Digest: secret.Digest()}, secret
}

// run runs a keeper of a store in a bubble of time.
func run(t *testing.T, test func(*testing.T, *store, *keys.Keeper)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &store{}
		k, err := keys.New(s, slog.New(slog.NewTextHandler(&bytes.Buffer{}, nil)))
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { k.Run(ctx) })
		synctest.Wait()
		test(t, s, k)
		stop()
		running.Wait()
	})
}

// TestKeeper_newKey: a key that another process has made works at once, and one that it has revoked ends within two seconds.
func TestKeeper_newKey(t *testing.T) {
	t.Parallel()
	run(t, func(t *testing.T, s *store, k *keys.Keeper) {
		t.Helper()
		stored, secret := newKey()
		time.Sleep(300 * time.Millisecond)
		s.set(stored)
		begin := time.Now()
		found, ok := k.Find(t.Context(), secret)
		require.True(t, ok)
		require.Equal(t, stored.ID, found.ID)
		require.LessOrEqual(t, time.Since(begin), time.Second)
		s.set()
		time.Sleep(2 * time.Second)
		_, ok = k.Find(t.Context(), secret)
		require.False(t, ok)
	})
}

// TestKeeper_flood: unknown keys cost no reads beyond one a second, and only some of them wait.
func TestKeeper_flood(t *testing.T) {
	t.Parallel()
	run(t, func(t *testing.T, s *store, k *keys.Keeper) {
		t.Helper()
		var group sync.WaitGroup
		for range 1000 {
			group.Go(func() {
				_, secret := newKey()
				_, ok := k.Find(t.Context(), secret)
				require.False(t, ok)
			})
		}
		group.Wait()
		require.LessOrEqual(t, s.reads, 2)
		for _, garbage := range []backstop.KeySecret{"", "x", "bsk_live_", "bsk_live_aaaaaaaa_b"} {
			begin := time.Now()
			_, ok := k.Find(t.Context(), garbage)
			require.False(t, ok)
			require.Zero(t, time.Since(begin))
		}
	})
}

// TestKeeper_touch: the time of a use is stored once a minute.
func TestKeeper_touch(t *testing.T) {
	t.Parallel()
	run(t, func(t *testing.T, s *store, k *keys.Keeper) {
		t.Helper()
		stored, secret := newKey()
		s.set(stored)
		for range 150 {
			_, ok := k.Find(t.Context(), secret)
			require.True(t, ok)
			time.Sleep(time.Second)
		}
		require.Len(t, s.touches, 3)
	})
}

func TestKeeper_Take(t *testing.T) {
	t.Parallel()
	run(t, func(t *testing.T, _ *store, k *keys.Keeper) {
		t.Helper()
		key := backstop.APIKey{ID: "a", APIKeyInput: backstop.APIKeyInput{RateLimit: 10}}
		for i := range 10 {
			require.Equal(t, keys.Quota{Limit: 10, Remaining: 9 - i}, k.Take(key))
		}
		q := k.Take(key)
		require.InDelta(t, 100, q.RetryAfter.Milliseconds(), 1)
		time.Sleep(q.RetryAfter + time.Millisecond)
		require.Zero(t, k.Take(key).RetryAfter)
		key.RateLimit = 0
		require.Equal(t, keys.Quota{}, k.Take(key))
	})
}
