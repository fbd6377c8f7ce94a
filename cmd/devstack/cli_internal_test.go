package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The dev server of the real CLI has its tests in cli_server_internal_test.go, under the build tag cli.
func TestCLI_faults(t *testing.T) { //nolint:paralleltest // sets PATH
	t.Run("ends at once", func(t *testing.T) {
		folder := t.TempDir()
		writeScript(t, filepath.Join(folder, cliName), `[ "$1" = --version ] && exit; echo "unknown flag" >&2; exit 1`)
		t.Setenv("PATH", folder)

		code, _, stderr := once(t, "--data", newData(t), "--services", "temporal", "--temporal", "cli")
		require.Equal(t, exitFailure, code)
		require.Contains(t, stderr, "unknown flag")
	})

	t.Run("missing", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())

		code, _, stderr := once(t, "--data", newData(t), "--services", "temporal", "--temporal", "cli")
		require.Equal(t, exitFailure, code)
		require.Contains(t, stderr, "find the CLI of Temporal")
	})

	t.Run("on Postgres", func(t *testing.T) {
		code, _, stderr := once(t, "--temporal", "cli", "--temporal-db", "postgres")
		require.Equal(t, exitUsage, code)
		require.Contains(t, stderr, "SQLite")
	})
}
