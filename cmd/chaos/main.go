// Chaos checks the promises of docs/promises.md from outside. It starts Postgres, Temporal, two Backstop processes and the
// simulated providers, and sends messages of every scenario. Meanwhile it kills, freezes and disconnects what it
// started. Afterwards it compares the API's answers with the calls that the providers got, the receipts that Backstop
// acknowledged and the sends that it accepted. Run it with "make chaos"; docs/chaos.md describes it.
//
// It shares no code with what it tests, so a defect of Backstop cannot be a defect of the checks too.
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

// run runs the program and returns the exit code.
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
	kept, err := runTrials(ctx, f, stdout, stderr)
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
