package main

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// These tests start Temporal only, or no service, because they test how devstack runs its command.

func TestRun_exitCode(t *testing.T) {
	t.Parallel()

	t.Run("of the command, with its environment", func(t *testing.T) {
		t.Parallel()

		code, stdout, stderr := once(t, "--data", newData(t), "--services", "temporal", "--fast", "--",
			"sh", "-c", `echo "$BACKSTOP_TEMPORAL_ADDRESS $BACKSTOP_TEMPORAL_NAMESPACE [$BACKSTOP_DATABASE_URL] $BACKSTOP_DEVSTACK"; exit 7`)
		require.Equal(t, 7, code, stderr)
		require.Regexp(t, `^127\.0\.0\.1:\d+ default \[\] /\S+\n$`, stdout)
	})

	t.Run("command not found", func(t *testing.T) {
		t.Parallel()

		code, _, stderr := once(t, "--data", newData(t), "--", "no-such-command-here")
		require.Equal(t, exitNotFound, code)
		require.Contains(t, stderr, "no-such-command-here")
	})

	t.Run("mistaken flag", func(t *testing.T) {
		t.Parallel()

		code, _, stderr := once(t, "--services", "redis")
		require.Equal(t, exitUsage, code)
		require.Contains(t, stderr, "redis")
	})

	t.Run("port in use", func(t *testing.T) {
		t.Parallel()

		code, _, stderr := once(t, "--data", newData(t), "--services", "temporal", "--temporal-port", itoa(listen(t, loopback)))
		require.Equal(t, exitFailure, code)
		require.Contains(t, stderr, "choose --temporal-port")
	})
}

func TestRun_signal(t *testing.T) {
	t.Parallel()

	for name, signal := range map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM} {
		t.Run(name+" is forwarded", func(t *testing.T) {
			t.Parallel()

			running := start(t, "--data", newData(t), "--services", "temporal", "--fast", "--",
				"sh", "-c", `trap 'echo got `+name+`; exit 9' `+name+`; echo up; while :; do sleep 0.05; done`)
			waitUp(t, running)
			running.signal(signal)
			require.Equal(t, 9, running.wait(), running.stderr.String())
			require.Contains(t, running.stdout.String(), "got "+name)
		})
	}

	t.Run("command ends by the signal", func(t *testing.T) {
		t.Parallel()

		running := start(t, "--data", newData(t), "--services", "temporal", "--fast", "--", "sh", "-c", "echo up; exec sleep 60")
		waitUp(t, running)
		running.signal(syscall.SIGTERM)
		require.Equal(t, exitSignal+int(syscall.SIGTERM), running.wait())
	})

	t.Run("second kills at once", func(t *testing.T) {
		t.Parallel()

		running := start(t, "--data", newData(t), "--services", "temporal", "--fast", "--",
			"sh", "-c", `trap 'echo got it' TERM; echo up; while :; do sleep 0.05; done`)
		waitUp(t, running)
		running.signal(syscall.SIGTERM)
		waitFor(t, running, "got it\n") // two at once may count as one: signal(7)

		begun := time.Now()

		running.signal(syscall.SIGTERM)
		require.Equal(t, exitSignal+int(syscall.SIGTERM), running.wait())
		require.Less(t, time.Since(begun), 3*time.Second)
	})
}

func TestRun_secondOnSameData(t *testing.T) {
	t.Parallel()

	data := newData(t)
	first := start(t, "--data", data, "--services", "temporal", "--fast")
	first.ready()

	code, _, stderr := once(t, "--data", data, "--services", "temporal")
	require.Equal(t, exitFailure, code)
	require.Contains(t, stderr, "another devstack (pid "+itoa(first.command.Process.Pid)+") uses "+filepath.Clean(data))
	first.stop()
}

// waitUp waits until the command has printed that it is up.
func waitUp(t *testing.T, running *devstack) {
	t.Helper()

	waitFor(t, running, "up\n")
}

func waitFor(t *testing.T, running *devstack, text string) {
	t.Helper()

	require.Eventually(t, func() bool { return strings.Contains(running.stdout.String(), text) }, waitLimit, pollInterval,
		"%q does not come; stderr: %s", text, running.stderr)
}
