package handoff

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"
	"golang.org/x/sync/errgroup"
)

const (
	// sweepEvery is how often the sweeper looks for rows that were not handed over.
	sweepEvery = time.Second
	// maintainEvery is how often the store maintains its tables. A table that grows fast doubles within seconds.
	maintainEvery = 10 * time.Second
	// sweepAtOnce bounds the concurrent calls of a sweep to Temporal, and so its share of Temporal's capacity.
	sweepAtOnce = 32
	// claimLimit bounds the rows of one claim. The next rows are claimed while these are handed over.
	claimLimit = 2 * sweepAtOnce
	// sweepCall bounds one call of the sweeper to Temporal.
	sweepCall = 5 * time.Second
	// lease is how long other sweepers do not get a claimed row. It covers one call of sweepCall for each row of two claims, and
	// the writes that follow. After a crash, other sweepers claim the rows when the lease ends.
	lease = 30 * time.Second
	// overdueAtOnce bounds the overdue sends that are ended concurrently, and so the connections to Postgres that this takes.
	overdueAtOnce = 8
	// overdueLimit bounds the overdue sends of one claim.
	overdueLimit = 4 * overdueAtOnce
	// overdueLease covers an inquiry and a statement for each send of two claims. It is also the pause after a failed inquiry.
	overdueLease = 5 * time.Minute
	// inquireTimeout bounds one inquiry before the end of an overdue send. A failed inquiry is retried for inquireFor after the
	// receipt was due.
	inquireTimeout = 20 * time.Second
	inquireFor     = time.Hour
	// storeTimeout bounds one statement of the sweeper.
	storeTimeout = 10 * time.Second
	// awayPause is the pause before a row is tried again after Temporal did not answer. The next try uses another row, because
	// only a part of Temporal may be down.
	awayPause = 5 * time.Second
	// A row that Temporal refuses is tried maxRefusals times. The pause doubles from refusedPause to maxRefusedPause, so the
	// tries take 45 minutes in all. Meanwhile an operator can fix a fault of the installation.
	maxRefusals     = 10
	refusedPause    = 15 * time.Second
	maxRefusedPause = 10 * time.Minute
)

// Sweep runs the sweeper until ctx is done. The sweeper hands over the rows that requests could not, ends overdue sends,
// restarts lost workflows, and lets the store maintain its tables. Any number of sweepers may run, because each claims its own
// rows.
func (h *Handoff) Sweep(ctx context.Context) {
	var parts sync.WaitGroup
	parts.Go(func() { repeatEvery(ctx, sweepEvery, h.sweepSends) })
	parts.Go(func() { repeatEvery(ctx, sweepEvery, h.startScheduled) })
	parts.Go(func() { repeatEvery(ctx, sweepEvery, h.sweepReceipts) })
	parts.Go(func() { repeatEvery(ctx, sweepEvery, h.finishOverdue) })
	parts.Go(func() { repeatEvery(ctx, reconcileEvery, h.reconcile) })
	parts.Go(func() { repeatEvery(ctx, maintainEvery, h.maintain) })
	parts.Wait()
}

// repeatEvery runs a part of the sweeper at once, and again after each period, until ctx is done.
func repeatEvery(ctx context.Context, period time.Duration, part func(context.Context)) {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for ctx.Err() == nil {
		part(ctx)
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

func (h *Handoff) sweepSends(ctx context.Context) {
	claim := func(ctx context.Context, limit int) ([]SendClaim, error) {
		return h.store.ClaimSends(ctx, h.store.Now(), lease, limit)
	}
	sweep(ctx, h, pass[SendClaim]{what: "sends", atOnce: sweepAtOnce, limit: h.claimLimit, claim: claim, do: h.startClaimed})
}

func (h *Handoff) sweepReceipts(ctx context.Context) {
	claim := func(ctx context.Context, limit int) ([]ReceiptClaim, error) {
		return h.store.ClaimReceipts(ctx, h.store.Now(), lease, limit)
	}
	sweep(ctx, h, pass[ReceiptClaim]{
		what: "receipts", atOnce: sweepAtOnce, limit: h.claimLimit, claim: claim, do: h.signalClaimed,
	})
}

// finishOverdue ends the detached sends whose receipt has not come in time. It does not need Temporal.
func (h *Handoff) finishOverdue(ctx context.Context) {
	claim := func(ctx context.Context, limit int) ([]OverdueClaim, error) {
		return h.store.ClaimOverdue(ctx, h.store.Now(), overdueLease, limit)
	}
	limit := func() int { return overdueLimit }
	sweep(ctx, h, pass[OverdueClaim]{what: "overdue", atOnce: overdueAtOnce, limit: limit, claim: claim, do: h.endOverdue})
}

// claimLimit returns how many rows may be claimed for Temporal: one while it is away, and 0 before its next try.
func (h *Handoff) claimLimit() int {
	switch {
	case h.outage.isShut(h.now()):
		return 0
	case h.outage.isOn():
		return 1
	default:
		return claimLimit
	}
}

// pass is one kind of the sweeper's work.
type pass[T any] struct {
	what   string
	atOnce int
	limit  func() int // of the next claim; 0: the pass ends
	claim  func(ctx context.Context, limit int) ([]T, error)
	do     func(context.Context, T) bool // reports whether the row is done
}

// sweep claims rows until a claim returns fewer than its limit, and does them, atOnce concurrently. It claims the next rows while
// it does the last ones.
func sweep[T any](ctx context.Context, h *Handoff, p pass[T]) {
	claims := make(chan []T)
	go func() {
		defer close(claims)
		for more := true; more && ctx.Err() == nil; {
			limit := p.limit()
			if limit == 0 {
				return
			}
			rows, err := runStatement(ctx, func(ctx context.Context) ([]T, error) { return p.claim(ctx, limit) })
			if err != nil {
				h.sweepFailed(ctx, p.what, err)
			}
			claims <- rows
			more = len(rows) == limit
		}
	}()
	var found int
	var done atomic.Int64
	var calls errgroup.Group
	calls.SetLimit(p.atOnce)
	for rows := range claims {
		found += len(rows)
		for _, row := range rows {
			calls.Go(func() error {
				if p.do(ctx, row) {
					done.Add(1)
				}
				return nil
			})
		}
	}
	_ = calls.Wait() // no call returns an error
	if done.Load() > 0 {
		h.log.InfoContext(ctx, "swept", "what", p.what, "claimed", found, "done", done.Load())
	}
}

// maintain lets the store maintain its tables.
func (h *Handoff) maintain(ctx context.Context) {
	if err := h.store.Maintain(ctx); err != nil {
		h.sweepFailed(ctx, "maintenance", err)
	}
}

// endOverdue ends a send, and reports whether it has. Before, it asks the provider for the status of the message, because a
// receipt may be lost. If the provider does not answer, a sweep after the lease tries again, for inquireFor at most.
func (h *Handoff) endOverdue(ctx context.Context, c OverdueClaim) bool {
	if h.inquire != nil {
		asking, cancel := context.WithTimeout(ctx, inquireTimeout)
		_, err := h.inquire(asking, c.Send)
		cancel()
		if err != nil && mayAnswer(err) && h.store.Now().Before(c.By.Add(inquireFor)) {
			h.log.InfoContext(ctx, "provider did not answer an inquiry", "send", c.Send, "error", err)
			return false
		}
	}
	if err := runWrite(ctx, func(ctx context.Context) error { return h.store.FinishOverdue(ctx, c.Send) }); err != nil {
		h.sweepFailed(ctx, "overdue", err)
		return false
	}
	return true
}

// mayAnswer reports whether a failed inquiry is retried. It is not if the provider has no clear result, now or later.
func mayAnswer(err error) bool {
	failed, ok := errors.AsType[*temporal.ApplicationError](err)
	return !ok || !failed.NonRetryable()
}

// runStatement runs one statement of the sweeper within storeTimeout.
func runStatement[T any](ctx context.Context, statement func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return statement(ctx)
}

// runWrite runs one statement of the sweeper that returns no rows.
func runWrite(ctx context.Context, statement func(context.Context) error) error {
	_, err := runStatement(ctx, func(ctx context.Context) (struct{}, error) { return struct{}{}, statement(ctx) })
	return err
}

func (h *Handoff) sweepFailed(ctx context.Context, what string, err error) {
	if ctx.Err() == nil {
		h.log.WarnContext(ctx, "sweep failed", "what", what, "error", err)
	}
}

// startClaimed starts the workflow of a claimed send.
func (h *Handoff) startClaimed(ctx context.Context, c SendClaim) bool {
	err := c.Err
	if err == nil {
		err = h.callFromSweep(ctx, func(ctx context.Context) error {
			return h.startWorkflow(ctx, c.Send, lateStart)
		})
	}
	switch {
	case err == nil:
		h.started.add(c.Send.ID)
		return true
	case isRefused(err) && c.Tries+1 >= maxRefusals:
		h.abandonRefused(ctx, c, err)
	default:
		h.deferredSends.add(h.deferral(ctx, claimed{c.Send.ID, c.Send.ID, c.Tries}, err))
	}
	return false
}

// abandonRefused ends a send that Temporal refuses for good, or whose row cannot be read.
func (h *Handoff) abandonRefused(ctx context.Context, c SendClaim, refusal error) {
	reason := fmt.Sprintf("the engine refused it %d times: %s", maxRefusals, serviceerror.ToStatus(refusal).Code())
	if c.Err != nil {
		reason = "its stored form cannot be read"
	}
	err := runWrite(ctx, func(ctx context.Context) error { return h.store.Abandon(ctx, c.Send.ID, reason) })
	if err != nil {
		h.sweepFailed(ctx, "refused sends", err)
		h.deferredSends.add(Deferral{ID: c.Send.ID, Until: h.store.Now().Add(maxRefusedPause)})
		return
	}
	h.started.add(c.Send.ID) // so it is not claimed again
	h.log.ErrorContext(ctx, "send given up", "send", c.Send.ID, "reason", reason, "error", refusal)
}

// signalClaimed signals a claimed receipt. If Temporal refuses it for good, the signal is dropped. The receipt is stored, and the
// ledger uses it when the workflow makes its next call. If there is no workflow, the send is checked now: reconcile starts a lost
// workflow again. Later checks come at their own time.
func (h *Handoff) signalClaimed(ctx context.Context, c ReceiptClaim) bool {
	err := c.Err
	if err == nil {
		err = h.callFromSweep(ctx, func(ctx context.Context) error { return h.signal(ctx, c.Handover) })
	}
	if isGone(err) {
		if err := runWrite(ctx, func(ctx context.Context) error { return h.store.CheckNow(ctx, c.Send) }); err != nil {
			h.sweepFailed(ctx, "receipts", err)
		}
	}
	switch {
	case err == nil:
		h.signalled.add(c.ID)
		return true
	case isRefused(err) && c.Tries+1 >= maxRefusals:
		h.signalled.add(c.ID)
		h.log.ErrorContext(ctx, "receipt not signalled: the engine refuses it", "send", c.Send, "error", err)
	default:
		h.deferredReceipts.add(h.deferral(ctx, claimed{c.ID, c.Send, c.Tries}, err))
	}
	return false
}

// callFromSweep makes one call to Temporal within sweepCall. It makes none if the sweeper stops.
func (h *Handoff) callFromSweep(ctx context.Context, do func(context.Context) error) error {
	if ctx.Err() != nil {
		return serviceerror.NewCanceled("the sweeper stops") //nolint:wrapcheck // it is made here
	}
	ctx, cancel := context.WithTimeout(ctx, sweepCall)
	defer cancel()
	return h.callEngine(ctx, do)
}

// claimed identifies a claimed row.
type claimed struct {
	row, send string // ids
	tries     int
}

// deferral returns when a row is tried again: at once if no call was made, after awayPause if Temporal did not answer, and
// after a growing pause if Temporal refused.
func (h *Handoff) deferral(ctx context.Context, c claimed, err error) Deferral {
	now := h.store.Now()
	switch {
	case errors.Is(err, errAway), isCanceled(err):
		return Deferral{ID: c.row, Until: now}
	case !isRefused(err):
		return Deferral{ID: c.row, Until: now.Add(awayPause)}
	}
	if c.tries == 0 {
		h.log.WarnContext(ctx, "temporal refuses a hand-over", "send", c.send, "error", err)
	}
	return Deferral{ID: c.row, Until: now.Add(min(refusedPause<<c.tries, maxRefusedPause)), Failed: true}
}

// isRefused reports whether Temporal, or its SDK, refuses this row. It returns false if Temporal is away.
func isRefused(err error) bool { return !errors.Is(err, errAway) && !isCanceled(err) && !isAway(err) }
