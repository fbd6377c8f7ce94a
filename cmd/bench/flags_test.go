package main

import (
	"bytes"
	"flag"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseFlags(t *testing.T) {
	t.Parallel()
	f, err := parseFlags([]string{"-only", "latency,events", "-scale", "0.01"}, io.Discard)
	require.NoError(t, err)
	require.Equal(t, []string{"latency", "events"}, f.only)
	require.Equal(t, 5, f.rounds)
	require.Equal(t, 20, f.scaled(2000))
	require.Equal(t, 1, f.scaled(3), "never nothing")

	for _, wrong := range []string{"-only nothing", "-rounds 0", "-round 0s", "-inflight 0", "-scale 0", "-activity mail", "word"} {
		_, err := parseFlags(strings.Fields(wrong), io.Discard)
		require.Error(t, err, wrong)
	}
	var help bytes.Buffer
	_, err = parseFlags([]string{"-h"}, &help)
	require.ErrorIs(t, err, flag.ErrHelp)
	require.Contains(t, help.String(), "-rounds")
}
