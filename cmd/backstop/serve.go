package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/api"
	"github.com/backstophq/backstop/console"
	"github.com/backstophq/backstop/internal/accounts"
	"github.com/backstophq/backstop/internal/codec"
	"github.com/backstophq/backstop/internal/guards"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/health"
	"github.com/backstophq/backstop/internal/keys"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/provider/registry"
	"github.com/backstophq/backstop/internal/sandbox"
	"github.com/backstophq/backstop/internal/telemetry"
	"github.com/backstophq/backstop/internal/templates"
)

// role is the parts that a process runs.
type role uint8

const (
	apiRole role = 1 << iota
	workerRole
)

// drainRequests bounds how long a stop waits for HTTP requests in progress, after the provider calls have ended
// (config.drainTime).
const drainRequests = 3 * time.Second

// Bounds of a request, so that a slow or silent client does not hold a connection for long.
const (
	readHeaderTimeout = 5 * time.Second
	requestTimeout    = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeader         = 64 << 10 // bytes of the request line and all headers, with the cookies of other programs on the host
)

// serveRole returns the command that runs a role until ctx is done.
func serveRole(r role) command {
	return func(ctx context.Context, environment map[string]string, stdout, _ io.Writer) error {
		c, err := readConfig[config](environment)
		if err != nil {
			return err
		}
		p := &program{config: c, role: r, log: newLog(stdout, c.Log.Level)}
		return p.run(ctx, func(net.Addr) {})
	}
}

// program is a running Backstop.
type program struct {
	config   config
	role     role
	log      *slog.Logger
	listener net.Listener // nil: the program listens at config.API.Listen
	db       *postgres.DB
	process  string // the id of this process
	install  string // the installation's id
	payloads *codec.Codec
	temporal *engine
	acts     *activities.Activities
	handoff  *handoff.Handoff
	accounts *accounts.Directory
	health   *health.Monitor
	guards   *guards.Keeper
	keys     *keys.Keeper

	templates *templates.Syncer
	telemetry *telemetry.Telemetry // nil: nothing is measured

	retention *activities.Retention
	erasures  *handoff.Erasures
	eraseActs *activities.Erasures

	callbacks    *handoff.Callbacks
	callbackActs *activities.Callbacks
}

// run runs the program until ctx is done, then stops it cleanly. It calls listening once requests are accepted.
func (p *program) run(ctx context.Context, listening func(net.Addr)) (err error) {
	if err := p.newTelemetry(ctx); err != nil {
		return err
	}
	defer p.closeTelemetry(ctx)
	if p.db, err = p.openStore(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.db.Close()) }()
	if err := p.beginServing(ctx); err != nil {
		return err
	}
	defer p.endServing(ctx)
	if err := p.watchDatabase(); err != nil {
		return err
	}
	if p.install, err = untilAnswered(ctx, p.log, p.db.Installation); err != nil {
		return err
	}
	if err := p.newEngine(); err != nil {
		return err
	}
	defer p.temporal.Close()
	if err := p.temporal.connect(ctx); err != nil {
		p.log.WarnContext(ctx, "temporal is away: sends are accepted, and processed when it is back", "error", err)
	}
	if p.health, err = health.New(p.db, p.log); err != nil {
		return err
	}
	if p.accounts, err = p.newAccounts(); err != nil {
		return usageError{err}
	}
	if _, err = untilAnswered(ctx, p.log, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, p.accounts.Load(ctx)
	}); err != nil {
		return err
	}
	if err := p.newGuards(ctx); err != nil {
		return err
	}
	if err := p.newKeys(ctx); err != nil {
		return err
	}
	p.templates, err = templates.New(templates.Options{Store: p.db, Accounts: p.accounts, Log: p.log})
	if err != nil {
		return err
	}
	p.acts, err = activities.New(activities.Options{
		Store: p.db, Accounts: callable{p.accounts}, Health: p.health, Refresh: p.accounts.Refresh, Log: p.log,
		Calls: p.config.Worker.Calls, Trace: p.traceCall(),
	})
	if err != nil {
		return err
	}
	if err := p.newHandoff(); err != nil {
		return err
	}
	if err := p.newRetention(); err != nil {
		return err
	}
	if err := p.newCallbacks(); err != nil {
		return err
	}
	return p.runParts(ctx, listening)
}

// newHandoff makes what hands sends over to the engine.
func (p *program) newHandoff() (err error) {
	p.handoff, err = handoff.New(handoff.Options{
		Store: p.db, Engine: p.temporal, Installation: p.install, Settings: p.config.settings(), Log: p.log,
		Inquire: p.acts.Inquire, HasVersions: p.config.Worker.Deployment != "",
		ScheduledPerSecond: p.config.Send.ScheduledPerSecond,
	})
	return err
}

// newGuards reads the guards.
func (p *program) newGuards(ctx context.Context) (err error) {
	o := guards.Options{Store: p.db, Log: p.log}
	if p.telemetry != nil {
		o.Hit = p.telemetry.GuardHit
	}
	if p.guards, err = guards.New(o); err != nil {
		return err
	}
	_, err = untilAnswered(ctx, p.log, func(ctx context.Context) (struct{}, error) { return struct{}{}, p.guards.Load(ctx) })
	return err
}

// runParts runs the parts of the role concurrently. If one fails, it stops the others.
func (p *program) runParts(ctx context.Context, listening func(net.Addr)) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var parts sync.WaitGroup
	start := func(part func(context.Context) error) {
		parts.Go(func() {
			if err := part(ctx); err != nil {
				stop(err)
			}
		})
	}
	if p.config.Pprof.Listen != "" {
		start(p.serveProfiles)
	}
	if p.config.Metrics.Listen != "" {
		start(p.serveMetrics)
	}
	start(p.keepServing)
	start(p.keepAccounts)
	worked := make(chan struct{})
	start(func(ctx context.Context) error {
		p.watchHealth(ctx, worked)
		return nil
	})
	start(func(ctx context.Context) error {
		p.templates.Run(ctx)
		return nil
	})
	start(p.keepCallbacks)
	if p.role&workerRole == 0 {
		close(worked)
	} else {
		start(func(ctx context.Context) error {
			defer close(worked)
			return p.runWorker(ctx)
		})
		start(func(ctx context.Context) error {
			p.handoff.Sweep(ctx)
			return nil
		})
		start(func(ctx context.Context) error {
			p.callbacks.Sweep(ctx)
			return nil
		})
		start(p.runCallbacks)
		start(p.scheduleRetention)
		start(p.sweepErasures)
	}
	if p.role&apiRole != 0 {
		start(func(ctx context.Context) error {
			p.guards.Run(ctx)
			return nil
		})
		start(func(ctx context.Context) error {
			p.keys.Run(ctx)
			return nil
		})
		start(func(ctx context.Context) error { return p.serveAPI(ctx, worked, listening) })
	}
	<-ctx.Done()
	p.log.InfoContext(ctx, "stopping")
	parts.Wait()
	p.handoff.Close()
	p.guards.Close(context.WithoutCancel(ctx))
	p.log.InfoContext(ctx, "stopped")
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return fmt.Errorf("serve: %w", cause)
	}
	return nil
}

func (p *program) keepCallbacks(ctx context.Context) error {
	p.callbacks.Run(ctx)
	return nil
}

// watchHealth shares the health of accounts until ctx is done and the provider calls of this process have ended. Their ends count
// too, and one of them may be a probe.
func (p *program) watchHealth(ctx context.Context, worked <-chan struct{}) {
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	go func() {
		<-ctx.Done()
		<-worked
		stop()
	}()
	p.health.Run(watching)
}

// serveAPI serves the API until ctx is done and the provider calls of this process have ended. It serves so long because the
// receipts of those calls arrive meanwhile.
func (p *program) serveAPI(ctx context.Context, worked <-chan struct{}, listening func(net.Addr)) error {
	codes, err := registry.ErrorCodes()
	if err != nil {
		return err
	}
	options := api.Options{
		Rules: p.db, Policies: p.db, Messages: p.db, Sends: p.db, Sessions: p.db, Handoff: p.handoff, OptOuts: p.db,
		Keys: p.keys, Accounts: p.accounts, Guards: p.guards, Callbacks: p.db, CallbackSettings: p.callbackSettings(),
		Audit:    p.db,
		Webhooks: p.webhook, RefreshAccounts: p.refreshAccounts, Templates: p.db, Notices: p.templates,
		ErrorCodes: codes, Removals: p.removals, Erasures: p.erasures, Persons: p.db,
		APIKey: string(p.config.API.Key), TrustedProxies: p.config.API.TrustedProxies,
		Log: p.log, ExclusiveGrace: p.config.Send.ExclusiveGrace,
		Console: console.Files(), TemporalUIURL: p.config.Temporal.UIURL, TemporalNamespace: p.config.Temporal.Namespace,
		PayloadCodec: p.payloads.Handler(),
		Sandbox:      p.isSandbox, Scenarios: p.scenarios(), Stopping: ctx.Done(), Version: version, Answered: p.answered(),
		Ready: func(checking context.Context) (map[string]string, error) {
			if ctx.Err() != nil {
				return nil, errors.New("the program is stopping") // a load balancer then uses another process
			}
			return p.checkReady(checking)
		},
	}
	if err := p.config.setPeople(&options); err != nil {
		return err
	}
	handler, err := api.New(options)
	if err != nil {
		return err
	}
	listener := p.listener
	if listener == nil {
		var config net.ListenConfig
		if listener, err = config.Listen(ctx, "tcp", p.config.API.Listen); err != nil {
			return fmt.Errorf("listen: %w", err)
		}
	}
	server := &http.Server{
		Handler: p.telemetry.Handler(handler), ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: requestTimeout,
		WriteTimeout: requestTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelWarn),
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	go func() {
		select {
		case <-ctx.Done():
		case <-serving.Done():
		}
		<-worked
		stop()
	}()
	return serveHTTP(serving, server, listener, func() {
		p.log.InfoContext(ctx, "listening", "address", listener.Addr().String(), "version", version)
		listening(listener.Addr())
	})
}

// serveHTTP serves until ctx is done, and then waits for the requests in progress, for at most drainRequests.
func serveHTTP(ctx context.Context, server *http.Server, listener net.Listener, listening func()) error {
	var requests atomic.Int64 // in progress
	handler := server.Handler
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		defer requests.Add(-1)
		handler.ServeHTTP(w, r)
	})
	drained := make(chan error, 1)
	go func() {
		<-ctx.Done()
		draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainRequests)
		defer cancel()
		drained <- server.Shutdown(draining)
	}()
	listening()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	err := <-drained
	if err == nil {
		return nil
	}
	if requests.Load() == 0 { // Shutdown also waits for connections that were opened a moment ago and had no request
		return server.Close() //nolint:wrapcheck // nothing was in progress
	}
	return errors.Join(fmt.Errorf("drain requests: %w", err), server.Close())
}

// scenarios returns what the simulated providers do; nil if the providers are real.
func (p *program) scenarios() []api.Scenario {
	if !p.isSandbox() {
		return nil
	}
	var list []api.Scenario
	for _, s := range sandbox.Scenarios() {
		list = append(list, api.Scenario{Digits: s.Digits, Name: s.Name, WhatsApp: s.WhatsApp, SMS: s.SMS})
	}
	return list
}

// checkReady checks the schema and Temporal. It fails only if the schema is not up to date, because sends are accepted without
// Temporal.
func (p *program) checkReady(ctx context.Context) (map[string]string, error) {
	checks := map[string]string{"temporal": "ok", "schema": "ok"}
	pending, err := p.db.Pending(ctx)
	switch {
	case err != nil:
		checks["schema"] = "unknown"
		return checks, fmt.Errorf("check schema: %w", err)
	case pending > 0:
		checks["schema"] = "not up to date: run backstop migrate"
		return checks, fmt.Errorf("the schema of the database lacks %d migrations: run backstop migrate", pending)
	}
	checks["providers"] = p.checkProviders()
	if p.temporal.check(ctx) != nil {
		checks["temporal"] = "unreachable: sends are accepted, and processed when it is back"
	}
	return checks, nil
}
