package postgres_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/cutproxy"
	"github.com/backstophq/backstop/internal/keys"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

func apiKeyInput(name string) backstop.APIKeyInput {
	return backstop.APIKeyInput{
		Name: name, Scopes: []backstop.Scope{backstop.ScopeSendsWrite, backstop.ScopeSendsRead},
		Policies: []string{"01970e2b-77aa-7c10-b001-8f9e0d1c2b3a"}, Accounts: []string{"meta"}, RateLimit: 5,
		Callback:  &backstop.Callback{URL: "https://shop.example/x", Events: []backstop.CallbackEvent{backstop.CallbackFinished}},
		ExpiresAt: new(time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)),
	}
}

func createAPIKey(t *testing.T, db *postgres.DB, name string) (backstop.APIKey, backstop.KeySecret) {
	t.Helper()
	secret := backstop.NewKeySecret(backstop.KeyLive)
	key, err := db.CreateAPIKey(t.Context(), apiKeyInput(name), backstop.KeyLive, secret)
	require.NoError(t, err)
	return key, secret
}

func TestDB_apiKeys(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	key, secret := createAPIKey(t, db, "Checkout")
	require.Equal(t, apiKeyInput("Checkout"), key.APIKeyInput)
	require.Equal(t, secret.Prefix(), key.Prefix)
	found, err := db.APIKey(t.Context(), key.ID)
	require.NoError(t, err)
	require.Equal(t, key, found)

	_, err = db.CreateAPIKey(t.Context(), apiKeyInput("CHECKOUT"), backstop.KeyTest, backstop.NewKeySecret(backstop.KeyTest))
	requireCode(t, backstop.Conflict, err)
	plain := backstop.APIKeyInput{Name: "Admin", Scopes: []backstop.Scope{backstop.ScopeAdmin}}
	changed, err := db.ReplaceAPIKey(t.Context(), key.ID, plain, key.Version)
	require.NoError(t, err)
	require.Equal(t, 2, changed.Version)
	require.Equal(t, "Admin", changed.Name)
	require.Empty(t, changed.Policies)
	require.Nil(t, changed.Callback)
	require.Nil(t, changed.ExpiresAt)
	_, err = db.ReplaceAPIKey(t.Context(), key.ID, plain, key.Version)
	requireCode(t, backstop.Stale, err)

	// A rotation keeps one former secret.
	second, until := backstop.NewKeySecret(backstop.KeyLive), db.Now().Add(time.Hour).Truncate(time.Microsecond)
	rotated, err := db.RotateAPIKey(t.Context(), key.ID, second, until)
	require.NoError(t, err)
	require.Equal(t, second.Prefix(), rotated.Prefix)
	require.Equal(t, secret.Prefix(), rotated.Former)
	require.Equal(t, until, *rotated.FormerUntil)
	repeated, err := db.RotateAPIKey(t.Context(), key.ID, second, until)
	require.NoError(t, err)
	require.Equal(t, rotated, repeated, "as after a lost answer: the former secret stays the first one")
	all, err := db.APIKeys(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, second.Digest(), all[0].Digest)
	require.Equal(t, secret.Digest(), *all[0].FormerDigest)

	require.NoError(t, db.DeleteAPIKey(t.Context(), key.ID))
	requireCode(t, backstop.NotFound, db.DeleteAPIKey(t.Context(), key.ID))
	for _, id := range []string{key.ID, "no id"} {
		_, err = db.APIKey(t.Context(), id)
		requireCode(t, backstop.NotFound, err)
		_, err = db.ReplaceAPIKey(t.Context(), id, plain, 1)
		requireCode(t, backstop.NotFound, err)
		_, err = db.RotateAPIKey(t.Context(), id, second, until)
		requireCode(t, backstop.NotFound, err)
	}
}

// TestDB_TouchAPIKeys: the time of a use is written at most once a minute, by all processes together.
func TestDB_TouchAPIKeys(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	key, _ := createAPIKey(t, db, "Checkout")
	at := time.Date(2031, 5, 4, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct{ used, stored time.Duration }{
		{0, 0}, {59 * time.Second, 0}, {60 * time.Second, 60 * time.Second}, {30 * time.Second, 60 * time.Second},
	} {
		require.NoError(t, db.TouchAPIKeys(t.Context(), map[string]time.Time{key.ID: at.Add(c.used)}, time.Minute))
		found, err := db.APIKey(t.Context(), key.ID)
		require.NoError(t, err)
		require.Equal(t, at.Add(c.stored), *found.LastUsedAt)
		require.Equal(t, key.Version, found.Version, "a use is no change")
	}
}

// TestDB_apiKeys_lostAnswer: the connection is cut before or after each change is stored. The change is made once, and the caller
// gets a secret that works.
func TestDB_apiKeys_lostAnswer(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]cutproxy.Cut{
		"reset after": {How: cutproxy.Reset, After: true}, "end after": {How: cutproxy.Finish, After: true},
		"reset before": {How: cutproxy.Reset},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, proxy := behindProxy(t)
			cutAt := func(statement string) (struck <-chan struct{}) {
				c := cut
				c.Match = executes(statement)
				return proxy.On(c)
			}
			keeper, err := keys.New(db, slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			known := func(secret backstop.KeySecret) bool {
				require.NoError(t, keeper.Load(t.Context()))
				_, found := keeper.Find(t.Context(), secret)
				return found
			}
			created := cutAt("INSERT INTO api_keys")
			key, secret, err := keeper.Create(t.Context(), apiKeyInput("Checkout"), backstop.KeyLive)
			require.NoError(t, err)
			<-created
			require.True(t, known(secret))

			rotated := cutAt("UPDATE api_keys SET former_prefix")
			_, second, err := keeper.Rotate(t.Context(), key.ID, time.Hour)
			require.NoError(t, err)
			<-rotated
			require.True(t, known(second))
			require.True(t, known(secret), "the present secret became the former one, and did not give way to itself")

			deleted := cutAt("DELETE FROM api_keys")
			require.NoError(t, keeper.Revoke(t.Context(), key.ID))
			<-deleted
			require.False(t, known(second))
			require.False(t, known(secret))
		})
	}
}

// TestDB_apiKeys_session: a session ends with its key.
func TestDB_apiKeys_session(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	key, _ := createAPIKey(t, db, "Checkout")
	id, begin := bytes.Repeat([]byte{1}, 32), time.Now()
	_, err := db.CreateSession(t.Context(), id, backstop.Session{
		Key: key.ID, CreatedAt: begin, ExpiresAt: begin.Add(time.Hour),
	}, begin.Add(-time.Hour))
	require.NoError(t, err)
	found, err := db.Session(t.Context(), id, begin, begin.Add(-time.Hour))
	require.NoError(t, err)
	require.Equal(t, key.ID, found.Key)
	require.Equal(t, "Checkout", found.KeyName)
	require.NoError(t, db.DeleteAPIKey(t.Context(), key.ID))
	_, err = db.Session(t.Context(), id, begin, begin.Add(-time.Hour))
	requireCode(t, backstop.NotFound, err)
}

// TestDB_apiKeys_limit: there are never more than the most keys, as far as they are not created at the same moment.
func TestDB_apiKeys_limit(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	var group sync.WaitGroup
	var next atomic.Int64
	for range 4 {
		group.Go(func() {
			for {
				i := next.Add(1)
				if i > backstop.MaxKeys {
					return
				}
				in := backstop.APIKeyInput{Name: fmt.Sprint("key ", i), Scopes: []backstop.Scope{backstop.ScopeAdmin}}
				if _, err := db.CreateAPIKey(t.Context(), in, backstop.KeyLive, backstop.NewKeySecret(backstop.KeyLive)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	_, err := db.CreateAPIKey(t.Context(), apiKeyInput("more"), backstop.KeyLive, backstop.NewKeySecret(backstop.KeyLive))
	requireCode(t, backstop.Conflict, err)
}
