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
	"time"

	"github.com/backstophq/backstop/client"
)

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

// localOptions say how a local Backstop differs from a deployed one.
type localOptions struct {
	speed    float64
	defaults map[string]string // of the environment
	apiAddr  string            // preferred, unless BACKSTOP_LISTEN is set; a free port if it is taken
	boxAddr  string
}

// newLocal takes the ports, makes the secrets that the simulated accounts need, and migrates the database. What
// devstack started, or the user set, is in the environment.
func newLocal(ctx context.Context, environment map[string]string, o localOptions, logs io.Writer) (*local, error) {
	l := &local{environment: map[string]string{}}
	var err error
	if l.api, err = listenAt(ctx, environment, "BACKSTOP_LISTEN", o.apiAddr); err != nil {
		return nil, err
	}
	if l.sandbox, err = listenAt(ctx, environment, "BACKSTOP_SANDBOX_LISTEN", o.boxAddr); err != nil {
		return nil, err
	}
	l.apiURL, l.sandboxURL = urlOf(l.api.Addr()), urlOf(l.sandbox.Addr())
	maps.Copy(l.environment, map[string]string{
		"BACKSTOP_PUBLIC_URL": l.apiURL, "BACKSTOP_API_KEY": rand.Text(),
		"BACKSTOP_META_BASE_URL": l.sandboxURL, "BACKSTOP_META_PHONE_NUMBER_ID": "106540352242922",
		"BACKSTOP_META_ACCESS_TOKEN": rand.Text(), "BACKSTOP_META_APP_SECRET": rand.Text(),
		"BACKSTOP_META_VERIFY_TOKEN": rand.Text(), "BACKSTOP_TWILIO_BASE_URL": l.sandboxURL,
		"BACKSTOP_TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000000", "BACKSTOP_TWILIO_AUTH_TOKEN": rand.Text(),
		"BACKSTOP_SANDBOX_SPEED": strconv.FormatFloat(o.speed, 'f', -1, 64),
	})
	maps.Copy(l.environment, o.defaults)
	maps.Copy(l.environment, environment)
	c, err := read[config](l.environment)
	if err != nil {
		return nil, err
	}
	l.log = newLog(logs, c.Log.Level)
	db, err := reachDatabase(ctx, c.Database, l.log)
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

// run runs everything, and during once requests are accepted; when during returns, everything stops.
func (l *local) run(ctx context.Context, during func(context.Context) error) error {
	box, err := read[sandboxConfig](l.environment)
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
			errs[2] = during(ctx)
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

// dev runs a local Backstop until it is told to stop.
func dev(ctx context.Context, environment map[string]string, stdout, stderr io.Writer) error {
	l, err := newLocal(ctx, environment, localOptions{
		speed: 1, apiAddr: "127.0.0.1:8080", boxAddr: "127.0.0.1:8090",
		defaults: map[string]string{"BACKSTOP_UNKNOWN_WAIT": "10s", "BACKSTOP_LOG_LEVEL": "warn"},
	}, stderr)
	if err != nil {
		return err
	}
	return l.run(ctx, func(ctx context.Context) error {
		if err := l.greet(ctx, stdout); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	})
}

// greet makes something to try and says where to look.
func (l *local) greet(ctx context.Context, stdout io.Writer) error {
	key := string(l.program.config.API.Key)
	c, err := newCaller(l.apiURL, key)
	if err != nil {
		return err
	}
	policy, err := c.ensurePolicy(ctx, "Try me", ruleSpec{
		name: "Unread for 10 s", kind: client.RuleTypeUnread, wait: 10 * time.Second, sendID: "BACKSTOP",
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, greeting, l.apiURL, l.apiURL, l.apiURL, l.program.config.Temporal.UIURL, l.sandboxURL,
		key, l.apiURL, key, policy, l.apiURL, key)
	return nil
}

const greeting = `
Backstop runs. Stop it with Ctrl-C.

  console        %s/console/   (sign in with the API key)
  API            %s
  API reference  %s/docs
  Temporal UI    %s
  sandbox        %s/messages   (what the simulated providers were asked to send)
  API key        %s

Send one. The last two digits of the recipient choose what the providers do (see docs/sandbox.md): 01 is read,
02 is delivered but never read, so its rule fires after 10 s.

  curl -si %s/v1/sends -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' -d '{
    "to": "+447400123402", "whatsapp": {"text": "Your parcel comes today."},
    "fallback": {"policy_id": "%s", "text": "Your parcel comes today."}}'

Then look at it, with the id that it answers:

  curl -s %s/v1/sends/<id> -H 'Authorization: Bearer %s'

`
