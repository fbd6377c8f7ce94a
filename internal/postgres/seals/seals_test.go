package seals_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/keyring"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

func newSeals(t testing.TB, texts bool, keys ...string) *seals.Seals {
	t.Helper()
	s, err := seals.New(postgrestest.Keyring(t, keys...), texts, nil)
	require.NoError(t, err)
	return s
}

// TestSeals: a value opens in its column and its row alone, in each process with its key.
func TestSeals(t *testing.T) {
	t.Parallel()
	sealed, err := newSeals(t, true, "k1").Seal(seals.Content, "1", []byte("text"))
	require.NoError(t, err)
	other := newSeals(t, false, "k2", "k1")
	plain, err := other.Open(seals.Content, "1", sealed)
	require.NoError(t, err)
	require.Equal(t, "text", string(plain))
	for _, wrong := range []struct {
		at seals.Place
		id string
	}{{seals.Content, "2"}, {seals.InboundText, "1"}, {seals.RequestHash, "1"}, {seals.Content, ""}} {
		_, err = other.Open(wrong.at, wrong.id, sealed)
		require.ErrorIs(t, err, keyring.ErrDamaged)
	}
	require.False(t, other.Texts())
	_, err = seals.New(nil, true, nil)
	require.ErrorIs(t, err, keyring.ErrEmpty)
	nobody, err := seals.New(nil, false, nil)
	require.NoError(t, err)
	_, err = nobody.Open(seals.Content, "1", sealed)
	require.ErrorContains(t, err, `key "k1" is missing`)
}

// TestSeals_Digest: it is keyed if texts are sealed, and the same in all processes of a key.
func TestSeals_Digest(t *testing.T) {
	t.Parallel()
	digest := func(s *seals.Seals, of string) string {
		keyed, err := s.Digest([]byte(of))
		require.NoError(t, err)
		return string(keyed)
	}
	require.Equal(t, "content", digest(newSeals(t, false, "k1"), "content"))
	keyed := digest(newSeals(t, true, "k1"), "content")
	require.NotContains(t, keyed, "content")
	require.Equal(t, keyed, digest(newSeals(t, true, "k1", "k2"), "content"))
	require.NotEqual(t, keyed, digest(newSeals(t, true, "k2", "k1"), "content"))
	require.Empty(t, digest(newSeals(t, true, "k1"), ""), "there is no content to remember")
}

func TestIsSealed(t *testing.T) {
	t.Parallel()
	plain := []byte(strings.Repeat("x", 32))
	require.False(t, seals.IsSealed(plain))
	sealed, err := newSeals(t, true, "k1").Seal(seals.RequestHash, "1", plain)
	require.NoError(t, err)
	require.True(t, seals.IsSealed(sealed))
}

func BenchmarkSeals(b *testing.B) {
	s, plain := newSeals(b, true, "k1"), []byte(strings.Repeat("x", 400))
	for b.Loop() {
		sealed, err := s.Seal(seals.Content, "01a21b5d-9cbe-7a84-a3c2-acd16afab817", plain)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Open(seals.Content, "01a21b5d-9cbe-7a84-a3c2-acd16afab817", sealed); err != nil {
			b.Fatal(err)
		}
	}
}
