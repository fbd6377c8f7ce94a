package handoff

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// batchPause is how long a write waits for others, so that one statement writes them all. Most sends are marked by then,
// because the begin of an attempt marks its send too. The pause must stay far below lease, and below the 5 s after which the
// sweeper may take a new row. Otherwise the sweeper repeats hand-overs: that is harmless, but costs the engine requests.
const batchPause = time.Second

// batch collects the results of hand-overs and writes many rows at a time. If a crash loses results, the sweeper repeats
// those hand-overs.
type batch[T any] struct {
	write func(ctx context.Context, items []T) error
	log   *slog.Logger

	mu      sync.Mutex
	items   []T
	timer   *time.Timer
	writing sync.WaitGroup
}

func (b *batch[T]) add(items ...T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.items) == 0 {
		b.writing.Add(1)
		b.timer = time.AfterFunc(batchPause, b.flush)
	}
	b.items = append(b.items, items...)
}

// flush writes the collected rows.
func (b *batch[T]) flush() {
	defer b.writing.Done()
	b.mu.Lock()
	items := b.items
	b.items = nil
	b.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), markTimeout)
	defer cancel()
	if err := b.write(ctx, items); err != nil {
		b.log.WarnContext(ctx, "hand-over not recorded, to be repeated by the sweeper", "rows", len(items), "error", err)
	}
}

// close writes the collected rows at once, and waits for writes in progress.
func (b *batch[T]) close() {
	b.mu.Lock()
	timer := b.timer
	b.mu.Unlock()
	if timer != nil && timer.Stop() {
		b.flush()
	}
	b.writing.Wait()
}
