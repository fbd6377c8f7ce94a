package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/workflows"
)

const (
	fillInFlight = 16
	// firstSweep is longer than a sweeper waits for the request that stored a send.
	firstSweep = 6 * time.Second
	readPeriod = 10 * time.Millisecond
)

// backlog is a database with sends that nobody works on.
type backlog struct {
	store    *store
	url      string
	install  string
	db       *postgres.DB // of the process that stores the sends
	temporal client.Client
	process  *postgres.DB // of the first sweeper of this round
	ids      []string     // of this round
}

// openBacklog makes the database.
func (b *bench) openBacklog(ctx context.Context) (_ *backlog, err error) {
	if err := b.store.createDatabase(ctx, backlogDatabase); err != nil {
		return nil, err
	}
	address, err := url.Parse(b.databaseURL)
	if err != nil {
		return nil, errors.New("BACKSTOP_DATABASE_URL is not a URL")
	}
	address.Path = "/" + backlogDatabase
	l := &backlog{url: address.String()}
	defer func() {
		if err != nil {
			err = l.close(err)
		}
	}()
	if l.store, err = openStore(ctx, l.url); err != nil {
		return nil, err
	}
	if l.db, err = postgres.Open(ctx, l.url, postgres.Options{}); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if _, err = l.db.Migrate(ctx); err != nil {
		return nil, fmt.Errorf("migrate database: %w", err)
	}
	if l.install, err = l.db.Installation(ctx); err != nil {
		return nil, fmt.Errorf("read installation: %w", err)
	}
	l.temporal, err = dialTemporal(ctx, b.temporalEnv, slog.New(slog.DiscardHandler), &client.GrpcCompressionNone{})
	return l, err
}

// close closes what was opened, and adds its errors to err.
func (l *backlog) close(err error) error {
	if l.temporal != nil {
		l.temporal.Close()
	}
	for _, db := range []*postgres.DB{l.db, l.process} {
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}
	if l.store != nil {
		err = errors.Join(err, l.store.db.Close())
	}
	return err
}

// fill stores the sends of a round as a process does that cannot reach the engine, and opens the pool of the first sweeper.
func (l *backlog) fill(ctx context.Context, c backlogContestant) (err error) {
	if l.process != nil {
		if err := l.process.Close(); err != nil {
			return fmt.Errorf("close database: %w", err)
		}
	}
	if l.process, err = postgres.Open(ctx, l.url, postgres.Options{}); err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	var ids collector
	store := l.insert
	if c.name == overdueSweeper || c.name == overdueSweepers {
		store = l.insertOverdue
	}
	_, err = loopTimes(ctx, fillInFlight, c.n, func(ctx context.Context) (string, error) {
		id, err := store(ctx)
		ids.add(id)
		return id, err
	})
	if err != nil {
		return err
	}
	l.ids = ids.list
	if c.name == startPlain32 { // their sends are only read
		if err := l.db.MarkSent(ctx, l.ids); err != nil {
			return fmt.Errorf("mark sends: %w", err)
		}
	}
	if _, err := l.store.db.ExecContext(ctx, analyse); err != nil {
		return fmt.Errorf("analyse: %w", err)
	}
	return pause(ctx, firstSweep)
}

// insert stores a send and does not hand it over.
func (l *backlog) insert(ctx context.Context) (string, error) {
	at := l.db.Now()
	id, err := l.db.NewID(at)
	if err != nil {
		return "", fmt.Errorf("make id: %w", err)
	}
	send := backstop.Send{
		ID: id, AcceptedAt: at, To: recipient(scenarioSilent), Country: "GB", Text: whatsAppText, SMSText: whatsAppText,
		WhatsAppStatus: backstop.Queued, Outcome: backstop.OutcomePending, Plan: backlogPlan(),
	}
	if _, _, err = l.db.InsertSend(ctx, send, nil); err != nil {
		return "", fmt.Errorf("store send: %w", err)
	}
	return id, nil
}

func backlogPlan() backstop.Plan {
	const id = "0190a0a0-0000-7000-8000-000000000001"
	return backstop.Plan{PolicyID: id, PolicyName: "Backlog", Rules: []backstop.Rule{
		{ID: id, Name: "undelivered", Type: backstop.Undelivered, WaitSeconds: 3600, SendID: "Acme"},
	}}
}

// insertOverdue stores a send whose SMS was accepted and whose receipt is late.
func (l *backlog) insertOverdue(ctx context.Context) (string, error) {
	id, err := l.insert(ctx)
	if err != nil {
		return "", err
	}
	call := backstop.Call{Channel: backstop.SMS, ByFailure: true, Provider: "twilio", Token: id}
	if _, _, err := l.db.Begin(ctx, id, call); err != nil {
		return "", fmt.Errorf("begin call: %w", err)
	}
	_, _, err = l.db.End(ctx, id, backstop.Ending{
		Step: call.Step(), Token: id, Submission: backstop.Submission{MessageID: id}, ReceiptWait: time.Millisecond,
	})
	if err != nil {
		return "", fmt.Errorf("end call: %w", err)
	}
	return id, nil
}

const leftQuery = `SELECT id FROM sends WHERE NOT handed_over OR receipt_by IS NOT NULL`

// check fails if a row was not worked off.
func (l *backlog) check(ctx context.Context) error {
	left, err := l.store.strings(ctx, leftQuery)
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("%d sends are left", len(left))
	}
	return err
}

// startReads reads sends at a steady rate, whether or not the reads before have ended, until the returned function is called.
func (l *backlog) startReads(ctx context.Context) (stop func() ([]time.Duration, error)) {
	ctx, cancel := context.WithCancel(ctx)
	took := make(chan []time.Duration, 1)
	var reads errgroup.Group
	go func() {
		var list []*time.Duration
		for i := 0; pause(ctx, readPeriod) == nil; i++ {
			one := new(time.Duration)
			list = append(list, one)
			reads.Go(func() error {
				began := time.Now()
				_, err := l.process.Send(context.WithoutCancel(ctx), l.ids[(i*997)%len(l.ids)])
				*one = time.Since(began)
				return err //nolint:wrapcheck // it is wrapped below
			})
		}
		_ = reads.Wait()
		all := make([]time.Duration, len(list))
		for i, one := range list {
			all[i] = *one
		}
		took <- all
	}()
	return func() ([]time.Duration, error) {
		cancel()
		times := <-took
		if err := reads.Wait(); err != nil {
			return nil, fmt.Errorf("read send: %w", err)
		}
		return times, nil
	}
}

// startPlain starts bare workflows with the input of a send.
func (l *backlog) startPlain(ctx context.Context, n int) (time.Duration, error) {
	var next atomic.Int64
	t, err := loopTimes(ctx, 32, n, func(ctx context.Context) (string, error) {
		id := l.ids[next.Add(1)-1]
		in := workflows.SendInput{
			ID: id, Rules: backlogPlan().Rules, AcceptedAt: time.Now().UTC(), Age: time.Minute, Settings: backlogSettings(),
			Installation: l.install,
		}
		_, err := l.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
			ID: "backlog/" + id, TaskQueue: "bench-backlog",
		}, "Bare", in)
		if err != nil {
			return "", fmt.Errorf("start workflow: %w", err)
		}
		return id, nil
	})
	return t.Took, err
}

func backlogSettings() workflows.Settings {
	return workflows.Settings{UnknownWait: time.Minute, SMSReceiptWait: time.Hour, Linger: 4 * time.Second}
}

// countdown closes done when n sends are done. It counts a send once.
type countdown struct {
	mu       sync.Mutex
	n        int
	isDone   map[string]bool
	done     chan struct{}
	repeated int // how often a send was done that was done before
}

func newCountdown(n int) *countdown {
	return &countdown{n: n, isDone: make(map[string]bool, n), done: make(chan struct{})}
}

func (c *countdown) count(send string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isDone[send] {
		c.repeated++
		return
	}
	c.isDone[send] = true
	if len(c.isDone) == c.n {
		close(c.done)
	}
}

// countingEngine counts starts.
type countingEngine struct {
	client.Client

	started *countdown
}

// ExecuteWorkflow implements handoff.Engine. A workflow that runs already counts as started: the answer of its start was lost.
func (e countingEngine) ExecuteWorkflow(
	ctx context.Context, o client.StartWorkflowOptions, workflow any, args ...any,
) (client.WorkflowRun, error) {
	run, err := e.Client.ExecuteWorkflow(ctx, o, workflow, args...)
	if _, runs := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); err == nil || runs {
		e.started.count(o.ID)
	}
	return run, err //nolint:wrapcheck // handoff wraps it
}

// countingStore counts the overdue sends that were ended.
type countingStore struct {
	*postgres.DB

	ended *countdown
}

// FinishOverdue implements handoff.Store.
func (s countingStore) FinishOverdue(ctx context.Context, send string) error {
	err := s.DB.FinishOverdue(ctx, send)
	if err == nil {
		s.ended.count(send)
	}
	return err //nolint:wrapcheck // handoff wraps it
}

func (l *backlog) sweepSends(ctx context.Context, n, sweepers int) (time.Duration, error) {
	started := newCountdown(n)
	return l.sweep(ctx, sweepers, started, func(db *postgres.DB) (handoff.Store, handoff.Engine) {
		return db, countingEngine{l.temporal, started}
	})
}

func (l *backlog) sweepOverdue(ctx context.Context, n, sweepers int) (time.Duration, error) {
	ended := newCountdown(n)
	return l.sweep(ctx, sweepers, ended, func(db *postgres.DB) (handoff.Store, handoff.Engine) {
		return countingStore{db, ended}, l.temporal
	})
}

const backlogPatience = 5 * time.Minute

// sweep runs sweepers, each with a pool of its own, until all is done that is counted.
func (l *backlog) sweep(
	ctx context.Context, n int, counted *countdown, parts func(*postgres.DB) (handoff.Store, handoff.Engine),
) (took time.Duration, err error) {
	ctx, stop := context.WithTimeout(ctx, backlogPatience)
	defer stop()
	var sweepers []*handoff.Handoff
	for i := range n {
		db := l.process
		if i > 0 {
			if db, err = postgres.Open(ctx, l.url, postgres.Options{}); err != nil {
				return 0, fmt.Errorf("open database: %w", err)
			}
			defer func() { err = errors.Join(err, db.Close()) }()
		}
		store, engine := parts(db)
		h, err := handoff.New(handoff.Options{
			Store: store, Engine: engine, Installation: l.install, Settings: backlogSettings(),
			Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		})
		if err != nil {
			return 0, fmt.Errorf("make sweeper: %w", err)
		}
		sweepers = append(sweepers, h)
	}
	var sweeping errgroup.Group
	began := time.Now()
	for _, h := range sweepers {
		sweeping.Go(func() error { h.Sweep(ctx); h.Close(); return nil })
	}
	select {
	case <-counted.done:
		took = time.Since(began)
	case <-ctx.Done():
		err = fmt.Errorf("not all were worked off: %w", ctx.Err())
	}
	stop()
	_ = sweeping.Wait() // it returns no error
	if counted.repeated > 0 {
		fmt.Println("REPEATED", counted.repeated)
	}
	return took, err
}
