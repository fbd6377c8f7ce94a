package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/exec"
)

// Exit codes of devstack itself; with a command, the command's own come through.
const (
	exitFailure  = 1
	exitUsage    = 2
	exitNotFound = 127 // as in a shell
	exitSignal   = 128 // and the number of the signal, as in a shell
)

// progress prints a line about what is going on.
type progress func(format string, values ...any)

// run does what the command line says, and answers the exit code.
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

	code, err := live(ctx, given, streams{stdin, stdout, stderr}, say)
	if err != nil {
		say("devstack: %v", err)
	}

	return code
}

type streams struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

// live holds the data folder from the start to the end of everything that uses it.
func live(ctx context.Context, given flags, std streams, say progress) (code int, err error) {
	data, err := openFolder(given.data)
	if err != nil {
		return exitFailure, err
	}
	defer func() { err = errors.Join(err, data.close()) }()

	running := &stack{given: given, data: data, say: say, terminal: std.stderr}

	ctx, signals := watchSignals(ctx, running.kill)
	defer signals.ignore()

	if err = running.start(ctx); err == nil {
		code, err = use(running, signals, std)
	} else if code = exitFailure; ctx.Err() != nil {
		code, err = signals.code(), nil // the wish to end is no failure
	}

	if stopErr := running.stop(); stopErr != nil {
		return max(code, exitFailure), errors.Join(err, stopErr)
	}

	return code, err
}

// use runs the command, or shows the addresses until a signal comes.
func use(running *stack, signals *signals, std streams) (int, error) {
	if len(running.given.command) > 0 {
		return running.runCommand(std, signals)
	}

	if err := running.environment.export(std.stdout); err != nil {
		return exitFailure, err
	}

	select {
	case <-signals.first:
		return 0, nil
	case <-running.broken:
		return exitFailure, errBroken
	}
}
