package handoff

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/backstophq/backstop"
)

const (
	// sweepEvery is how often the sweeper looks for what was not handed over.
	sweepEvery = time.Second
	// grace is how old a row must be, so that the sweeper leaves alone what a request is handing over.
	grace = patience + 3*time.Second
	// sweepLimit bounds the rows that one sweep locks, not counting those that it only passes over.
	sweepLimit = 50
	// sweepFor is how long one sweep goes on asking Temporal. With the last answer it stays below the lock_timeout of
	// internal/postgres, so that an activity of a send whose row is locked waits rather than fails.
	sweepFor = 2 * time.Second
	// sweepCall bounds one call of the sweeper, which holds the lock of the row.
	sweepCall = 2 * time.Second
	// sweepTimeout bounds one sweep with all that it does in Postgres.
	sweepTimeout = 10 * time.Second
	// awayPause is how long a row is passed over after Temporal did not answer for it, so that the next try is made
	// with another row: only a part of Temporal may be down.
	awayPause = 5 * time.Second
	// refusedPause is how long a row is passed over after Temporal refused it.
	refusedPause = time.Minute
	// maxPaused bounds the rows that are passed over.
	maxPaused = 500
)

var (
	errPaused = errors.New("passed over after a failure")
	errTimeUp = errors.New("left to the next sweep")
)

// Sweep hands over, until ctx is done, what requests could not. Any number of sweepers may run: rows that one holds
// are passed over by the others.
func (h *Handoff) Sweep(ctx context.Context) {
	s := &sweeper{Handoff: h, paused: map[string]time.Time{}, left: map[string]bool{}}
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		for more := true; more && ctx.Err() == nil; {
			more = s.round(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// sweeper is one run of Sweep. Rows are offered oldest first, so one that Temporal refuses would come first for ever:
// it is passed over for a while, and more rows are asked for instead.
type sweeper struct {
	*Handoff

	paused map[string]time.Time // until when, by the row's id
	left   map[string]bool      // the sends that this round did not hand over, for whatever reason
	timeUp time.Time            // when this sweep stops asking Temporal
	failed int                  // rows of this sweep that were tried, or due, and not handed over
}

// round sweeps both tables, ends what is overdue, and reports whether there is more to do at once.
func (s *sweeper) round(ctx context.Context) bool {
	clear(s.left)
	olderThan := s.now().Add(-grace) // for both, so that a receipt's send was offered before it
	sends := s.sweep(ctx, "sends", func(ctx context.Context, limit int) (int, int, error) {
		return s.store.SweepSends(ctx, olderThan, limit, s.giveSend)
	})
	receipts := s.sweep(ctx, "receipts", func(ctx context.Context, limit int) (int, int, error) {
		return s.store.SweepReceipts(ctx, olderThan, limit, s.giveReceipt)
	})
	overdue := s.sweep(ctx, "overdue", func(ctx context.Context, limit int) (int, int, error) {
		n, err := s.store.FinishOverdue(ctx, s.now(), limit)
		return n, n, err
	})
	return sends || receipts || overdue
}

// sweep sweeps one table and reports whether to go on at once: it was full, and Temporal took all that was due.
func (s *sweeper) sweep(
	ctx context.Context, what string, table func(ctx context.Context, limit int) (offered, marked int, err error),
) bool {
	now := s.now()
	maps.DeleteFunc(s.paused, func(_ string, until time.Time) bool { return !now.Before(until) })
	s.timeUp, s.failed = now.Add(sweepFor), 0
	limit := sweepLimit + len(s.paused)
	bounded, cancel := context.WithTimeout(ctx, sweepTimeout)
	defer cancel()
	offered, marked, err := table(bounded, limit)
	switch {
	case ctx.Err() != nil:
		return false
	case err != nil:
		s.log.WarnContext(ctx, "sweep failed", "what", what, "error", err)
		return false
	case marked > 0:
		s.log.InfoContext(ctx, "swept", "what", what, "offered", offered, "done", marked)
	}
	return offered == limit && marked > 0 && s.failed == 0
}

func (s *sweeper) giveSend(ctx context.Context, send backstop.Send) error {
	err := s.give(ctx, send.ID, send.ID, func(ctx context.Context) error {
		return s.start(ctx, send, false) // the call may be given up, and then a task that came with it would be lost
	})
	s.left[send.ID] = err != nil
	return err
}

// giveReceipt signals a receipt, but not before its send was handed over: Temporal would answer that there is no such
// workflow, and that would be taken for one that has ended.
func (s *sweeper) giveReceipt(ctx context.Context, receipt Handover) error {
	if s.left[receipt.Send] {
		s.pause(receipt.ID, sweepEvery)
		return errPaused
	}
	return s.give(ctx, receipt.ID, receipt.Send, func(ctx context.Context) error { return s.signal(ctx, receipt) })
}

// give hands one row over, unless it is paused, the sweep has taken long enough, or Temporal is away.
func (s *sweeper) give(ctx context.Context, row, send string, hand func(context.Context) error) error {
	now := s.now()
	if now.Before(s.paused[row]) {
		return errPaused
	}
	if !now.Before(s.timeUp) {
		s.failed++
		return errTimeUp
	}
	ctx, cancel := context.WithTimeout(ctx, sweepCall)
	defer cancel()
	err := s.hand(ctx, hand)
	if err == nil {
		return nil
	}
	s.failed++
	switch {
	case errors.Is(err, errAway), isCanceled(err):
	case isAway(err):
		s.pause(row, awayPause)
	default:
		s.pause(row, refusedPause)
		s.log.ErrorContext(ctx, "temporal refuses a hand-over", "send", send, "error", err)
	}
	return err
}

func (s *sweeper) pause(row string, d time.Duration) {
	if len(s.paused) < maxPaused {
		s.paused[row] = s.now().Add(d)
	}
}
