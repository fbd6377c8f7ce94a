package main

import (
	"bytes"
	"flag"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseFlags(t *testing.T) {
	t.Parallel()
	f, err := parseFlags([]string{"-seed", "7", "-sends", "20", "-duration", "5s", "-faults", "kill-serve, cut-postgres"}, io.Discard)
	require.NoError(t, err)
	require.Equal(t, []uint64{7}, f.seeds)
	require.Equal(t, 20, f.sends)
	require.Equal(t, 5*time.Second, f.duration)
	require.Equal(t, []faultKind{killServe, cutPostgres}, f.faults)

	f, err = parseFlags([]string{"-seeds", "5", "-faults", "none"}, io.Discard)
	require.NoError(t, err)
	require.Len(t, f.seeds, 5)
	require.NotContains(t, f.seeds, uint64(0))
	require.Empty(t, f.faults)

	for _, wrong := range [][]string{
		{"-seeds", "0"}, {"-sends", "0"}, {"-sends", "10001"}, {"-duration", "0s"}, {"-settle", "0s"},
		{"-faults", "flood"}, {"twenty"}, {"-seed", "x"},
	} {
		_, err := parseFlags(wrong, io.Discard)
		require.Error(t, err, "%q", wrong)
	}
	var help bytes.Buffer
	_, err = parseFlags([]string{"-h"}, &help)
	require.ErrorIs(t, err, flag.ErrHelp)
	require.Contains(t, help.String(), "kill-postgres")
}

func TestPrintTable(t *testing.T) {
	t.Parallel()
	r, s := sound()
	s.Final.Outcome = pending
	broken := checkAll(trial{seed: 7}, r)
	require.True(t, broken.breached())
	r, _ = sound()
	whole := checkAll(trial{seed: 8}, r)
	require.False(t, whole.breached())

	var out bytes.Buffer
	printBreaches(&out, broken, r)
	printTable(&out, []outcome{broken, whole})
	require.Contains(t, out.String(), "seed 7 BREACHED every 202 has one final outcome")
	require.Contains(t, out.String(), "1, 1 BREACHED")
	require.NotContains(t, out.String(), s.Number)
}
