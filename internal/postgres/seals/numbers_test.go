package seals_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/backstophq/backstop/internal/keyring"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

func newNumbers(t testing.TB, isSealed bool, keys ...string) *seals.Numbers {
	t.Helper()
	n, err := seals.NewNumbers(postgrestest.Keyring(t, keys...), isSealed)
	require.NoError(t, err)
	return n
}

// TestNumbers: equal texts have equal tokens, which open to the text in each process with the key, as their own kind alone.
func TestNumbers(t *testing.T) {
	t.Parallel()
	on, other, lost := newNumbers(t, true, "k1"), newNumbers(t, false, "k2", "k1"), newNumbers(t, true, "k2")
	rapid.Check(t, func(t *rapid.T) {
		text := strings.ReplaceAll(rapid.String().Draw(t, "text"), "\x00", "")
		for _, kind := range []seals.Kind{seals.Number, seals.MessageID, seals.Words} {
			stored := on.Hide(kind, text)
			require.Equal(t, stored, on.Hide(kind, text))
			opened, err := other.OpenToken(kind, stored)
			require.NoError(t, err)
			require.Equal(t, text, opened)
			require.Equal(t, text, lost.Show(kind, lost.Hide(kind, text)))
			if stored == text { // nothing, or what stands in place of what was removed
				continue
			}
			require.True(t, strings.HasPrefix(stored, on.Begin(kind)))
			require.NotEqual(t, stored, lost.Hide(kind, text))
			_, err = lost.OpenToken(kind, stored)
			require.ErrorIs(t, err, seals.ErrOtherKey)
			require.Equal(t, stored, lost.Show(kind, stored))
		}
	})
	for _, number := range []string{"+1234567", "+123456789012345"} {
		require.Len(t, on.Hide(seals.Number, number), 49, "the length of a number does not show")
	}
	_, err := on.OpenToken(seals.Words, on.Hide(seals.Number, "+1234567"))
	require.ErrorIs(t, err, keyring.ErrDamaged)
	require.Equal(t, "+44•••••77", on.Hide(seals.Number, "+44•••••77"))
	require.Equal(t, "removed-1", on.Hide(seals.MessageID, "removed-1"))
	require.Equal(t, "+1234567", other.Hide(seals.Number, "+1234567"), "it does not seal")
	for _, own := range []struct {
		by     *seals.Numbers
		stored string
		is     bool
	}{
		{on, on.Hide(seals.Number, "+1234567"), true}, {on, "+44•••••77", true}, {on, "+1234567", false},
		{other, "+1234567", true}, {other, on.Hide(seals.Number, "+1234567"), false}, {lost, on.Hide(seals.Number, "+1234567"), false},
	} {
		number, err := own.by.OpenOwn(own.stored)
		require.Equal(t, own.is, err == nil, own.stored)
		require.True(t, err != nil || own.stored == own.by.Hide(seals.Number, number))
	}
	looksSealed := "~w" + strings.Repeat("x", 30)
	require.Equal(t, "∼"+looksSealed[1:], other.Hide(seals.Words, looksSealed), "a plain text is no token")
	require.Equal(t, looksSealed, on.Show(seals.Words, on.Hide(seals.Words, looksSealed)))
	var nobody *seals.Numbers
	require.False(t, nobody.IsSealed())
	require.Equal(t, "+1234567", nobody.Show(seals.Number, nobody.Hide(seals.Number, "+1234567")))
	_, err = seals.NewNumbers(nil, true)
	require.ErrorIs(t, err, seals.ErrNoNumberKey)
}

// TestNumbers_JSON: the tokens in a row open, and the rest of it stays letter for letter.
func TestNumbers_JSON(t *testing.T) {
	t.Parallel()
	on := newNumbers(t, true, "k1")
	row := `{"a":  "` + on.Hide(seals.Number, "+1234567") + `", "b": ["` + on.Hide(seals.Words, `say "no"`) + `", 1.0, "~n", "` +
		newNumbers(t, true, "k2").Hide(seals.Number, "+1") + `"]}`
	shown := string(on.ShowJSON([]byte(row)))
	require.True(t, strings.HasPrefix(shown, `{"a":  "+1234567", "b": ["say \"no\"", 1.0, "~n", "~n`), shown)
}
