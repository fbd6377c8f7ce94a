package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/caarlos0/env/v11"

	"github.com/backstophq/backstop/internal/demo"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2 // wrong words or a wrong configuration
)

const usage = `Backstop sends messages by WhatsApp and falls back to SMS.

usage: backstop <command>

  serve     API and worker in one process
  api       the API alone
  worker    the worker alone
  migrate   bring the database's schema up to date
  sandbox   simulated providers, to try Backstop without accounts
  dev       serve, migrate and sandbox together, for trying it by hand
  demo      the same, plus sends whose outcomes are checked; exits
  version   print the version

Everything is configured by environment variables that begin with BACKSTOP_; see docs/configuration.md.
`

// command is one word of the program. It stops cleanly when ctx is done.
type command func(ctx context.Context, environment map[string]string, stdout, stderr io.Writer) error

// usageError is an error of whoever started the program.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func commands() map[string]command {
	return map[string]command{
		"serve": serve(apiRole | workerRole), "api": serve(apiRole), "worker": serve(workerRole),
		"migrate": migrate, "sandbox": serveSandbox, "dev": demonstrate(demo.Dev), "demo": demonstrate(demo.Run),
	}
}

// run is the program: it returns the exit code.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	name := "help"
	if len(args) > 0 {
		name = args[0]
	}
	switch {
	case name == "version":
		fmt.Fprintln(stdout, version)
		return exitOK
	case name == "help" || name == "-h" || name == "--help":
		fmt.Fprint(stdout, usage)
		return exitOK
	case len(args) > 1:
		fmt.Fprintf(stderr, "backstop %s takes no further words; it is configured by the environment\n", name)
		return exitUsage
	}
	run, known := commands()[name]
	if !known {
		fmt.Fprintf(stderr, "backstop: there is no command %q\n\n%s", name, usage)
		return exitUsage
	}
	ctx, stop := untilSignal(ctx)
	defer stop()
	err := run(ctx, env.ToMap(environ), stdout, stderr)
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "backstop %s: %v\n", name, err)
	if _, wrong := errors.AsType[usageError](err); wrong {
		return exitUsage
	}
	return exitFailed
}

// untilSignal returns a context that is done after SIGINT or SIGTERM. A second signal ends the program at once, also if it
// comes right after the first: before the context is done, signals have their default effect again.
func untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := context.WithCancel(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		defer stop()
		select {
		case <-signals:
		case <-ctx.Done():
		}
		signal.Stop(signals)
		select {
		case second := <-signals:
			if self, err := os.FindProcess(os.Getpid()); err == nil {
				_ = self.Signal(second) // as if it came now
			}
		default:
		}
	}()
	return ctx, stop
}
