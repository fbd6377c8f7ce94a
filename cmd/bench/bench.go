package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"time"
)

// bench is one run of the program.
type bench struct {
	*stack

	flags       flags
	out         io.Writer
	http        *http.Client
	logProgress progressLog
	log         *slog.Logger // of the product's code in this process; warnings only

	throughput float64 // of Backstop, completed sends per second; 0 until measured
	targets    []target
	raw        map[string]any // the raw numbers, by part
}

// part is one measurement.
type part struct {
	name string
	run  func(*bench, context.Context) error
}

func allParts() []part {
	return []part{
		{"throughput", (*bench).measureThroughput},
		{"events", (*bench).measureEvents},
		{"latency", (*bench).measureLatency},
		{"receipts", (*bench).measureReceipts},
		{"timers", (*bench).measureTimers},
		{"parked", (*bench).measureParked},
		{"lists", (*bench).measureLists},
		{"backlog", (*bench).measureBacklog},
		{"callbacks", (*bench).measureCallbacks},
		{"scheduled", (*bench).measureScheduled},
		{"guards", (*bench).measureGuards},
		{"metrics", (*bench).measureMetrics},
		{"codec", (*bench).measureCodec},
		{"sealed", (*bench).measureSealed},
		{"numbers", (*bench).measureNumbers},
		{"retention", (*bench).measureRetention},
	}
}

func partNames() []string {
	var names []string
	for _, p := range allParts() {
		names = append(names, p.name)
	}
	return names
}

// measureParts runs the selected parts in order, and prints their results and the targets.
func measureParts(ctx context.Context, f flags, env map[string]string, stdout, stderr io.Writer) (err error) {
	began := time.Now()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	b := &bench{
		flags: f, out: stdout, http: newHTTPClient(), raw: map[string]any{},
		log: slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	b.logProgress = func(format string, values ...any) {
		fmt.Fprintf(stderr, "%5.0f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, values...))
	}
	b.logProgress("starting backstop and the hand-written workflows")
	if b.stack, err = startStack(ctx, f, env, b.logProgress, fail); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.stop()) }()
	go func() {
		if err := b.send.watchEnds(ctx); err != nil {
			fail(err)
		}
	}()
	b.printMachine()
	for _, name := range f.only {
		b.logProgress("measuring %s", name)
		if err := partOf(name).run(b, ctx); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			return fmt.Errorf("measure %s: %w", name, err)
		}
	}
	b.printTargets()
	return b.writeRaw()
}

func partOf(name string) part {
	for _, p := range allParts() {
		if p.name == name {
			return p
		}
	}
	return part{} // cannot happen: flags.check refuses an unknown name
}

func (b *bench) printMachine() {
	fmt.Fprintf(b.out, "backstop %s, %s/%s, %d processors, %s, %s\n", version, runtime.GOOS, runtime.GOARCH,
		runtime.NumCPU(), runtime.Version(), time.Now().UTC().Format(time.RFC3339))
}

const rawMode = 0o644

// writeRaw writes the raw numbers to the file of -json.
func (b *bench) writeRaw() error {
	if b.flags.json == "" {
		return nil
	}
	f := b.flags
	b.raw["run"] = map[string]any{
		"version": version, "processors": runtime.NumCPU(), "go": runtime.Version(), "rounds": f.rounds,
		"round_seconds": f.round.Seconds(), "in_flight": f.inFlight, "scale": f.scale, "activity": f.activity,
	}
	b.raw["targets"] = b.targets
	text, err := json.MarshalIndent(b.raw, "", "  ")
	if err != nil {
		return fmt.Errorf("encode numbers: %w", err)
	}
	if err := os.WriteFile(b.flags.json, append(text, '\n'), rawMode); err != nil {
		return fmt.Errorf("write numbers: %w", err)
	}
	return nil
}

// pauseFor waits. A pause between two measurements keeps the remaining work of the first out of the second.
func pauseFor(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return fmt.Errorf("pause: %w", context.Cause(ctx))
	}
}
