package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v4/process"

	"github.com/backstophq/backstop/client"
)

const (
	finishedSends = 2000
	fewParked     = 10_000
	manyParked    = 50_000
	kilobyte      = 1024.0
	// maxMemoryGrowth is the target for the memory at many parked sends, divided by the memory at few.
	maxMemoryGrowth = 1.25
)

// footprint is the size of Backstop's memory and of the databases, in bytes.
type footprint struct {
	Sends    int   `json:"sends"` // finished or parked so far in this state
	RSS      int64 `json:"rss"`
	Heap     int64 `json:"heap"` // after a garbage collection
	Stack    int64 `json:"stack"`
	Backstop int64 `json:"database_backstop"`
	Temporal int64 `json:"database_temporal"`
}

// measureParked measures the memory of Backstop and the sizes of the databases while many sends wait.
func (b *bench) measureParked(ctx context.Context) error {
	policy, err := b.send.policy(ctx, "Parked", rule{client.RuleTypeUndelivered, 24 * time.Hour})
	if err != nil {
		return err
	}
	start, err := b.measureFootprint(ctx, 0)
	if err != nil {
		return err
	}
	n := b.flags.scaled(finishedSends)
	b.logProgress("finishing %d sends", n)
	if _, err := loopTimes(ctx, b.flags.inFlight, n, func(ctx context.Context) (string, error) {
		return b.send.sendToEnd(ctx, sendInput{to: nextReadRecipient(), policy: policy})
	}); err != nil {
		return err
	}
	prints := make([]footprint, 0, 4)
	finished, err := b.measureFootprint(ctx, n)
	if err != nil {
		return err
	}
	prints = append(prints, start, finished)
	parked := 0
	for _, want := range []int{b.flags.scaled(fewParked), b.flags.scaled(manyParked)} {
		b.logProgress("parking %d sends", want)
		if _, err := b.parkSends(ctx, b.flags.inFlight, want-parked, func(int) sendInput {
			return sendInput{to: nextRecipient(scenarioSentOnly), policy: policy}
		}); err != nil {
			return err
		}
		parked = want
		f, err := b.measureFootprint(ctx, parked)
		if err != nil {
			return err
		}
		prints = append(prints, f)
	}
	b.raw["parked"] = prints
	b.printParked(prints)
	return nil
}

// measureFootprint waits until the processes are at rest, and measures.
func (b *bench) measureFootprint(ctx context.Context, sends int) (footprint, error) {
	if err := pauseFor(ctx, 2*settleTime); err != nil {
		return footprint{}, err
	}
	f := footprint{Sends: sends}
	var err error
	if f.Heap, f.Stack, err = b.readHeap(ctx); err != nil {
		return f, err
	}
	p, err := process.NewProcessWithContext(ctx, b.backstop.PID())
	if err != nil {
		return f, fmt.Errorf("find backstop's process: %w", err)
	}
	memory, err := p.MemoryInfoWithContext(ctx)
	if err != nil {
		return f, fmt.Errorf("read backstop's memory: %w", err)
	}
	f.RSS = int64(memory.RSS) //nolint:gosec // no machine has so much
	f.Backstop, f.Temporal, err = b.store.sizes(ctx)
	return f, err
}

// readHeap reads the live heap and the stacks of Backstop, in bytes, from its pprof server.
func (b *bench) readHeap(ctx context.Context) (heap, stack int64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.pprofURL+"/debug/pprof/heap?gc=1&debug=1", nil)
	if err != nil {
		return 0, 0, fmt.Errorf("make request: %w", err)
	}
	res, err := b.http.Do(req)
	if err != nil {
		return 0, 0, fmt.Errorf("read heap profile: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		name, value, _ := strings.Cut(strings.TrimPrefix(lines.Text(), "# "), " = ")
		value, _, _ = strings.Cut(value, " / ")
		switch name {
		case "HeapAlloc":
			heap, err = strconv.ParseInt(value, 10, 64)
		case "Stack":
			stack, err = strconv.ParseInt(value, 10, 64)
		}
		if err != nil {
			return 0, 0, fmt.Errorf("read heap profile: %w", err)
		}
	}
	return heap, stack, nil
}

func (b *bench) printParked(prints []footprint) {
	t := table{
		title: "Memory of Backstop (API and worker in one process) and size of the databases; per send against the row above",
		notes: []string{
			"Heap: after a garbage collection. Databases: with their indexes, without the write-ahead log. Temporal deletes the",
			"rows of finished sends after the retention period of the namespace.",
		},
	}
	t.row("", "RSS MB", "heap MB", "stack MB", "memory KB/send", "backstop's database KB/send", "temporal's KB/send")
	names := []string{"at the start", "finished: ", "parked: ", "parked: "}
	for i, f := range prints {
		row := []string{names[i], megabytesOf(f.RSS), megabytesOf(f.Heap), megabytesOf(f.Stack), "", "", ""}
		if i > 0 {
			before, sends := prints[i-1], f.Sends
			row[0] += strconv.Itoa(sends)
			if i == 3 {
				sends -= before.Sends
			}
			per := func(bytes int64) string { return formatNumber(float64(bytes) / kilobyte / float64(max(1, sends))) }
			row[4] = per(f.Heap + f.Stack - before.Heap - before.Stack)
			row[5], row[6] = per(f.Backstop-before.Backstop), per(f.Temporal-before.Temporal)
		}
		t.row(row...)
	}
	b.printTable(t)
	few, many := prints[2], prints[3]
	b.atMost(fmt.Sprintf("heap and stacks with %d parked sends, of those with %d", many.Sends, few.Sends),
		float64(many.Heap+many.Stack)/float64(few.Heap+few.Stack), maxMemoryGrowth, "x")
}

func megabytesOf(bytes int64) string { return formatNumber(float64(bytes) / kilobyte / kilobyte) }
