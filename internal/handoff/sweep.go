package handoff

import (
	"context"
	"time"

	"github.com/backstophq/backstop"
)

const (
	// sweepEvery is how often the sweeper looks for what was not handed over.
	sweepEvery = time.Second
	// grace is how old a row must be, so that the sweeper leaves alone what a request is handing over.
	grace = engineTimeout + time.Second
	// sweepLimit bounds the rows that one sweep locks.
	sweepLimit = 50
	// sweepTimeout bounds one sweep, whose transaction is open while it talks to Temporal.
	sweepTimeout = 20 * time.Second
)

// Sweep hands over, until ctx is done, what requests could not. Any number of sweepers may run: rows that one holds
// are passed over by the others.
func (h *Handoff) Sweep(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		for h.sweepOnce(ctx) && ctx.Err() == nil {
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// sweepOnce sweeps both tables and reports whether there is more to do at once.
func (h *Handoff) sweepOnce(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, sweepTimeout)
	defer cancel()
	olderThan := h.now().Add(-grace)
	offered, marked, err := h.store.SweepSends(ctx, olderThan, sweepLimit, h.giveSend)
	more := h.swept(ctx, "sends", offered, marked, err)
	offered, marked, err = h.store.SweepReceipts(ctx, olderThan, sweepLimit, h.giveReceipt)
	return h.swept(ctx, "receipts", offered, marked, err) || more
}

// swept logs a sweep and reports whether another one at once would be of use: it was full, and Temporal took all.
func (h *Handoff) swept(ctx context.Context, what string, offered, marked int, err error) bool {
	switch {
	case ctx.Err() != nil:
		return false
	case err != nil:
		h.log.WarnContext(ctx, "sweep failed", "what", what, "error", err)
		return false
	case offered > 0:
		h.log.InfoContext(ctx, "swept", "what", what, "offered", offered, "handed_over", marked)
	}
	return offered == sweepLimit && marked == offered
}

func (h *Handoff) giveSend(ctx context.Context, send backstop.Send) error {
	return h.give(ctx, func(ctx context.Context) error { return h.start(ctx, send) })
}

func (h *Handoff) giveReceipt(ctx context.Context, receipt Handover) error {
	return h.give(ctx, func(ctx context.Context) error { return h.signal(ctx, receipt) })
}

// give hands one row over, at once failing while Temporal is known to be away, so that a sweep ends soon.
func (h *Handoff) give(ctx context.Context, hand func(context.Context) error) error {
	if h.now().UnixNano() < h.awayUntil.Load() {
		return errAway
	}
	ctx, cancel := context.WithTimeout(ctx, engineTimeout)
	defer cancel()
	err := hand(ctx)
	if err != nil {
		h.awayUntil.Store(h.now().Add(respite).UnixNano())
	}
	return err
}
