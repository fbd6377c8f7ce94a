package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"strconv"
	"sync"

	"github.com/backstophq/backstop/internal/demo"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/workflows"
)

// localCommand returns the command dev or demo: it gives show a function that starts a local Backstop.
func localCommand(show func(ctx context.Context, start demo.Start, stdout, stderr io.Writer) error) command {
	return func(ctx context.Context, environment map[string]string, stdout, stderr io.Writer) error {
		return show(ctx, func(ctx context.Context, s demo.Settings, during func(context.Context, demo.Backstop) error) error {
			l, err := newLocal(ctx, environment, s)
			if err != nil {
				return err
			}
			return l.run(ctx, during)
		}, stdout, stderr)
	}
}

// localKeyring seals the secrets of the accounts of make run. It is no secret: the database is on this machine and has no
// password.
const localKeyring = "local:bG9jYWwgb25seTogbm90IGEgc2VjcmV0IGF0IGFsbC4="

// localCallbackSecret signs the callbacks of make run. It is no secret either.
const localCallbackSecret = "whsec_bG9jYWwgb25seTogbm90IGEgc2VjcmV0IGF0IGFsbC4=" //nolint:gosec // see above

// local is a whole Backstop in one process, on loopback: database migrated, sandbox, API and worker.
type local struct {
	environment map[string]string
	apiURL      string
	sandboxURL  string
	log         *slog.Logger
	program     *program
	api         net.Listener
	sandbox     net.Listener
}

// newLocal listens on the ports, makes the secrets of the simulated accounts, and migrates the database. The addresses of the
// services that devstack has started, and the variables of the user, are in the environment.
func newLocal(ctx context.Context, environment map[string]string, s demo.Settings) (*local, error) {
	l := &local{environment: map[string]string{}}
	var err error
	if l.api, err = listenAt(ctx, environment, "BACKSTOP_LISTEN", s.APIAddress); err != nil {
		return nil, err
	}
	if l.sandbox, err = listenAt(ctx, environment, "BACKSTOP_SANDBOX_LISTEN", s.SandboxAddress); err != nil {
		return nil, err
	}
	l.apiURL, l.sandboxURL = urlOf(l.api.Addr()), urlOf(l.sandbox.Addr())
	// The values of the simulated accounts are always the same, so that an account that is made in the console for the sandbox
	// works after the next start too.
	maps.Copy(l.environment, map[string]string{ //nolint:gosec // no credentials: nothing but the sandbox accepts them
		"BACKSTOP_PUBLIC_URL": l.apiURL, "BACKSTOP_API_KEY": rand.Text(), "BACKSTOP_SANDBOX_URL": l.sandboxURL,
		"BACKSTOP_META_BASE_URL": l.sandboxURL, "BACKSTOP_META_PHONE_NUMBER_ID": "106540352242922",
		"BACKSTOP_META_WABA_ID":      "102290129340398", // with the templates that docs/sandbox.md lists
		"BACKSTOP_META_ACCESS_TOKEN": "sandbox-access-token", "BACKSTOP_META_APP_SECRET": "sandbox-app-secret",
		"BACKSTOP_META_VERIFY_TOKEN": "sandbox-verify-token", "BACKSTOP_TWILIO_BASE_URL": l.sandboxURL,
		"BACKSTOP_TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000000", "BACKSTOP_TWILIO_AUTH_TOKEN": "sandbox-auth-token",
		"BACKSTOP_SANDBOX_META_NUMBERS": "106540352242923",
		"BACKSTOP_KEYRING":              localKeyring,
		"BACKSTOP_CALLBACK_SECRETS":     localCallbackSecret, "BACKSTOP_CALLBACK_ALLOW": "127.0.0.1,::1",
		"BACKSTOP_SANDBOX_SPEED": strconv.FormatFloat(s.Speed, 'f', -1, 64),
	})
	maps.Copy(l.environment, s.Defaults)
	maps.Copy(l.environment, environment)
	c, err := readConfig[config](l.environment)
	if err != nil {
		return nil, err
	}
	l.log = newLog(s.Log, c.Log.Level)
	db, err := reachDatabase(ctx, c.Database, postgres.Options{Log: l.log})
	if err != nil {
		return nil, err
	}
	_, err = db.Migrate(ctx)
	if err = errors.Join(err, db.Close()); err != nil {
		return nil, err
	}
	l.program = &program{config: c, role: apiRole | workerRole, log: l.log, listener: l.api}
	return l, nil
}

// backstop returns what internal/demo needs of a local Backstop that runs.
func (l *local) backstop() demo.Backstop {
	c := l.program.config
	return demo.Backstop{
		APIURL: l.apiURL, APIKey: string(c.API.Key), SandboxURL: l.sandboxURL, TemporalUIURL: c.Temporal.UIURL,
		HistoryLength: l.historyLength,
	}
}

// historyLength returns how many events the workflow of a send has in Temporal.
func (l *local) historyLength(ctx context.Context, send string) (int64, error) {
	described, err := l.program.temporal.DescribeWorkflowExecution(ctx, workflows.ID(send), "")
	if err != nil {
		return 0, fmt.Errorf("describe workflow: %w", err)
	}
	return described.GetWorkflowExecutionInfo().GetHistoryLength(), nil
}

// run runs everything, and during once requests are accepted; when during returns, everything stops.
func (l *local) run(ctx context.Context, during func(context.Context, demo.Backstop) error) error {
	box, err := readConfig[sandboxConfig](l.environment)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var (
		parts     sync.WaitGroup
		listening = make(chan struct{})
		errs      = make([]error, 3)
	)
	parts.Go(func() { defer stop(); errs[0] = runSandbox(ctx, box, l.sandbox, l.log) })
	parts.Go(func() { defer stop(); errs[1] = l.program.run(ctx, func(net.Addr) { close(listening) }) })
	parts.Go(func() {
		defer stop()
		select {
		case <-listening:
			errs[2] = during(ctx, l.backstop())
		case <-ctx.Done():
		}
	})
	parts.Wait()
	return errors.Join(errs...)
}

// listenAt takes the address that a variable names, and nothing else. Without it, it takes a port on loopback.
func listenAt(ctx context.Context, environment map[string]string, variable, preferred string) (net.Listener, error) {
	address := environment[variable]
	if address == "" {
		return listenLocal(ctx, preferred)
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen at %s: %w", variable, err)
	}
	return l, nil
}

// urlOf returns the URL of a listener for programs on this machine. For a listener on all addresses it has the loopback address.
func urlOf(address net.Addr) string {
	if tcp, ok := address.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port))
	}
	return "http://" + address.String()
}

// listenLocal takes a port on loopback: the preferred one, or any if that is taken.
func listenLocal(ctx context.Context, preferred string) (net.Listener, error) {
	var config net.ListenConfig
	if l, err := config.Listen(ctx, "tcp", preferred); err == nil {
		return l, nil
	}
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}
