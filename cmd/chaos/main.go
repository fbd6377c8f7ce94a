// Chaos proves the promises of the README from outside: it starts Postgres, Temporal, two processes of Backstop and
// the simulated providers, sends messages of every scenario, and meanwhile kills, freezes and cuts off what it
// started. Afterwards it compares what the API says with what the providers were asked and with every receipt and
// every send that was acknowledged. Run it by "make chaos"; docs/chaos.md describes it.
//
// It shares no code with the rest of the project: a mistake of Backstop cannot be a mistake of its judge.
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
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // a property was breached, or the run itself failed
	exitUsage  = 2
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program: it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	f, err := parseFlags(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err != nil {
		fmt.Fprintf(stderr, "chaos: %v\n", err)
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	kept, err := runSeeds(ctx, f, stdout, stderr)
	switch {
	case err != nil:
		fmt.Fprintf(stderr, "chaos: %v\n", err)
		return exitFailed
	case !kept:
		return exitFailed
	default:
		return exitOK
	}
}
