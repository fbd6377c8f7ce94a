package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"
)

// runTrials makes all runs and prints the results. kept reports whether no property was breached.
func runTrials(ctx context.Context, f flags, stdout, stderr io.Writer) (kept bool, err error) {
	began := time.Now()
	var printing sync.Mutex
	if f.isRolling {
		if f.previousProgram, err = buildRelease(ctx, ".", f.previous, filepath.Join(f.data, previousRelease)); err != nil {
			return false, err
		}
	}
	trials := f.trials()
	outcomes := make([]outcome, len(trials))
	records := make([]*record, len(trials))
	runs, ctx := errgroup.WithContext(ctx)
	runs.SetLimit(f.parallel)
	for i, t := range trials {
		said := func(format string, values ...any) {
			printing.Lock()
			defer printing.Unlock()
			fmt.Fprintf(stderr, "%5.0f s  %s: %s\n", time.Since(began).Seconds(), t.name(), fmt.Sprintf(format, values...))
		}
		runs.Go(func() error {
			r, err := runFolder(ctx, f, t, said)
			if err != nil {
				return fmt.Errorf("%s: %w", t.name(), err)
			}
			records[i], outcomes[i] = r, checkAll(t, r)
			printing.Lock()
			defer printing.Unlock()
			printBreaches(stdout, outcomes[i], r)
			return nil
		})
	}
	if err := runs.Wait(); err != nil {
		return false, err //nolint:wrapcheck // it is one of those above
	}
	if f.isRolling {
		printCounts(stdout, outcomes, records)
	}
	printTable(stdout, outcomes)
	isFalse := f.isRolling && slices.ContainsFunc(records, func(r *record) bool { return r.falseFallbacks() > 0 })
	return !isFalse && !slices.ContainsFunc(outcomes, outcome.breached), nil
}

// runFolder makes one run in its own folder. The folder stays if the run fails, a property is breached or -keep is set.
func runFolder(ctx context.Context, f flags, t trial, said say) (*record, error) {
	said("%d sends in %s; faults: %s", f.sends, f.duration, strings.Join(textsOf(f.faults), ", "))
	folder := t.folder(f.data)
	if err := os.RemoveAll(folder); err != nil {
		return nil, fmt.Errorf("remove old data: %w", err)
	}
	r, err := runTrial(ctx, f, t, folder, said)
	if err != nil {
		return nil, fmt.Errorf("%w; its logs are in %s", err, folder)
	}
	if f.keep || checkAll(t, r).breached() {
		said("data and logs are kept in %s", folder)
		return r, nil
	}
	if err := os.RemoveAll(folder); err != nil {
		return nil, fmt.Errorf("remove data: %w", err)
	}
	return r, nil
}

// runTrial makes one run on a new installation and returns its record.
func runTrial(ctx context.Context, f flags, t trial, folder string, said say) (*record, error) {
	random := rand.New(rand.NewPCG(t.seed, t.seed)) //nolint:gosec // the same seed makes the same run
	faults := planFaults(random, f.faults, f.duration)
	if t.deploy != "" {
		faults = t.deploy.plan(f.duration)
	}
	orders := planOrders(random, f.sends, f.duration, faults)
	s, err := startStack(ctx, f, t, folder, planSkew(random, f.faults), said)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	for _, p := range policiesOf(orders) {
		if err := s.api.makePolicy(ctx, p); err != nil {
			return nil, err
		}
	}
	said("started; the load begins")
	began := time.Now()
	l, i := &load{api: s.api}, &injector{stack: s, say: said}
	watching, stopWatching := context.WithCancel(ctx)
	defer stopWatching()
	go l.watch(watching)
	seen := make(chan []leak, 1)
	go func() { seen <- watchEngine(watching, s.temporal.address(), l) }()
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		l.run(ctx, orders, began)
	}()
	r := &record{}
	if t.deploy == "" {
		r.faults = i.run(ctx, faults, began)
	} else if r.faults, err = s.runDeployment(ctx, f, faults, began, said); err != nil {
		return nil, err
	}
	<-loaded
	if ctx.Err() != nil {
		return nil, fmt.Errorf("interrupted: %w", ctx.Err())
	}
	said("the faults are over; waiting for the sends to end")
	if err := s.waitReady(ctx); err != nil {
		return nil, err
	}
	if err := l.settle(ctx, f.settle, said); err != nil {
		return nil, err
	}
	sleepFor(ctx, lastReceipts)
	stopWatching()
	r.leaks = <-seen
	if err := collectRecord(ctx, s, l, r, said); err != nil || t.deploy == "" {
		return r, err
	}
	r.splitUnknown()
	for _, one := range r.refused {
		said("%s", one)
	}
	if r.migrations, err = s.appliedMigrations(); err != nil {
		return nil, err
	}
	return r, r.checkDeployment()
}

// lastReceipts is how long receipts may still arrive after the last send has ended.
const lastReceipts = 3 * time.Second

// collectRecord reads the data that the checks use.
func collectRecord(ctx context.Context, s *stack, l *load, r *record, said say) error {
	reports := s.front.recordedReports() // before the sends are read: Infobip repeats a webhook after minutes
	calls, err := s.providerCalls(ctx)
	if err != nil {
		return err
	}
	r.sends, r.refused = l.sends, s.front.refusals()
	byNumber := map[string]*sendRecord{}
	for _, one := range r.sends {
		byNumber[one.Number] = one
		one.Calls = calls[one.Number]
		delete(calls, one.Number)
		if one.ID == "" {
			continue
		}
		if one.Final, err = s.api.get(ctx, one.ID); err != nil {
			one.Problems = append(one.Problems, err.Error())
		}
	}
	r.calls, r.offset = calls, clockOffset(r.sends)
	for _, one := range reports {
		if send := byNumber[one.To]; send != nil {
			send.Reports = append(send.Reports, one)
		}
	}
	stored, err := s.api.list(ctx, "")
	if err != nil {
		return err
	}
	for id, number := range stored {
		if send := byNumber[number]; send == nil || send.ID != id && send.ID != "" {
			r.extra = append(r.extra, id+" to "+maskNumber(number))
		}
	}
	for _, one := range s.serves {
		r.crashes = append(r.crashes, slices.Repeat([]string{one.name}, one.crashed())...)
	}
	return readEngine(ctx, s, r, said)
}

// readEngine reads the running workflows and the histories from Temporal.
func readEngine(ctx context.Context, s *stack, r *record, said say) error {
	options := client.Options{HostPort: s.temporal.address(), Logger: slog.New(slog.DiscardHandler)}
	engine, err := client.DialContext(ctx, options)
	if err != nil {
		return fmt.Errorf("reach temporal: %w", err)
	}
	defer engine.Close()
	running, err := runningAfter(ctx, engine, said)
	if err != nil {
		return err
	}
	r.running = map[string]bool{}
	for _, id := range running {
		r.running[id] = true
	}
	return searchLeaks(ctx, engine, s, r)
}

func policiesOf(orders []order) []*policy {
	var found []*policy
	for _, o := range orders {
		if !slices.Contains(found, o.Policy) {
			found = append(found, o.Policy)
		}
	}
	return found
}
