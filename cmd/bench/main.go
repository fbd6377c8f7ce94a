// Bench measures Backstop against hand-written workflows of the same shape, on one Postgres and one Temporal. It prints
// which of the project's targets are met. Run it by "make bench": devstack starts the servers.
//
// The process of the bench generates the load and simulates the providers. Backstop is a child process that the bench calls by
// HTTP, as a customer does. A second child process ("bench plain") starts and runs the hand-written workflows. So the CPU time
// of a child is the cost of one contestant.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/caarlos0/env/v11"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// version is set by the linker.
var version = "unknown"

func main() {
	os.Exit(runBench(context.Background(), os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}

// runBench runs the program and returns the exit code. A target that is not met does not change the exit code.
func runBench(ctx context.Context, args, environ []string, stdin io.ReadCloser, stdout, stderr io.Writer) int {
	variables := env.ToMap(environ)
	if len(args) > 0 && args[0] == plainCommand {
		return exitCode(servePlain(ctx, variables, stdin, stdout, stderr), stderr)
	}
	f, err := parseFlags(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return exitCode(measureParts(ctx, f, variables, stdout, stderr), stderr)
}

func exitCode(err error, stderr io.Writer) int {
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "bench: %v\n", err)
	return exitFailed
}
