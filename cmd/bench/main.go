// Bench measures Backstop against hand-written workflows of the same shape, on one Postgres and one Temporal, and says
// which of the project's targets are met. Run it by "make bench"; devstack gives it the servers.
//
// It is the load generator and plays the providers. Backstop is a child process, reached by HTTP as a customer's would
// be; the hand-written workflows, with their starter and their worker, are another (bench plain). So the CPU time of
// each process is the cost of one contestant.
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
	os.Exit(run(context.Background(), os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}

// run is the program: it returns the exit code. A target that is not met is a result, not a failure.
func run(ctx context.Context, args, environ []string, stdin io.ReadCloser, stdout, stderr io.Writer) int {
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
	return exitCode(measure(ctx, f, variables, stdout, stderr), stderr)
}

func exitCode(err error, stderr io.Writer) int {
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "bench: %v\n", err)
	return exitFailed
}
