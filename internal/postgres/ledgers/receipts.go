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

// receiptRows gives each receipt an id. Those that a message reports twice, under two references, are one row.
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

// batch is receipts about one send.
type batch struct {
	send     string
	receipts []backstop.Receipt
	isSilent bool // the workflow learns of them in another way, so they need no signal
	isOrphan bool // they were stored without a send
}

// InsertReceipts stores those receipts that are new, advances the statuses that they concern, ends the sends for which
// nothing is left to do, and returns the receipts that a workflow must be told of. Those of one send are stored together or
// not at all. After an error the caller must give all of them again: what was stored is then recognised, and what of it
// a workflow waits for is left to the sweeper. One that matches no attempt is stored without a send until one does.
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
	// Their attempt may have got its message id meanwhile, and the process that stored it may have looked for them too soon.
	_, more, err = s.receiveByMessage(ctx, orphans)
	return append(waited, more...), err
}

// receiveByMessage takes in the receipts that an attempt is known to by their message id, and returns the others.
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

// receive merges receipts about a send, and returns those that its workflow must be told of, and the send as it then is.
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

// identifiedBy returns the steps whose message ids a batch may have brought. If all of it was known, the process that stored
// it may have died before it looked for orphans.
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

// receiveOrphans merges in receipts without a reference, that came before the ids of their messages were known.
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

// storable makes receipts storable without touching the caller's.
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

// plausible keeps a provider's time, unless it is one that no clock shows and Postgres may not even hold.
func (s *Store) plausible(at time.Time) time.Time {
	if !backstop.ValidTime(at) {
		return s.pool.Now()
	}
	return pool.Stamp(at)
}
