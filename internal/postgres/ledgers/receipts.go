package ledgers

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// InsertReceipts stores the receipts that are new, advances the statuses of their messages, and ends the sends for which
// nothing is left to do. It returns the receipts that must be signalled to a workflow. It stores the receipts of one send
// together or not at all. A receipt that cannot be stored for a reason of its own does not hold back the others: they are
// stored, and then the error is returned. After an error the caller must repeat the call with all receipts. The repetition
// skips the receipts that were stored, and the sweeper signals them if necessary. A receipt that matches no attempt, or only
// one of a send that was deleted, is stored without a send until an attempt has its message id.
func (s *Store) InsertReceipts(ctx context.Context, receipts []backstop.Receipt) ([]handoff.Handover, error) {
	receipts, nameless := s.storableReceipts(receipts)
	batches, rest, err := s.byReference(ctx, receipts)
	if err != nil {
		return nil, err
	}
	all, err := s.receiveAll(ctx, batches)
	if err != nil {
		return nil, err
	}
	orphans, more, err := s.receiveByMessage(ctx, append(rest, all.homeless...))
	if err != nil {
		return nil, err
	}
	if err := s.storeOrphans(ctx, orphans); err != nil {
		return nil, err
	}
	// A concurrent process may have stored a message id, and looked for orphans before these were stored.
	_, late, err := s.receiveByMessage(ctx, orphans)
	if err != nil {
		return nil, err
	}
	for _, failed := range []error{nameless, all.failed, more.failed, late.failed} {
		if failed != nil {
			return nil, failed
		}
	}
	return slices.Concat(all.waited, more.waited, late.waited), nil
}

// received is what became of the receipts of several sends.
type received struct {
	waited   []handoff.Handover // must be signalled
	homeless []backstop.Receipt // their sends were deleted while the cache had them
	failed   error              // the first failure that concerns one send alone
}

// receiveByMessage merges the receipts whose message id an attempt has, and returns the others as orphans.
func (s *Store) receiveByMessage(
	ctx context.Context, receipts []backstop.Receipt,
) (orphans []backstop.Receipt, merged received, err error) {
	if len(receipts) == 0 {
		return nil, received{}, nil
	}
	batches, orphans, err := s.byMessage(ctx, receipts)
	if err != nil {
		return nil, received{}, err
	}
	merged, err = s.receiveAll(ctx, batches)
	return append(orphans, merged.homeless...), merged, err
}

// receiveAll merges the receipts of several sends. It returns an error if Postgres is away or ctx is done: then the
// other sends would fail too.
func (s *Store) receiveAll(ctx context.Context, batches map[string]*batch) (all received, err error) {
	for _, send := range slices.Sorted(maps.Keys(batches)) {
		b := *batches[send]
		waited, _, err := s.receiveBatch(ctx, b)
		switch code := backstop.CodeOf(err); {
		case err == nil:
			all.waited = append(all.waited, waited...)
		case code == backstop.TryLater || ctx.Err() != nil:
			return received{}, err
		case code == backstop.NotFound:
			all.homeless = append(all.homeless, b.receipts...)
		case all.failed == nil:
			all.failed = fmt.Errorf("insert receipts of send %s: %w", send, err)
		}
	}
	return all, nil
}

// receiveBatch merges the receipts of a send. It returns the receipts that must be signalled to the workflow, and the send after
// the merge.
func (s *Store) receiveBatch(ctx context.Context, b batch) (waited []handoff.Handover, after saved, err error) {
	_, after, err = updateLedger(ctx, s, "insert receipts", b.send, func(l *backstop.Ledger, now time.Time) (struct{}, error) {
		for _, r := range b.receipts {
			l.Receive(r, now)
		}
		for i := range l.Receipts {
			l.Receipts[i].NeedsSignal = l.Receipts[i].NeedsSignal && !b.isSilent
		}
		return struct{}{}, nil
	})
	if err != nil {
		return nil, saved{}, err
	}
	for i, r := range after.Receipts {
		if r.NeedsSignal && i < len(after.ids) {
			waited = append(waited, handoff.Handover{ID: after.ids[i], Send: b.send, View: after.View()})
		}
	}
	more, after, err := s.receiveOrphans(ctx, after, b)
	return append(waited, more...), after, err
}

// identifiedBy returns the steps that got a message id from a batch. If no receipt of the batch was new, it returns all steps
// of the batch: the process that stored the receipts may have died before it looked for orphans.
func (b batch) identifiedBy(after saved) []int {
	if b.isOrphan || len(after.Receipts) > 0 {
		return after.news
	}
	var steps []int
	for _, r := range b.receipts {
		if !slices.Contains(steps, r.Ref.Step) && after.Attempt(r.Ref.Step) != nil {
			steps = append(steps, r.Ref.Step)
		}
	}
	return steps
}

// receiveOrphans merges the orphans of the messages whose ids a batch has brought.
func (s *Store) receiveOrphans(
	ctx context.Context, after saved, b batch,
) (waited []handoff.Handover, newest saved, err error) {
	newest = after
	for _, step := range b.identifiedBy(after) {
		orphans, err := s.orphansOf(ctx, *after.Attempt(step))
		if err != nil {
			return nil, saved{}, err
		}
		if len(orphans) == 0 {
			continue
		}
		more, later, err := s.receiveBatch(ctx, batch{
			send: after.Send.ID, receipts: orphans, isSilent: b.isSilent, isOrphan: true,
		})
		if err != nil {
			return nil, saved{}, err
		}
		waited, newest = append(waited, more...), later
	}
	return waited, newest, nil
}

// storableReceipts returns copies of the receipts that Postgres can store, and an Error of code Invalid if there are others.
func (s *Store) storableReceipts(receipts []backstop.Receipt) (list []backstop.Receipt, err error) {
	for _, r := range receipts {
		r.MessageID, r.Failure, r.At = pool.Clean(r.MessageID), cleanFailure(r.Failure), s.plausibleTime(r.At)
		if r.MessageID == "" {
			err = &backstop.Error{Code: backstop.Invalid, Message: "a receipt without the provider's message id"}
			continue
		}
		if r.Status != backstop.Failed {
			r.Failure = nil
		}
		list = append(list, r)
	}
	return list, err
}

// plausibleTime returns a provider's time. A time outside the bounds of ValidTime becomes the current time, because Postgres may
// be unable to store it.
func (s *Store) plausibleTime(at time.Time) time.Time {
	if !backstop.ValidTime(at) {
		return s.pool.Now()
	}
	return pool.Stamp(at)
}

// adoptOrphans merges the orphans of a step's message into the send, and returns the view after that. The receipts need no
// signal, because the caller returns the view to the workflow.
func (s *Store) adoptOrphans(ctx context.Context, after saved, step int) (backstop.View, error) {
	attempt := after.Attempt(step)
	if attempt == nil {
		return after.View(), nil
	}
	orphans, err := s.orphansOf(ctx, *attempt)
	if err != nil || len(orphans) == 0 {
		return after.View(), err
	}
	_, newest, err := s.receiveBatch(ctx, batch{
		send: after.Send.ID, receipts: orphans, isSilent: true, isOrphan: true,
	})
	if err != nil {
		return backstop.View{}, err
	}
	return newest.View(), nil
}

// Learn merges a status that a provider returned to an inquiry. It needs no signal, because the caller returns the view to the
// workflow.
func (s *Store) Learn(ctx context.Context, r backstop.Receipt) (backstop.View, error) {
	list, err := s.storableReceipts([]backstop.Receipt{r})
	if err != nil {
		return backstop.View{}, err
	}
	_, after, err := s.receiveBatch(ctx, batch{send: r.Ref.Send, receipts: list, isSilent: true})
	if err != nil {
		return backstop.View{}, err
	}
	return after.View(), nil
}
