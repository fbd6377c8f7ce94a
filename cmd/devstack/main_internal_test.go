package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// runVariable is a variable with which the test binary runs devstack, so that tests can start and kill real processes.
const runVariable = "DEVSTACK_TEST_RUN"

const (
	waitLimit = 45 * time.Second
	stopLimit = 10 * time.Second // from the signal to the end
)

func TestMain(m *testing.M) {
	if os.Getenv(runVariable) != "" {
		_ = os.Unsetenv(runVariable) // not for the commands that it runs
		main()
	}

	os.Exit(m.Run())
}

// devstack is a running devstack process.
type devstack struct {
	t       *testing.T
	command *exec.Cmd
	stdout  *output
	stderr  *output
	ended   chan struct{}
}

// output is a buffer that can be read while a process writes to it.
type output struct {
	lock   sync.Mutex
	buffer bytes.Buffer
}

func (o *output) Write(text []byte) (int, error) {
	o.lock.Lock()
	defer o.lock.Unlock()

	return o.buffer.Write(text)
}

func (o *output) String() string {
	o.lock.Lock()
	defer o.lock.Unlock()

	return o.buffer.String()
}

// newData returns a data folder that Postgres's user can reach. It cannot reach t.TempDir.
func newData(t *testing.T) string {
	t.Helper()

	path := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(path), modeFolder))

	return path
}

// start starts a devstack in its own session, so that it has no terminal, and stops it at the end of the test.
func start(t *testing.T, args ...string) *devstack {
	t.Helper()

	started := &devstack{
		t: t, command: exec.CommandContext(t.Context(), os.Args[0], args...), stdout: &output{}, stderr: &output{}, ended: make(chan struct{}),
	}
	started.command.Env = append(os.Environ(), runVariable+"=1")
	started.command.Stdout, started.command.Stderr = started.stdout, started.stderr
	started.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	started.command.Cancel = func() error { return started.command.Process.Signal(syscall.SIGTERM) }
	// Processes of a killed devstack may keep the other ends of the pipes open.
	started.command.WaitDelay = stopLimit

	require.NoError(t, started.command.Start())

	go func() {
		_ = started.command.Wait()
		close(started.ended)
	}()

	t.Cleanup(func() {
		started.signal(syscall.SIGTERM)
		started.wait()
	})

	return started
}

func (d *devstack) signal(signal syscall.Signal) { _ = d.command.Process.Signal(signal) }

// wait returns the exit code.
func (d *devstack) wait() int {
	d.t.Helper()

	select {
	case <-d.ended:
	case <-time.After(waitLimit):
		_ = d.command.Process.Kill()
		require.Fail(d.t, "devstack does not end", d.stderr.String())
	}

	return d.command.ProcessState.ExitCode()
}

// ready returns the environment that devstack prints when all services are ready.
func (d *devstack) ready() map[string]string {
	d.t.Helper()

	require.Eventually(d.t, func() bool {
		select {
		case <-d.ended:
			return true
		default:
			return strings.Contains(d.stdout.String(), "export BACKSTOP_DEVSTACK=")
		}
	}, waitLimit, pollInterval)

	variables := map[string]string{}

	for line := range strings.Lines(d.stdout.String()) {
		name, value, found := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		require.True(d.t, found, line)

		variables[name] = value
	}

	require.NotEmpty(d.t, variables, d.stderr.String())

	return variables
}

// stop sends a signal as a user does, and asserts a clean end in time.
func (d *devstack) stop() {
	d.t.Helper()

	begun := time.Now()

	d.signal(syscall.SIGTERM)
	require.Equal(d.t, 0, d.wait(), d.stderr.String())
	require.Less(d.t, time.Since(begun), stopLimit)
}

// once runs a devstack to its end.
func once(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()

	finished := start(t, args...)
	code = finished.wait()

	return code, finished.stdout.String(), finished.stderr.String()
}

func testContext(t *testing.T) context.Context {
	t.Helper()

	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	t.Cleanup(cancel)

	return ctx
}

func writeScript(t *testing.T, path, text string) {
	t.Helper()

	require.NoError(t, os.MkdirAll(filepath.Dir(path), modeFolder))
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), modeFolder))
}
