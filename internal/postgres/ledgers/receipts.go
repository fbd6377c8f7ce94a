package ledgers

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// receiptRow is a receipt as json_to_recordset reads it.
type receiptRow struct {
	ID          string            `json:"id"`
	Provider    string            `json:"provider"`
	Channel     backstop.Channel  `json:"channel"`
	MessageID   string            `json:"message_id"`
	Step        int               `json:"step"`
	Status      backstop.Status   `json:"status"`
	At          time.Time         `json:"at"`
	Failure     *backstop.Failure `json:"failure"`
	ReceivedAt  time.Time         `json:"received_at"`
	NeedsSignal bool              `json:"needs_signal"`
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
			ID: id, Provider: r.Provider, Channel: r.Channel, MessageID: r.MessageID, Step: r.Ref.Step, Status: r.Status,
			At: r.At, Failure: r.Failure, ReceivedAt: at, NeedsSignal: r.NeedsSignal,
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
// together or not at all. After an error the caller must repeat the call with all receipts. The repetition skips the receipts
// that were stored, and the sweeper signals them if necessary. A receipt that matches no attempt is stored without a send until
// an attempt has its message id.
func (s *Store) InsertReceipts(ctx context.Context, receipts []backstop.Receipt) ([]handoff.Handover, error) {
	receipts, err := s.storable(receipts)
	if err != nil || len(receipts) == 0 {
		return nil, err
	}
	batches, rest, err := s.byReference(ctx, receipts)
	if err != nil {
		return nil, err
	}
	waited, err := s.receiveAll(ctx, batches)
	if err != nil || len(rest) == 0 {
		return waited, err
	}
	orphans, more, err := s.receiveByMessage(ctx, rest)
	waited = append(waited, more...)
	if err != nil || len(orphans) == 0 {
		return waited, err
	}
	if err := s.keep(ctx, orphans); err != nil {
		return nil, err
	}
	// A concurrent process may have stored a message id, and looked for orphans before these were stored.
	_, more, err = s.receiveByMessage(ctx, orphans)
	return append(waited, more...), err
}

// receiveByMessage merges the receipts whose message id an attempt has, and returns the others as orphans.
func (s *Store) receiveByMessage(
	ctx context.Context, receipts []backstop.Receipt,
) (orphans []backstop.Receipt, waited []handoff.Handover, err error) {
	batches, orphans, err := s.byMessage(ctx, receipts)
	if err != nil {
		return nil, nil, err
	}
	waited, err = s.receiveAll(ctx, batches)
	return orphans, waited, err
}

func (s *Store) receiveAll(ctx context.Context, batches map[string]*batch) ([]handoff.Handover, error) {
	var waited []handoff.Handover
	for _, send := range slices.Sorted(maps.Keys(batches)) {
		more, _, err := s.receive(ctx, *batches[send])
		if err != nil {
			return nil, err
		}
		waited = append(waited, more...)
	}
	return waited, nil
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

// storable returns copies of the receipts that Postgres can store.
func (s *Store) storable(receipts []backstop.Receipt) ([]backstop.Receipt, error) {
	list := slices.Clone(receipts)
	for i := range list {
		r := &list[i]
		r.MessageID, r.Failure, r.At = pool.Clean(r.MessageID), cleaned(r.Failure), s.plausible(r.At)
		if r.MessageID == "" {
			return nil, &backstop.Error{Code: backstop.Invalid, Message: "a receipt without the provider's message id"}
		}
		if r.Status != backstop.Failed {
			r.Failure = nil
		}
	}
	return list, nil
}

// plausible returns a provider's time. A time outside the bounds of ValidTime becomes the current time, because Postgres may be
// unable to store it.
func (s *Store) plausible(at time.Time) time.Time {
	if !backstop.ValidTime(at) {
		return s.pool.Now()
	}
	return pool.Stamp(at)
}
