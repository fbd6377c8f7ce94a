package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/caarlos0/env/v11"

	"github.com/backstophq/backstop/internal/demo"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2 // wrong arguments or a wrong configuration

	exitUndelivered = 3 // of send --wait: the send ended, and the message did not arrive
)

const usage = `Backstop sends messages by WhatsApp and falls back to SMS.

usage: backstop <command>

  serve     API and worker in one process
  api       the API alone
  worker    the worker alone
  migrate   bring the database's schema up to date
  keys      the keys that encrypt secrets of accounts and texts; "keys generate" prints a new one, "keys rotate" encrypts all
            with the first, "keys check" prints which are in use; "keys numbers" makes the phone numbers in the database as
            BACKSTOP_SEAL says, while nothing runs; "keys callback" prints a new secret for callbacks
  api-keys  the keys of the callers of the API: "api-keys list", "api-keys create", "api-keys rotate" and "api-keys revoke";
            "api-keys create --help" lists its flags
  listen    receive callbacks, verify and print them, to try them by hand; "listen --help" lists its flags
  send      give one message to a Backstop that runs; "send --help" lists its flags
  export    print all that is stored about a person, as JSON; "export --help" lists its flags
  erase     remove a person; "erase --help" lists its flags
  doctor    check the configuration and everything that Backstop needs; "doctor --help" lists its flags
  sandbox   simulated providers, to try Backstop without accounts
  dev       migrate, serve and sandbox together, to try Backstop by hand
  demo      as dev, but sends messages, checks their outcomes and exits
  version   print the version

Environment variables that begin with BACKSTOP_ configure everything; see docs/configuration.md.
`

// command is a command of the program. It stops cleanly when ctx is done.
type command func(ctx context.Context, environment map[string]string, stdout, stderr io.Writer) error

// usageError is an error in the arguments or in the configuration. The exit code is then exitUsage.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// takesArguments reports whether a command has arguments.
func takesArguments(name string) bool {
	return slices.Contains([]string{"listen", "send", "doctor", "api-keys", "export", "erase"}, name)
}

// commandsByName returns the commands. Only some of them use the arguments.
func commandsByName(args []string) map[string]command {
	return map[string]command{
		"serve": serveRole(apiRole | workerRole), "api": serveRole(apiRole), "worker": serveRole(workerRole),
		"keys generate": generateKey, "keys rotate": rotateKeys, "keys check": checkKeys,
		"keys callback": generateCallbackSecret, "keys numbers": convertNumbers,
		"listen": listenCommand(args), "api-keys": apiKeysCommand(args),
		"send": sendCommand(args), "doctor": doctorCommand(args),
		"export":  personCommand("export", exportUsage, args, personSettings.export),
		"erase":   personCommand("erase", eraseUsage, args, personSettings.erase),
		"migrate": migrateSchema, "sandbox": serveSandbox, "dev": localCommand(demo.Dev), "demo": localCommand(demo.Run),
	}
}

// run runs the program and returns its exit code.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	name := "help"
	if len(args) > 0 {
		name = args[0]
	}
	if name == "keys" && len(args) > 1 {
		name, args = name+" "+args[1], args[1:]
	}
	if name == "keys" {
		fmt.Fprint(stderr,
			"backstop keys: say what to do: keys generate, keys rotate, keys check, keys numbers or keys callback\n")
		return exitUsage
	}
	switch {
	case name == "version":
		fmt.Fprintln(stdout, version)
		return exitOK
	case name == "help" || name == "-h" || name == "--help":
		fmt.Fprint(stdout, usage)
		return exitOK
	case len(args) > 1 && !takesArguments(name):
		fmt.Fprintf(stderr, "backstop %s takes no arguments: set environment variables (see docs/configuration.md)\n", name)
		return exitUsage
	}
	run, known := commandsByName(args[min(len(args), 1):])[name]
	if !known {
		fmt.Fprintf(stderr, "backstop: unknown command %q\n\n%s", name, usage)
		return exitUsage
	}
	ctx, stop := untilSignal(ctx)
	defer stop()
	err := run(ctx, env.ToMap(environ), stdout, stderr)
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "backstop %s: %v\n", name, err)
	if _, ended := errors.AsType[undeliveredError](err); ended {
		return exitUndelivered
	}
	if _, wrong := errors.AsType[usageError](err); wrong {
		return exitUsage
	}
	return exitFailed
}

// untilSignal returns a context that is done after SIGINT or SIGTERM. A second signal ends the program at once: the signals have
// their default effect again before the context is done.
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
				_ = self.Signal(second) // it arrived before signal.Stop, so it is sent again
			}
		default:
		}
	}()
	return ctx, stop
}
