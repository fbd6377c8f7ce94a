package main

import (
	"encoding/base64"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFolder_secret(t *testing.T) {
	t.Parallel()

	path := t.TempDir()

	data, err := openFolder(path)
	require.NoError(t, err)

	secret, err := data.secret(keyFile)
	require.NoError(t, err)

	random, err := base64.RawURLEncoding.DecodeString(secret)
	require.NoError(t, err)
	require.Len(t, random, secretBytes)

	info, err := os.Stat(data.in(keyFile))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(modeSecret), info.Mode())

	again, err := data.secret(keyFile)
	require.NoError(t, err)
	require.Equal(t, secret, again)
	require.NoError(t, data.close())
}

func TestFolder_memo(t *testing.T) {
	t.Parallel()

	path := t.TempDir()

	data, err := openFolder(path)
	require.NoError(t, err)

	data.memo.UIPort, data.memo.Shards[storeSQLite] = 8000, 8
	require.NoError(t, data.save())

	_, err = openFolder(path)
	require.ErrorContains(t, err, "another devstack")
	require.NoError(t, data.close())

	again, err := openFolder(path)
	require.NoError(t, err)
	require.Equal(t, data.memo, again.memo)
	require.NoError(t, again.close())

	require.NoError(t, os.WriteFile(data.in("state.json"), []byte("{"), modeSecret))

	_, err = openFolder(path)
	require.ErrorContains(t, err, "read state.json")
}
