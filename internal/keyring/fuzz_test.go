package keyring_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/keyring"
)

// FuzzKeyring_Open: no bytes make Open fail in another way than its two errors, and none open that were sealed for another place.
func FuzzKeyring_Open(f *testing.F) {
	ring, err := keyring.Parse(entry("k1", 1) + "," + entry("k2", 2))
	require.NoError(f, err)
	sealed, err := ring.Seal([]byte("s3cret"), []byte("main/secrets"))
	require.NoError(f, err)
	for _, seed := range [][]byte{nil, {1}, {1, 2, 'k', '1'}, {1, 255}, sealed, sealed[:len(sealed)-1], sealed[:5]} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		plain, err := ring.Open(value, []byte("other/secrets"))
		require.Empty(t, plain)
		if _, missing := errors.AsType[*keyring.MissingKeyError](err); !missing {
			require.ErrorIs(t, err, keyring.ErrDamaged)
		}
	})
}
