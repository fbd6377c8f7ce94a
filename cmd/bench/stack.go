package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v4/process"
	"go.temporal.io/sdk/client"

	"github.com/backstophq/backstop/internal/sandbox"
)

// The simulated accounts.
const (
	phoneNumberID = "106540352242922"
	accountSID    = "AC00000000000000000000000000000000"
	plainToken    = "the token of the hand-written workflows"
	apiTimeout    = 60 * time.Second
)

// stack holds all processes, servers and connections that a measurement needs.
type stack struct {
	env            map[string]string // of Backstop
	apiURL         string
	apiKey         string
	pprofURL       string
	databaseURL    string
	temporalEnv    map[string]string // of a Temporal client
	sandboxOptions sandbox.Options   // of Backstop's providers

	store    *store
	temporal client.Client
	calls    *callRecorder
	send     *sender
	backstop *child
	plain    *plainChild
	meter    *meter

	logProgress progressLog
	fail        context.CancelCauseFunc
	stops       []func() error // in the order of the starts
}

// startStack starts the stack. If it fails, it stops the parts that it has started. It calls fail if a child process ends too
// early.
func startStack(
	ctx context.Context, f flags, env map[string]string, logProgress progressLog, fail context.CancelCauseFunc,
) (_ *stack, err error) {
	s := &stack{
		fail:        fail,
		logProgress: logProgress, temporalEnv: env, apiKey: env["BACKSTOP_API_KEY"], databaseURL: env["BACKSTOP_DATABASE_URL"],
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	if err := requireDevstack(ctx, env); err != nil {
		return nil, err
	}
	if s.store, err = openStore(ctx, s.databaseURL); err != nil {
		return nil, err
	}
	s.stops = append(s.stops, s.store.db.Close)
	if s.temporal, err = dialTemporal(ctx, env, slog.New(slog.DiscardHandler), nil); err != nil {
		return nil, err
	}
	s.stops = append(s.stops, func() error { s.temporal.Close(); return nil })
	if err := s.startBackstop(ctx, f, fail); err != nil {
		return nil, err
	}
	if err := s.startPlain(ctx, f, fail); err != nil {
		return nil, err
	}
	s.meter = newMeter(s.store, s.backstop.PID(), s.plain.PID())
	return s, nil
}

// requireDevstack returns an error if devstack is not the parent process, because the meter reads Temporal's CPU time from it.
func requireDevstack(ctx context.Context, env map[string]string) error {
	parent, err := process.NewProcessWithContext(ctx, int32(os.Getppid())) //nolint:gosec // process ids are 32 bits wide
	if err != nil {
		return fmt.Errorf("find parent process: %w", err)
	}
	path, err := parent.ExeWithContext(ctx)
	if err != nil {
		return fmt.Errorf("find program of parent process: %w", err)
	}
	if path != env["BACKSTOP_DEVSTACK"] {
		return errors.New("the bench must be started by devstack: run make bench")
	}
	return nil
}

// startBackstop starts the providers, migrates the database, and starts Backstop.
func (s *stack) startBackstop(ctx context.Context, f flags, fail context.CancelCauseFunc) error {
	providers, err := listenLoopback(ctx)
	if err != nil {
		return err
	}
	ports, err := freePorts(ctx, 2)
	if err != nil {
		return err
	}
	options := sandbox.Options{
		Meta: sandbox.Meta{
			AccessToken: rand.Text(), AppSecret: rand.Text(), PhoneNumberID: phoneNumberID, VerifyToken: rand.Text(),
			WebhookURL: "http://" + ports[0] + "/webhooks/meta",
		},
		Twilio:      sandbox.Twilio{AccountSID: accountSID, AuthToken: rand.Text()},
		Speed:       f.speed,
		MaxMessages: math.MaxInt32,
	}
	s.apiURL, s.pprofURL, s.sandboxOptions = "http://"+ports[0], "http://"+ports[1], options
	s.env = map[string]string{
		"BACKSTOP_LISTEN": ports[0], "BACKSTOP_PUBLIC_URL": s.apiURL, "BACKSTOP_PPROF_LISTEN": ports[1],
		"BACKSTOP_LOG_LEVEL": "warn", "BACKSTOP_AWAIT_RECEIPTS": f.awaitReceipts.String(),
		"BACKSTOP_META_THROUGHPUT":  "9999",
		"BACKSTOP_CALLBACK_SECRETS": benchCallbackSecret, "BACKSTOP_CALLBACK_ALLOW": "127.0.0.1",
		"BACKSTOP_META_BASE_URL": "http://" + providers.Addr().String(), "BACKSTOP_META_PHONE_NUMBER_ID": phoneNumberID,
		"BACKSTOP_META_ACCESS_TOKEN": options.Meta.AccessToken, "BACKSTOP_META_APP_SECRET": options.Meta.AppSecret,
		"BACKSTOP_META_VERIFY_TOKEN":  options.Meta.VerifyToken,
		"BACKSTOP_TWILIO_BASE_URL":    "http://" + providers.Addr().String(),
		"BACKSTOP_TWILIO_ACCOUNT_SID": accountSID, "BACKSTOP_TWILIO_AUTH_TOKEN": options.Twilio.AuthToken,
	}
	if s.calls, err = s.serveProviders(providers, options); err != nil {
		return err
	}
	if err := runChild(ctx, backstopCommand("migrate", s.env, s.logProgress)); err != nil {
		return err
	}
	if s.backstop, err = startChild(backstopCommand("serve", s.env, s.logProgress)); err != nil {
		return err
	}
	s.stops = append(s.stops, func() error { return s.backstop.stop() })
	s.backstop.cancelAtEnd(fail)
	if s.send, err = newSender(s.apiURL, s.apiKey, s.store, s.temporal); err != nil {
		return err
	}
	return awaitReady(ctx, s.apiURL)
}

// numberKeyVariable has the key of encrypted phone numbers.
const numberKeyVariable = "BACKSTOP_NUMBER_KEY"

// restartBackstop replaces the process of Backstop by one with other variables besides the usual ones. With a key of numbers, the
// rows are converted first to what the variables say.
func (s *stack) restartBackstop(ctx context.Context, changes map[string]string) (err error) {
	s.backstop.isReplaced.Store(true)
	if err := s.backstop.stop(); err != nil {
		return err
	}
	env := maps.Clone(s.env)
	maps.Copy(env, changes)
	if env[numberKeyVariable] != "" {
		if err := runChild(ctx, backstopCommand("keys numbers", env, s.logProgress)); err != nil {
			return err
		}
	}
	if s.backstop, err = startChild(backstopCommand("serve", env, s.logProgress)); err != nil {
		return err
	}
	s.backstop.cancelAtEnd(s.fail)
	s.meter = newMeter(s.store, s.backstop.PID(), s.plain.PID())
	return awaitReady(ctx, s.apiURL)
}

// serveProviders serves simulated providers on a listener.
func (s *stack) serveProviders(listener net.Listener, o sandbox.Options) (*callRecorder, error) {
	box, err := sandbox.New(o)
	if err != nil {
		return nil, fmt.Errorf("start providers: %w", err)
	}
	recorder := newCallRecorder(box)
	server := &http.Server{Handler: recorder, ReadHeaderTimeout: callTimeout}
	go func() { _ = server.Serve(listener) }() // until server.Close
	s.stops = append(s.stops, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), childStopTimeout)
		defer cancel()
		return errors.Join(box.Shutdown(ctx), server.Close())
	})
	return recorder, nil
}

// withProviderSpeed replaces Backstop's providers by providers of another speed while a measurement runs.
func (s *stack) withProviderSpeed(speed float64, measure func() error) error {
	o := s.sandboxOptions
	o.Speed = speed
	box, err := sandbox.New(o)
	if err != nil {
		return fmt.Errorf("start providers: %w", err)
	}
	usual := s.calls.replaceProvider(box)
	err = measure()
	s.calls.replaceProvider(usual)
	ctx, cancel := context.WithTimeout(context.Background(), childStopTimeout)
	defer cancel()
	return errors.Join(err, box.Shutdown(ctx))
}

// startPlain starts the process of the hand-written workflows, and its own provider for -activity http.
func (s *stack) startPlain(ctx context.Context, f flags, fail context.CancelCauseFunc) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find own program: %w", err)
	}
	var (
		providers   net.Listener
		providerURL string
	)
	if f.activity == activityHTTP {
		if providers, err = listenLoopback(ctx); err != nil {
			return err
		}
		providerURL = "http://" + providers.Addr().String()
	}
	if s.plain, err = startPlainChild(self, providerURL, s.logProgress); err != nil {
		return err
	}
	s.stops = append(s.stops, s.plain.stop)
	s.plain.cancelAtEnd(fail)
	if providers == nil {
		return nil
	}
	options := sandbox.Options{
		Meta: sandbox.Meta{
			AccessToken: plainToken, AppSecret: rand.Text(), PhoneNumberID: phoneNumberID, VerifyToken: rand.Text(),
		},
		Twilio: sandbox.Twilio{AccountSID: accountSID, AuthToken: rand.Text()},
		Speed:  f.speed,
	}
	if err := s.plain.call(ctx, "Webhook", struct{}{}, &options.Meta.WebhookURL); err != nil {
		return err
	}
	_, err = s.serveProviders(providers, options)
	return err
}

// stop stops all parts, in the reverse order of their starts.
func (s *stack) stop() error {
	var errs []error
	for i := range s.stops {
		errs = append(errs, s.stops[len(s.stops)-1-i]())
	}
	s.stops = nil
	return errors.Join(errs...)
}

func listenLoopback(ctx context.Context) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}

// freePorts returns n free addresses of loopback.
func freePorts(ctx context.Context, n int) ([]string, error) {
	var addresses []string
	for range n {
		l, err := listenLoopback(ctx)
		if err != nil {
			return nil, err
		}
		defer func() { _ = l.Close() }() // all stay open until the last is found, so they differ
		addresses = append(addresses, l.Addr().String())
	}
	return addresses, nil
}

// backstopCommand returns a command of the program backstop in the folder of this program.
func backstopCommand(command string, env map[string]string, logProgress progressLog) childOptions {
	program := "backstop"
	if self, err := os.Executable(); err == nil {
		program = filepath.Join(filepath.Dir(self), program)
	}
	words := append([]string{program}, strings.Fields(command)...)
	return childOptions{Name: command, Words: words, Env: env, LogProgress: logProgress}
}

// awaitReady waits until the API at a URL is ready.
func awaitReady(ctx context.Context, url string) error {
	c := newHTTPClient()
	for began := time.Now(); time.Since(began) < apiTimeout; time.Sleep(pollPeriod) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
		if err != nil {
			return fmt.Errorf("make request: %w", err)
		}
		res, err := c.Do(req)
		if ctx.Err() != nil {
			return fmt.Errorf("wait for the API: %w", context.Cause(ctx))
		}
		if err != nil {
			continue
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return nil
		}
	}
	return fmt.Errorf("%s is not ready after %s", strings.TrimPrefix(url, "http://"), apiTimeout)
}
