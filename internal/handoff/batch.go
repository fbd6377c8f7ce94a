package handoff

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// batchPause is how long a write waits for others, so that one statement writes them all. Most sends are marked by then: the
// beginning of an attempt does it too. It must stay far below grace and lease: the sweeper hands over again what is not
// marked by then, which changes nothing but costs the engine a request.
const batchPause = time.Second

// batch gathers what came of hand-overs and records it, many rows at a time. What a crash loses of it is handed over once
// more.
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

// flush writes what has gathered.
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

// close writes what has gathered at once, and waits until it is written.
func (b *batch[T]) close() {
	b.mu.Lock()
	timer := b.timer
	b.mu.Unlock()
	if timer != nil && timer.Stop() {
		b.flush()
	}
	b.writing.Wait()
}
