package activities

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/backstophq/backstop"
)

const (
	// removeAtOnce is how many sends one transaction removes. Fewer are slower, and more make other requests wait
	// (docs/performance.md).
	removeAtOnce = 100
	// After a day is counted, and after a batch is removed, a run pauses for this many times as long as that took.
	pauseOfDays, pauseOfRemovals = 1, 3
	// removeFor is how long one run removes. The next run of the schedule goes on.
	removeFor = 50 * time.Minute
)

// RetentionStore counts and removes old sends.
type RetentionStore interface {
	// CountDays counts the sends of up to limit days that are due, and returns how many days these were.
	CountDays(ctx context.Context, limit int) (int, error)

	// RemoveOld removes one batch, and returns how many sends it has looked at; 0 if nothing is left for now.
	RemoveOld(ctx context.Context, r backstop.Removal, limit int) (int, error)

	// RemoveOldInbound does so with the messages of people.
	RemoveOldInbound(ctx context.Context, what backstop.Removable, age time.Duration, limit int) (int, error)

	// RemoveOldAudit removes up to limit entries of the audit that are older than an age, and returns how many.
	RemoveOldAudit(ctx context.Context, age time.Duration, limit int) (int, error)
}

// Retention has the activity of workflows.RemoveOld.
type Retention struct {
	store     RetentionStore
	retention backstop.Retention
	log       *slog.Logger
}

// NewRetention returns the activities, or an error that names what is missing.
func NewRetention(store RetentionStore, r backstop.Retention, log *slog.Logger) (*Retention, error) {
	if store == nil || log == nil {
		return nil, errors.New("new retention: store and log are required")
	}
	return &Retention{store: store, retention: r, log: log}, nil
}

// RemoveOld counts the days that are due, and removes what is older than the settings of this process allow. It pauses after each
// batch, so that it uses a quarter of one connection, and half of one while it counts.
func (r *Retention) RemoveOld(ctx context.Context) error {
	began := time.Now()
	err := r.repeat(ctx, began, "days", pauseOfDays, func() (int, error) { return r.store.CountDays(ctx, 1) })
	if err != nil {
		return err
	}
	for _, removal := range r.retention.Removals() {
		err := r.remove(ctx, began, removal.Name(), func() (int, error) { return r.store.RemoveOld(ctx, removal, removeAtOnce) })
		if err != nil {
			return err
		}
	}
	for what, keep := range map[backstop.Removable]backstop.Keep{
		backstop.RemoveContent: r.retention.Content, backstop.RemoveNumbers: r.retention.Numbers,
		backstop.RemoveRecords: r.retention.Records,
	} {
		if keep[""] == 0 {
			continue
		}
		err := r.remove(ctx, began, "inbound messages", func() (int, error) {
			return r.store.RemoveOldInbound(ctx, what, keep[""], removeAtOnce)
		})
		if err != nil {
			return err
		}
	}
	if r.retention.Audit == 0 {
		return nil
	}
	return r.remove(ctx, began, "entries of the audit", func() (int, error) {
		return r.store.RemoveOldAudit(ctx, time.Duration(r.retention.Audit), removeAtOnce)
	})
}

func (r *Retention) remove(ctx context.Context, began time.Time, what string, batch func() (int, error)) error {
	return r.repeat(ctx, began, what, pauseOfRemovals, batch)
}

// repeat runs batches until one finds nothing, or the time of the run is over.
func (r *Retention) repeat(
	ctx context.Context, began time.Time, what string, pause int, batch func() (int, error),
) error {
	for total := 0; time.Since(began) < removeFor; {
		started := time.Now()
		n, err := batch()
		if err != nil {
			return fmt.Errorf("remove old %s: %w", what, err)
		}
		if n == 0 {
			if total > 0 {
				r.log.InfoContext(ctx, "retention has come to the end of its work", "what", what, "looked_at", total)
			}
			return nil
		}
		total += n
		activity.RecordHeartbeat(ctx)
		select {
		case <-ctx.Done():
			return fmt.Errorf("remove old %s: %w", what, ctx.Err())
		case <-time.After(time.Duration(pause) * time.Since(started)):
		}
	}
	return nil
}
