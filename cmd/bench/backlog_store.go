package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres"
)

const (
	fillInFlight = 16
	readPeriod   = 10 * time.Millisecond
)

// backlog is a database with sends that have no worker.
type backlog struct {
	store    *store
	url      string
	install  string
	db       *postgres.DB // of the process that stores the sends
	temporal client.Client
	process  *postgres.DB   // of the first sweeper of this round
	others   []*postgres.DB // of the other sweepers of this round
	ids      []string       // of the sends of this round
	repeated int            // starts and ends that happened twice in this round
	log      *slog.Logger
}

// openBacklog creates a database and opens it.
func (b *bench) openBacklog(ctx context.Context, database string) (_ *backlog, err error) {
	if err := b.store.createDatabase(ctx, database); err != nil {
		return nil, err
	}
	address, err := url.Parse(b.databaseURL)
	if err != nil {
		return nil, errors.New("BACKSTOP_DATABASE_URL is not a URL")
	}
	address.Path = "/" + database
	l := &backlog{url: address.String(), log: b.log}
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

// close closes the connections and adds its own errors to err.
func (l *backlog) close(err error) error {
	if l.temporal != nil {
		l.temporal.Close()
	}
	err = errors.Join(err, l.endRound())
	if l.db != nil {
		err = errors.Join(err, l.db.Close())
	}
	if l.store != nil {
		err = errors.Join(err, l.store.db.Close())
	}
	return err
}

// storeSends stores the sends of a round, as a process without access to Temporal does. It opens the pool of the first sweeper.
func (l *backlog) storeSends(ctx context.Context, c backlogContestant) (err error) {
	if err := l.endRound(); err != nil {
		return err
	}
	if l.process, err = postgres.Open(ctx, l.url, postgres.Options{}); err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	var ids collector
	store := l.insertSend
	if c.isOverdue() {
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
	l.ids, l.repeated = ids.list, 0
	if c.name == startPlain32 { // this contestant only reads the sends
		if err := l.db.MarkSent(ctx, l.ids); err != nil {
			return fmt.Errorf("mark sends: %w", err)
		}
	}
	for _, statement := range []string{makeDue, analyseTables} {
		if _, err := l.store.db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
	}
	return nil
}

// makeDue lets a sweeper claim the sends at once. Without it, a sweeper claims a send 5 s after the send was stored.
const makeDue = `UPDATE sends SET sweep_at = now() WHERE NOT handed_over OR receipt_by IS NOT NULL`

// endRound closes the pools of a round's sweepers. They stay open until the meter has read the CPU time of their connections.
func (l *backlog) endRound() (err error) {
	for _, db := range append(l.others, l.process) {
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}
	l.process, l.others = nil, nil
	return err
}

// insertSend stores a send without a workflow.
func (l *backlog) insertSend(ctx context.Context) (string, error) {
	at := l.db.Now()
	id, err := l.db.NewID(at)
	if err != nil {
		return "", fmt.Errorf("make id: %w", err)
	}
	send := backstop.Send{
		ID: id, AcceptedAt: at, To: nextRecipient(scenarioSilent), Country: "GB", Text: whatsAppText, SMSText: whatsAppText,
		Status: backstop.Statuses{WhatsApp: backstop.Queued}, Outcome: backstop.OutcomePending, Plan: backlogPlan(),
	}
	if _, _, err = l.db.InsertSend(ctx, send, nil); err != nil {
		return "", fmt.Errorf("store send: %w", err)
	}
	return id, nil
}

func backlogPlan() backstop.Plan {
	const id = "0190a0a0-0000-7000-8000-000000000001"
	return backstop.Plan{PolicyID: id, PolicyName: "Backlog", Account: "meta", Rules: []backstop.Rule{{
		ID: id, Name: "undelivered", Type: backstop.Undelivered, WaitSeconds: 3600, SendID: "Acme",
		Routes: []backstop.Route{{Account: "twilio"}},
	}}}
}

// insertOverdue stores a send whose SMS was accepted and whose receipt is overdue.
func (l *backlog) insertOverdue(ctx context.Context) (string, error) {
	id, err := l.insertSend(ctx)
	if err != nil {
		return "", err
	}
	call := backstop.Call{
		Channel: backstop.SMS, ByFailure: true, Token: id,
		Candidates: []backstop.Candidate{{Account: "twilio", Provider: "twilio"}},
	}
	if _, _, err := l.db.Begin(ctx, id, call); err != nil {
		return "", fmt.Errorf("begin call: %w", err)
	}
	_, _, err = l.db.End(ctx, id, backstop.Ending{
		Step: call.Step(), Token: id, Submission: backstop.Submission{MessageID: id}, SMSReceiptWait: time.Millisecond,
	})
	if err != nil {
		return "", fmt.Errorf("end call: %w", err)
	}
	return id, nil
}

const unfinishedQuery = `SELECT id FROM sends WHERE NOT handed_over OR receipt_by IS NOT NULL`

// checkEmpty fails if the backlog still has a row.
func (l *backlog) checkEmpty(ctx context.Context) error {
	unfinished, err := l.store.strings(ctx, unfinishedQuery)
	if err == nil && len(unfinished) > 0 {
		err = fmt.Errorf("%d sends are still in the backlog", len(unfinished))
	}
	return err
}

// startReads reads single sends at a constant rate, until its caller calls the returned function. A slow read does not delay
// the next one.
func (l *backlog) startReads(ctx context.Context) (stop func() ([]time.Duration, error)) {
	ctx, cancel := context.WithCancel(ctx)
	took := make(chan []time.Duration, 1)
	var reads errgroup.Group
	go func() {
		var list []*time.Duration
		for i := 0; pauseFor(ctx, readPeriod) == nil; i++ {
			one := new(time.Duration)
			list = append(list, one)
			reads.Go(func() error {
				began := time.Now()
				_, err := l.process.Send(context.WithoutCancel(ctx), l.ids[(i*997)%len(l.ids)])
				*one = time.Since(began)
				return err
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
