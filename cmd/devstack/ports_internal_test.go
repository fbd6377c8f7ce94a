package main

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChoosePort(t *testing.T) {
	t.Parallel()

	busy := listen(t, loopback)
	everywhere := listen(t, "")

	t.Run("asked and free", func(t *testing.T) {
		t.Parallel()

		free, err := pickPort()
		require.NoError(t, err)

		port, err := choosePort(free, busy)
		require.NoError(t, err)
		require.Equal(t, free, port)
	})

	t.Run("asked and busy", func(t *testing.T) {
		t.Parallel()

		for _, taken := range []int{busy, everywhere} {
			_, err := choosePort(taken)
			require.ErrorContains(t, err, "is in use: stop the program")
		}
	})

	t.Run("first that is free", func(t *testing.T) {
		t.Parallel()

		free, err := pickPort()
		require.NoError(t, err)

		port, err := choosePort(0, 0, busy, free)
		require.NoError(t, err)
		require.Equal(t, free, port)
	})

	t.Run("any", func(t *testing.T) {
		t.Parallel()

		port, err := choosePort(0, busy, everywhere)
		require.NoError(t, err)
		require.GreaterOrEqual(t, port, firstPicked)
		require.Less(t, port, lastPicked)
	})
}

func TestPickPorts(t *testing.T) {
	t.Parallel()

	picked, err := pickPorts(3)
	require.NoError(t, err)
	require.Len(t, picked, 3)
	require.NotEqual(t, picked[0], picked[1])
	require.NotEqual(t, picked[1], picked[2])
	require.NotEqual(t, picked[0], picked[2])
}

func listen(t *testing.T, host string) int {
	t.Helper()

	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0")) //nolint:noctx // a test
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, listener.Close()) })

	bound, known := listener.Addr().(*net.TCPAddr)
	require.True(t, known)

	return bound.Port
}
