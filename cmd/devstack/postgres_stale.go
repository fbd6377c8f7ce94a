package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	fastStopTimeout      = 5 * time.Second
	immediateStopTimeout = 2 * time.Second
	pollInterval         = 20 * time.Millisecond
)

// stopStale stops the Postgres of a killed devstack that still uses the data in folder. The caller holds the lock of the data
// folder, so the Postgres belongs to no running devstack. stopStale fails if a Postgres has the process id but may use another
// folder.
func stopStale(folder string, say progress) error {
	pid, err := postmasterPID(folder)
	if err != nil || pid == 0 || !isProcessAlive(pid) {
		return err
	}

	switch ours, postgres := inspectProcess(pid, folder); {
	case ours:
		say("stopping postgres (pid %d) of an earlier run", pid)

		return stopProcess(pid)
	case postgres:
		return fmt.Errorf("postgres (pid %d) may use %s: stop it first", pid, folder)
	default:
		// Another program has the process id now, which is usual in containers. Postgres would mistake that program for a
		// postmaster.
		if err := os.Remove(filepath.Join(folder, "postmaster.pid")); err != nil {
			return fmt.Errorf("remove stale postmaster.pid: %w", err)
		}

		return nil
	}
}

// postmasterPID returns the process id in postmaster.pid, or 0 if there is no such file.
func postmasterPID(folder string) (int, error) {
	text, err := os.ReadFile(filepath.Join(folder, "postmaster.pid")) //nolint:gosec // a path of our own
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}

	if err != nil {
		return 0, fmt.Errorf("read postmaster.pid: %w", err)
	}

	first, _, _ := strings.Cut(string(text), "\n")

	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 1 {
		return 0, fmt.Errorf("read postmaster.pid in %s: %q is not a process id", folder, first)
	}

	return pid, nil
}

func isProcessAlive(pid int) bool {
	err := syscall.Kill(pid, 0)

	return err == nil || errors.Is(err, syscall.EPERM)
}

// stopProcess stops a postmaster that is not a child of this process.
func stopProcess(pid int) error {
	signal := func(signal syscall.Signal) error { return syscall.Kill(pid, signal) }

	return endPostgres(signal, func(wait time.Duration) bool {
		for deadline := time.Now().Add(wait); time.Now().Before(deadline); time.Sleep(pollInterval) {
			if !isRunning(pid) {
				return true
			}
		}

		return false
	})
}

// endPostgres requests a fast shutdown of a postmaster (SIGINT), then an immediate one (SIGQUIT), after which the next start
// replays the log, and then kills it. over waits for its end for at most the given time, and reports whether it ended.
func endPostgres(signal func(syscall.Signal) error, over func(wait time.Duration) bool) error {
	for _, step := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{
		{syscall.SIGINT, fastStopTimeout},
		{syscall.SIGQUIT, immediateStopTimeout},
		{syscall.SIGKILL, immediateStopTimeout},
	} {
		err := signal(step.signal)
		if err != nil && !errors.Is(err, syscall.ESRCH) && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("stop postgres: %w", err)
		}

		if over(step.wait) {
			return nil
		}
	}

	return errors.New("stop postgres: it does not end, not even after SIGKILL")
}
