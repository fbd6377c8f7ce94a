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

var (
	receiptColumns = pool.ColumnsOf[receiptRow]()
	orphanColumns  = pool.ColumnsOf[receivedRow]()
)

// receivedRow is a receipt as it came. It is written as JSON.
type receivedRow struct {
	ID         string            `json:"id"          type:"uuid"`
	Provider   string            `json:"provider"    type:"text"`
	Channel    backstop.Channel  `json:"channel"     type:"text"`
	MessageID  string            `json:"message_id"  type:"text"`
	Status     backstop.Status   `json:"status"      type:"text"`
	At         time.Time         `json:"at"          type:"timestamptz"`
	Failure    *backstop.Failure `json:"failure"     type:"jsonb"`
	ReceivedAt time.Time         `json:"received_at" type:"timestamptz"`
}

// receiptRow is a receipt of a known step.
type receiptRow struct {
	receivedRow

	Step        int  `json:"step"         type:"int"`
	NeedsSignal bool `json:"needs_signal" type:"boolean"`
}

// receiptRows gives each receipt an id. Receipts of one message with the same status, under two references, are one row.
func (s *Store) receiptRows(receipts []backstop.Received) (rows []receiptRow, ids []string, err error) {
	at := s.pool.Now()
	for _, r := range receipts {
		same := func(o receiptRow) bool {
			return o.Provider == r.Provider && o.MessageID == r.MessageID && o.Status == r.Status
		}
		if i := slices.IndexFunc(rows, same); i >= 0 {
			rows[i].NeedsSignal = rows[i].NeedsSignal || r.NeedsSignal
			ids = append(ids, rows[i].ID)
			continue
		}
		id, err := pool.NewID()
		if err != nil {
			return nil, nil, err
		}
		ids = append(ids, id)
		rows = append(rows, receiptRow{
			receivedRow: receivedRow{
				ID: id, Provider: r.Provider, Channel: r.Channel, MessageID: r.MessageID, Status: r.Status, At: r.At,
				Failure: r.Failure, ReceivedAt: at,
			},
			Step: r.Ref.Step, NeedsSignal: r.NeedsSignal,
		})
	}
	return rows, ids, nil
}

// batch holds receipts of one send.
type batch struct {
	send     string
	receipts []backstop.Receipt
	isSilent bool // no signal is needed: the caller returns the view to the workflow
	isOrphan bool // the receipts were stored without a send
}

// InsertReceipts stores the receipts that are new, advances the statuses of their messages, and ends the sends for which
// nothing is left to do. It returns the receipts that must be signalled to a workflow. It stores the receipts of one send
// together or not at all. A receipt that cannot be stored for a reason of its own does not hold back the others: they are
// stored, and then the error is returned. After an error the caller must repeat the call with all receipts. The repetition
// skips the receipts that were stored, and the sweeper signals them if necessary. A receipt that matches no attempt, or only
// one of a send that was deleted, is stored without a send until an attempt has its message id.
func (s *Store) InsertReceipts(ctx context.Context, receipts []backstop.Receipt) ([]handoff.Handover, error) {
	receipts, nameless := s.storable(receipts)
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
	if err := s.keep(ctx, orphans); err != nil {
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

// receiveAll merges the receipts of several sends. It returns an error if Postgres is away or the caller has left: then the
// other sends would fail too.
func (s *Store) receiveAll(ctx context.Context, batches map[string]*batch) (all received, err error) {
	for _, send := range slices.Sorted(maps.Keys(batches)) {
		b := *batches[send]
		waited, _, err := s.receive(ctx, b)
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

// receive merges the receipts of a send. It returns the receipts that must be signalled to the workflow, and the send after the
// merge.
func (s *Store) receive(ctx context.Context, b batch) (waited []handoff.Handover, after saved, err error) {
	_, after, err = update(ctx, s, "insert receipts", b.send, func(l *backstop.Ledger, now time.Time) (struct{}, error) {
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
		more, later, err := s.receive(ctx, batch{
			send: after.Send.ID, receipts: orphans, isSilent: b.isSilent, isOrphan: true,
		})
		if err != nil {
			return nil, saved{}, err
		}
		waited, newest = append(waited, more...), later
	}
	return waited, newest, nil
}

// storable returns copies of the receipts that Postgres can store, and an Error of code Invalid if there are others.
func (s *Store) storable(receipts []backstop.Receipt) (list []backstop.Receipt, err error) {
	for _, r := range receipts {
		r.MessageID, r.Failure, r.At = pool.Clean(r.MessageID), cleaned(r.Failure), s.plausible(r.At)
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

// plausible returns a provider's time. A time outside the bounds of ValidTime becomes the current time, because Postgres may be
// unable to store it.
func (s *Store) plausible(at time.Time) time.Time {
	if !backstop.ValidTime(at) {
		return s.pool.Now()
	}
	return pool.Stamp(at)
}
