package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/exec"
)

// Exit codes of devstack. If it runs a command, it returns the command's exit code.
const (
	exitFailure  = 1
	exitUsage    = 2
	exitNotFound = 127 // as in a shell
	exitSignal   = 128 // and the number of the signal, as in a shell
)

// progress prints a line of progress.
type progress func(format string, values ...any)

// run runs the program and returns its exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	say := func(format string, values ...any) { _, _ = fmt.Fprintf(stderr, format+"\n", values...) }

	given, err := parseFlags(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}

	if err != nil {
		say("devstack: %v (see devstack -h)", err)

		return exitUsage
	}

	if len(given.command) > 0 {
		if _, err := exec.LookPath(given.command[0]); err != nil {
			say("devstack: %v", err)

			return exitNotFound
		}
	}

	code, err := runStack(ctx, given, streams{stdin, stdout, stderr}, say)
	if err != nil {
		say("devstack: %v", err)
	}

	return code
}

type streams struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

// runStack starts the services, runs the command and stops the services. It holds the lock of the data folder meanwhile.
func runStack(ctx context.Context, given flags, std streams, say progress) (code int, err error) {
	data, err := openFolder(given.data)
	if err != nil {
		return exitFailure, err
	}
	defer func() { err = errors.Join(err, data.close()) }()

	running := &stack{given: given, data: data, say: say, terminal: std.stderr, broken: make(chan error, 1)}

	ctx, signals := watchSignals(ctx, running.kill)
	defer signals.ignore()

	if err = running.start(ctx); err == nil {
		code, err = runOrWait(running, signals, std)
	} else if code = exitFailure; ctx.Err() != nil {
		code, err = signals.code(), nil // a signal during the start is no failure
	}

	if stopErr := running.stop(); stopErr != nil {
		return max(code, exitFailure), errors.Join(err, stopErr)
	}

	return code, err
}

// runOrWait runs the command. Without a command it prints the environment and waits for a signal.
func runOrWait(running *stack, signals *signals, std streams) (int, error) {
	if len(running.given.command) > 0 {
		return running.runCommand(std, signals)
	}

	if err := running.environment.export(std.stdout); err != nil {
		return exitFailure, err
	}

	select {
	case <-signals.first:
		return 0, nil
	case err := <-running.broken:
		return exitFailure, err
	}
}
