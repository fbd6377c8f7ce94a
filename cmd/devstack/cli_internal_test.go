package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
)

// builtCLI builds Temporal's CLI, with the server that go.mod pins, and returns the folder of the program.
var builtCLI = sync.OnceValues(func() (string, error) { //nolint:gochecknoglobals // built once for all tests
	folder, err := os.MkdirTemp("", "devstack-cli-")
	if err != nil {
		return "", err //nolint:wrapcheck // of a test
	}

	output, err := exec.Command("go", "build", "-buildvcs=false", "-o", filepath.Join(folder, cliName), //nolint:noctx // of a test
		"github.com/temporalio/cli/cmd/temporal").CombinedOutput()
	if err != nil {
		_, _ = os.Stderr.Write(output)
	}

	return folder, err //nolint:wrapcheck // of a test
})

// withCLI puts Temporal's CLI on PATH.
func withCLI(t *testing.T) {
	t.Helper()

	folder, err := builtCLI()
	require.NoError(t, err)
	t.Setenv("PATH", folder+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// The dev server of the CLI gives a command the same as the embedded server does. A waiting workflow survives a restart.
func TestCLI(t *testing.T) { //nolint:paralleltest // sets PATH
	withCLI(t)

	args := []string{"--data", newData(t), "--services", "temporal,ui", "--temporal", "cli"}

	first := start(t, append(args, "--temporal-port", freePort(t), "--ui-port", freePort(t))...)
	before := first.ready()
	require.Contains(t, first.stderr.String(), "the dev server of ")
	requireEager(t, dial(t, before["BACKSTOP_TEMPORAL_ADDRESS"]))
	require.NoError(t, waitPage(testContext(t), before["BACKSTOP_TEMPORAL_UI_URL"]+"/healthz"))

	temporal := dial(t, before["BACKSTOP_TEMPORAL_ADDRESS"])
	atWork := work(t, temporal)

	run, err := temporal.ExecuteWorkflow(testContext(t), client.StartWorkflowOptions{ID: "p", TaskQueue: parkedQueue}, parked)
	require.NoError(t, err)
	waitForEvents(t, temporal, run.GetID(), 4)
	atWork()
	first.stop()

	second := start(t, args...)
	require.Equal(t, before, second.ready())

	atWork = work(t, temporal)
	defer atWork()

	require.NoError(t, temporal.SignalWorkflow(testContext(t), run.GetID(), "", "go", "home"))

	var word string
	require.NoError(t, run.Get(testContext(t), &word))
	require.Equal(t, "home", word)
}

func TestCLI_faults(t *testing.T) { //nolint:paralleltest // sets PATH
	t.Run("that ends stops the command", func(t *testing.T) {
		withCLI(t)

		data := newData(t)
		running := start(t, "--data", data, "--services", "temporal", "--temporal", "cli", "--fast", "--", "sh", "-c", "echo up; exec sleep 60")
		waitUp(t, running)

		// The only child of devstack with this argument.
		output, err := exec.CommandContext(t.Context(), "pgrep", "-f", filepath.Join(data, "temporal-cli.db")).Output()
		require.NoError(t, err)
		require.NoError(t, syscall.Kill(atoi(t, string(output)), syscall.SIGKILL))
		require.Equal(t, exitFailure, running.wait())
		require.Contains(t, running.stderr.String(), "temporal ended by itself")
	})

	t.Run("that ends at once", func(t *testing.T) {
		folder := t.TempDir()
		writeScript(t, filepath.Join(folder, cliName), `[ "$1" = --version ] && exit; echo "unknown flag" >&2; exit 1`)
		t.Setenv("PATH", folder+string(os.PathListSeparator)+os.Getenv("PATH"))

		code, _, stderr := once(t, "--data", newData(t), "--services", "temporal", "--temporal", "cli")
		require.Equal(t, exitFailure, code)
		require.Contains(t, stderr, "unknown flag")
	})

	t.Run("that is missing", func(t *testing.T) {
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
