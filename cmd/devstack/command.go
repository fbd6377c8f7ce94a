package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// commandGrace is how long a command may run after a signal: the 10 s that Backstop needs at most to drain.
const commandGrace = 10 * time.Second

// runCommand runs the command to its end, forwards the first signal to it, and returns its exit code. If a service ends by
// itself, runCommand stops the command.
func (s *stack) runCommand(std streams, signals *signals) (int, error) {
	words, broken := s.given.command, s.broken

	command := exec.Command(words[0], words[1:]...) //nolint:gosec,noctx // the user's own; ended by signals
	command.Env = append(os.Environ(), s.environment...)
	command.Stdin, command.Stdout, command.Stderr = std.stdin, std.stdout, std.stderr
	command.SysProcAttr = processAttributes(nil, false, syscall.SIGTERM)

	signals.shared.Store(inForeground())
	defer signals.shared.Store(false)

	ended, err := startProcess(command)
	if err != nil {
		return exitFailure, err
	}

	s.onKill(func() { _ = command.Process.Kill() })

	var (
		failure  error
		deadline <-chan time.Time
	)

	for {
		select {
		case err := <-ended:
			return exitCode(err, failure)
		case received := <-signals.first:
			_ = command.Process.Signal(received) // fails if the command has ended; the next loop then reads ended
			deadline = time.After(commandGrace)
		case failure = <-broken:
			_ = command.Process.Signal(syscall.SIGTERM)
			broken, deadline = nil, time.After(commandGrace)
		case <-deadline:
			_ = command.Process.Kill()
		}
	}
}

// exitCode returns the exit code that a shell would return for the end of a command.
func exitCode(err, failure error) (int, error) {
	if failure != nil {
		return exitFailure, failure
	}

	if err == nil {
		return 0, nil
	}

	exit := (*exec.ExitError)(nil)
	if !errors.As(err, &exit) {
		return exitFailure, fmt.Errorf("run command: %w", err)
	}

	if status, known := exit.Sys().(syscall.WaitStatus); known && status.Signaled() {
		return exitSignal + int(status.Signal()), nil
	}

	return exit.ExitCode(), nil
}
