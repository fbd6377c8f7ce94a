//go:build cli

package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// The dev server gives a command the same as the embedded server does.
func TestCLI(t *testing.T) {
	t.Parallel()

	args := []string{"--data", newData(t), "--services", "temporal,ui"}

	first := start(t, append(args, "--temporal-port", freePort(t), "--ui-port", freePort(t))...)
	before := first.ready()
	requireEager(t, dial(t, before["BACKSTOP_TEMPORAL_ADDRESS"]))
	require.NoError(t, waitPage(testContext(t), before["BACKSTOP_TEMPORAL_UI_URL"]+"/healthz"))
	first.stop()
	require.Contains(t, first.stderr.String(), "the dev server of ")

	second := start(t, args...)
	require.Equal(t, before, second.ready())
	waitForEvents(t, dial(t, before["BACKSTOP_TEMPORAL_ADDRESS"]), "eager", 3)
	second.stop()
}

func TestCLI_killed(t *testing.T) {
	t.Parallel()

	running := start(t, "--data", newData(t), "--services", "temporal", "--fast", "--", "sh", "-c", "echo up; exec sleep 60")
	waitUp(t, running)

	server := childWith(t, running.command.Process.Pid, cliDatabase)
	require.NoError(t, syscall.Kill(server, syscall.SIGKILL))
	require.Equal(t, exitFailure, running.wait())
	require.Contains(t, running.stderr.String(), "temporal ended by itself")
}

// childWith returns the child of a process whose arguments contain word.
func childWith(t *testing.T, parent int, word string) int {
	t.Helper()

	lists, err := filepath.Glob("/proc/" + strconv.Itoa(parent) + "/task/*/children")
	require.NoError(t, err)

	for _, list := range lists {
		children, _ := os.ReadFile(list) // its thread may have ended

		for _, child := range strings.Fields(string(children)) {
			arguments, _ := os.ReadFile(filepath.Join("/proc", child, "cmdline"))
			if strings.Contains(string(arguments), word) {
				pid, err := strconv.Atoi(child)
				require.NoError(t, err)

				return pid
			}
		}
	}

	require.Fail(t, "no such child", word)

	return 0
}
