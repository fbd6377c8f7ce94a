package handoff

import "context"

const (
	// scheduledAtOnce bounds the concurrent starts of scheduled sends. It is less than sweepAtOnce, so that a backlog of other
	// sends has more of Temporal's capacity.
	scheduledAtOnce = 8
	// scheduledLimit bounds the scheduled sends of one claim, so that lease covers a call for each of two claims.
	scheduledLimit = 2 * scheduledAtOnce
)

// startScheduled starts the scheduled sends whose turn has come, in batches of scheduledLimit. The rate ends it, until the next
// sweep. Sends that are accepted meanwhile do not wait for it: their requests start them, and sweepSends claims the rest by
// another index.
//
// A claim gives a send its turn once. If its start fails, or this process dies, the send is one that was not handed over:
// sweepSends starts it, and the rate does not count it again.
func (h *Handoff) startScheduled(ctx context.Context) {
	claim := func(ctx context.Context, limit int) ([]SendClaim, error) {
		return h.store.ClaimScheduled(ctx, h.store.Now(), lease, limit, h.scheduled)
	}
	limit := func() int { return min(h.claimLimit(), scheduledLimit) }
	sweep(ctx, h, pass[SendClaim]{what: "scheduled", atOnce: scheduledAtOnce, limit: limit, claim: claim, do: h.startClaimed})
}
