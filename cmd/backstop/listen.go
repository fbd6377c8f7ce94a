package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/backstophq/backstop/internal/callbacks"
)

const listenUsage = `usage: backstop listen [--address HOST:PORT] [--json] [--forward URL] [--status N] [--secret whsec_...]

Receives callbacks, verifies their signatures and prints a line for each: the time, the event, the id of the send and its outcome.
A callback that is refused is reported on the standard error. Ctrl-C ends it.

  --address HOST:PORT  where to listen; 127.0.0.1:8095 if not given; port 0 takes a free one
  --json               print the whole bodies, one on each line
  --forward URL        pass each verified callback on to a receiver of yours, and answer as it does
  --status N           answer with this status, to try retries (503) and the end of callbacks (410); 200 if not given
  --secret whsec_...   the secret of the callbacks, at most twice. Without it BACKSTOP_CALLBACK_SECRETS is read. If that is not
                       set either, a new secret is made and printed

See docs/callbacks.md.
`

// listenConfig is the part of the configuration that the command listen shares with serve.
type listenConfig struct {
	Callback listenCallback `envPrefix:"CALLBACK_"`
}

type listenCallback struct {
	Secrets secret `env:"SECRETS"`
}

// texts returns the secrets as they are written.
func (c listenCallback) texts() []string {
	var texts []string
	for text := range strings.SplitSeq(string(c.Secrets), ",") {
		if text = strings.TrimSpace(text); text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

func (c listenConfig) validate() error {
	if texts := c.Callback.texts(); len(texts) > 0 {
		if _, err := callbacks.ParseSecrets(texts); err != nil {
			return fmt.Errorf("%sCALLBACK_SECRETS: %w", envPrefix, err)
		}
	}
	return nil
}

// listenSettings are the settings of the command listen.
type listenSettings struct {
	address string
	secrets []string // as they are written
	isNew   bool     // the secret was made by this command
	asJSON  bool
	forward *url.URL // nil: no receiver
	status  int      // of the answer
}

// listenCommand returns the command listen with its arguments.
func listenCommand(args []string) command {
	return func(ctx context.Context, environment map[string]string, stdout, stderr io.Writer) error {
		settings, err := readListenSettings(args, environment)
		switch {
		case errors.Is(err, flag.ErrHelp):
			fmt.Fprint(stdout, listenUsage)
			return nil
		case err != nil:
			return usageError{err}
		}
		return listen(ctx, settings, stdout, stderr)
	}
}

func readListenSettings(args []string, environment map[string]string) (listenSettings, error) {
	s := listenSettings{}
	flags := flag.NewFlagSet("listen", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints the error
	flags.StringVar(&s.address, "address", "127.0.0.1:8095", "")
	flags.BoolVar(&s.asJSON, "json", false, "")
	flags.IntVar(&s.status, "status", http.StatusOK, "")
	flags.Func("secret", "", func(text string) error {
		s.secrets = append(s.secrets, text)
		return nil
	})
	flags.Func("forward", "", func(text string) error {
		if !isHTTPURL(text) {
			return errors.New("must be an http or https URL")
		}
		var err error
		s.forward, err = url.Parse(text)
		return err //nolint:wrapcheck // the package flag wraps it
	})
	if err := flags.Parse(args); err != nil {
		return s, err //nolint:wrapcheck // it names the flag
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unknown argument %q: backstop listen --help lists the flags", flags.Arg(0))
	}
	return s, s.complete(environment)
}

// complete checks the settings and finds the secret: that of the flags, that of the environment, or a new one.
func (s *listenSettings) complete(environment map[string]string) error {
	if _, _, err := net.SplitHostPort(s.address); err != nil {
		return errors.New("--address: must be host:port")
	}
	const lowest, highest = 200, 599
	if s.status < lowest || s.status > highest {
		return fmt.Errorf("--status: must be %d to %d", lowest, highest)
	}
	if len(s.secrets) == 0 {
		c, err := readConfig[listenConfig](environment)
		if err != nil {
			return err
		}
		s.secrets = c.Callback.texts()
	}
	if len(s.secrets) == 0 {
		s.secrets, s.isNew = []string{callbacks.GenerateSecret()}, true
	}
	if _, err := callbacks.ParseSecrets(s.secrets); err != nil {
		return fmt.Errorf("--secret: %w", err)
	}
	return nil
}

// listen receives callbacks until ctx is done.
func listen(ctx context.Context, s listenSettings, stdout, stderr io.Writer) error {
	r, err := newReceiver(s, stdout, stderr)
	if err != nil {
		return usageError{err}
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", s.address)
	if err != nil {
		return fmt.Errorf("cannot listen at %s (choose another place with --address): %w", s.address, err)
	}
	server := &http.Server{
		Handler: r, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: requestTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader,
	}
	return serveHTTP(ctx, server, listener, func() { greet(stderr, listener.Addr(), s) })
}

// greet says where callbacks are received, and how Backstop is told.
func greet(w io.Writer, address net.Addr, s listenSettings) {
	fmt.Fprintf(w, "backstop listen: waiting for callbacks at http://%s/ (Ctrl-C ends it)\n", address)
	host, _, _ := net.SplitHostPort(address.String())
	if s.isNew {
		fmt.Fprintf(w, "The secret is new. To get callbacks here, start Backstop with:\n"+
			"  %[1]sCALLBACK_SECRETS=%[2]s\n  %[1]sCALLBACK_ALLOW=%[3]s\n  %[1]sCALLBACK_URL=http://%[4]s/\n",
			envPrefix, s.secrets[0], host, address)
	}
	if s.forward != nil {
		fmt.Fprintf(w, "Each callback is passed on to %s\n", s.forward.Redacted())
	}
}
