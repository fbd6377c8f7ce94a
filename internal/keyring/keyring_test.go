package keyring_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/keyring"
)

func entry(id string, fill byte) string {
	return id + ":" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, keyring.KeySize))
}

func parse(t *testing.T, text string) *keyring.Keyring {
	t.Helper()
	r, err := keyring.Parse(text)
	require.NoError(t, err)
	return r
}

func seal(t *testing.T, r *keyring.Keyring, plain, additional string) []byte {
	t.Helper()
	sealed, err := r.Seal([]byte(plain), []byte(additional))
	require.NoError(t, err)
	require.NotContains(t, string(sealed), plain)
	return sealed
}

func TestKeyring(t *testing.T) {
	t.Parallel()
	r := parse(t, entry("k1", 1))
	sealed := seal(t, r, "s3cret", "main/secrets")
	plain, err := r.Open(sealed, []byte("main/secrets"))
	require.NoError(t, err)
	require.Equal(t, "s3cret", string(plain))
	require.NotEqual(t, sealed, seal(t, r, "s3cret", "main/secrets"), "each value has a nonce of its own")

	id, err := keyring.KeyOf(sealed)
	require.NoError(t, err)
	require.Equal(t, "k1", id)
	require.Equal(t, "k1", r.SealingID())
}

// TestKeyring_damaged: a value does not open if any bit of it is changed, if it is cut, or in another place.
func TestKeyring_damaged(t *testing.T) {
	t.Parallel()
	r := parse(t, entry("k1", 1)+","+entry("k2", 2)+","+entry("k3", 1)) // k3 has the same bytes as k1
	place := []byte("main/secrets")
	sealed := seal(t, r, "s3cret", string(place))
	for i := range sealed {
		for bit := range 8 {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1 << bit
			_, err := r.Open(changed, place)
			require.Error(t, err, "byte %d, bit %d", i, bit)
		}
		_, err := r.Open(sealed[:i], place)
		require.ErrorIs(t, err, keyring.ErrDamaged, "cut to %d", i)
	}
	for _, id := range []string{"k2", "k3"} {
		_, err := r.Open(bytes.Replace(sealed, []byte("k1"), []byte(id), 1), place)
		require.ErrorIs(t, err, keyring.ErrDamaged, "the id is authenticated")
	}
	for _, other := range []string{"", "other/secrets", "main/secrets2", "main"} {
		_, err := r.Open(sealed, []byte(other))
		require.ErrorIs(t, err, keyring.ErrDamaged)
	}
	_, err := r.Open(nil, place)
	require.ErrorIs(t, err, keyring.ErrDamaged)
}

func TestKeyring_rotation(t *testing.T) {
	t.Parallel()
	former, both, present := parse(t, entry("k1", 1)), parse(t, entry("k2", 2)+" , "+entry("k1", 1)), parse(t, entry("k2", 2))
	require.Equal(t, []string{"k2", "k1"}, both.IDs())
	old := seal(t, former, "s3cret", "a")
	plain, err := both.Open(old, []byte("a"))
	require.NoError(t, err)
	again := seal(t, both, string(plain), "a")
	plain, err = present.Open(again, []byte("a"))
	require.NoError(t, err, "the first key seals")
	require.Equal(t, "s3cret", string(plain))

	_, err = present.Open(old, []byte("a"))
	var missing *keyring.MissingKeyError
	require.ErrorAs(t, err, &missing)
	require.Equal(t, "k1", missing.ID)
	require.ErrorContains(t, err, `"k1"`)
}

// TestKeyring_MAC: it depends on the text and on the first key alone.
func TestKeyring_MAC(t *testing.T) {
	t.Parallel()
	mac := func(r *keyring.Keyring, text string) string {
		sum, err := r.MAC([]byte(text))
		require.NoError(t, err)
		require.Len(t, sum, sha256.Size)
		return string(sum)
	}
	k1, k2 := parse(t, entry("k1", 1)), parse(t, entry("k2", 2)+","+entry("k1", 1))
	require.Equal(t, mac(k1, "text"), mac(parse(t, entry("k1", 1)), "text"))
	require.NotEqual(t, mac(k1, "text"), mac(k1, "texts"))
	require.NotEqual(t, mac(k1, "text"), mac(k2, "text"))
	_, err := parse(t, "").MAC(nil)
	require.ErrorIs(t, err, keyring.ErrEmpty)
}

// TestKeyring_Header: a sealed value begins with the header of the keyring that sealed it, and with no other.
func TestKeyring_Header(t *testing.T) {
	t.Parallel()
	k1, k2 := parse(t, entry("k1", 1)), parse(t, entry("k2", 2))
	sealed := seal(t, k1, "s3cret", "a")
	require.True(t, bytes.HasPrefix(sealed, k1.Header()))
	require.False(t, bytes.HasPrefix(sealed, k2.Header()))
	require.Nil(t, parse(t, "").Header())
}

func TestKeyring_empty(t *testing.T) {
	t.Parallel()
	for _, r := range []*keyring.Keyring{nil, parse(t, ""), parse(t, "  ")} {
		require.True(t, r.IsEmpty())
		require.Empty(t, r.SealingID())
		_, err := r.Seal([]byte("x"), nil)
		require.ErrorIs(t, err, keyring.ErrEmpty)
		_, err = r.Open(seal(t, parse(t, entry("k1", 1)), "s3cret", "a"), []byte("a"))
		require.ErrorContains(t, err, `"k1" is missing`)
	}
}

// TestParse_wrong: no error has a part of the key.
func TestParse_wrong(t *testing.T) {
	t.Parallel()
	secret := strings.TrimPrefix(entry("", 7), ":")
	for name, text := range map[string]string{
		"no id":            secret,
		"empty id":         ":" + secret,
		"capitals":         "K1:" + secret,
		"key as the id":    strings.ReplaceAll(secret, "=", "") + ":k1",
		"short":            "k1:" + secret[:20],
		"long":             "k1:" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 33)),
		"not base64":       "k1:" + secret[:30] + "!",
		"id twice":         "k1:" + secret + ",k1:" + secret,
		"comma at the end": "k1:" + secret + ",",
		"second is wrong":  "k1:" + secret + ",k2:" + secret[:40],
	} {
		_, err := keyring.Parse(text)
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), secret[:8], name)
	}
}

func TestGenerate(t *testing.T) {
	t.Parallel()
	first, err := keyring.Generate()
	require.NoError(t, err)
	second, err := keyring.Generate()
	require.NoError(t, err)
	r := parse(t, first+","+second)
	require.Len(t, r.IDs(), 2)
	seal(t, r, "s3cret", "a")
}
