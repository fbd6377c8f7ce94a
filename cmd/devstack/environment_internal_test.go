package main

import (
	"bytes"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEnvironment_export(t *testing.T) {
	t.Parallel()

	var (
		lines environment
		text  bytes.Buffer
	)

	lines.add("PLAIN", "postgres://me:word@127.0.0.1:5432/x")
	lines.add("QUERY", "http://x/?a=b&c=$d")
	lines.add("WORDS", `it's a "word"`)
	lines.add("EMPTY", "")
	require.NoError(t, lines.export(&text))
	require.Contains(t, text.String(), "export PLAIN=postgres://me:word@127.0.0.1:5432/x\n")

	text.WriteString(`printf '%s|%s|%s' "$QUERY" "$WORDS" "$EMPTY"`)

	shell := exec.CommandContext(t.Context(), "sh")
	shell.Stdin = &text

	read, err := shell.Output()
	require.NoError(t, err)
	require.Equal(t, `http://x/?a=b&c=$d|it's a "word"|`, string(read))
}
