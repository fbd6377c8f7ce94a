package postgres

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// received is a receipt to be stored.
type received struct {
	backstop.Receipt

	id          string
	needsSignal bool
}

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

// parcel is receipts about one send.
type parcel struct {
	send     string
	draft    *draft // if it was read already, and is not remembered
	receipts []backstop.Receipt
	isTold   bool // their workflow learns of them in another way, so they need no signal
}

// InsertReceipts stores those receipts that are new, advances the statuses that they concern, ends the sends for which
// nothing is left to do, and returns the receipts that a workflow must hear of. Those of one send are stored together or
// not at all. After an error the caller must give all of them again: what was stored is then recognised, and what of it
// a workflow waits for is left to SweepReceipts. One that matches no attempt is stored without a send until one does.
func (db *DB) InsertReceipts(ctx context.Context, receipts []backstop.Receipt) ([]handoff.Handover, error) {
	receipts, err := tidy(receipts)
	if err != nil || len(receipts) == 0 {
		return nil, err
	}
	parcels, rest, err := db.byReference(ctx, receipts)
	if err != nil {
		return nil, pool.Failed(ctx, "insert receipts", err)
	}
	waited, err := db.receiveAll(ctx, parcels)
	if err != nil || len(rest) == 0 {
		return waited, err
	}
	orphans, more, err := db.receiveByMessage(ctx, rest)
	waited = append(waited, more...)
	if err != nil || len(orphans) == 0 {
		return waited, err
	}
	if err := db.keep(ctx, orphans); err != nil {
		return nil, err
	}
	// Their attempt may have got its message id meanwhile, and whoever gave it that have looked for them too soon.
	_, more, err = db.receiveByMessage(ctx, orphans)
	return append(waited, more...), err
}

// receiveByMessage takes in the receipts that an attempt is known to by their message id, and returns the others.
func (db *DB) receiveByMessage(
	ctx context.Context, receipts []backstop.Receipt,
) (orphans []backstop.Receipt, waited []handoff.Handover, err error) {
	parcels, orphans, err := db.byMessage(ctx, receipts)
	if err != nil {
		return nil, nil, pool.Failed(ctx, "insert receipts", err)
	}
	waited, err = db.receiveAll(ctx, parcels)
	return orphans, waited, err
}

func (db *DB) receiveAll(ctx context.Context, parcels map[string]*parcel) ([]handoff.Handover, error) {
	var waited []handoff.Handover
	for _, send := range slices.Sorted(maps.Keys(parcels)) {
		more, _, err := db.receive(ctx, *parcels[send])
		if err != nil {
			return nil, err
		}
		waited = append(waited, more...)
	}
	return waited, nil
}

// receive merges receipts about a send, and returns those that its workflow must hear of, and the send as it then is.
func (db *DB) receive(ctx context.Context, p parcel) (waited []handoff.Handover, d *draft, err error) {
	read := func() (*draft, error) {
		if d := db.recent.recall(p.send); d != nil && d.isWhole {
			return d, nil
		}
		first := p.draft
		if p.draft = nil; first != nil {
			return first, nil
		}
		drafts, err := db.readForReceipts(ctx, []string{p.send}, p.receipts)
		if err != nil {
			return nil, err
		}
		if drafts[p.send] == nil {
			return nil, pool.NotFound("send")
		}
		return drafts[p.send], nil
	}
	d, err = db.redo(ctx, "insert receipts", p.send, read, func(d *draft) error {
		waited = nil
		for _, r := range p.receipts {
			handover, needsSignal, err := d.merge(r, p.isTold)
			if err != nil {
				return err
			}
			if needsSignal {
				waited = append(waited, handover)
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	for _, attempt := range d.told { // perhaps other receipts of the message came without a reference
		orphans, err := db.orphansOf(ctx, attempt)
		if err != nil {
			return nil, nil, err
		}
		if len(orphans) == 0 {
			continue
		}
		more, _, err := db.receive(ctx, parcel{send: p.send, receipts: orphans, isTold: p.isTold})
		if err != nil {
			return nil, nil, err
		}
		waited = append(waited, more...)
	}
	return waited, d, nil
}

// tidy makes receipts storable without touching the caller's.
func tidy(receipts []backstop.Receipt) ([]backstop.Receipt, error) {
	tidied := slices.Clone(receipts)
	for i := range tidied {
		r := &tidied[i]
		r.MessageID, r.Failure, r.At = pool.Clean(r.MessageID), cleaned(r.Failure), plausible(r.At)
		if r.MessageID == "" {
			return nil, &backstop.Error{Code: backstop.Invalid, Message: "a receipt without the provider's message id"}
		}
		if r.Status != backstop.Failed {
			r.Failure = nil
		}
	}
	return tidied, nil
}

// plausible keeps a provider's time, unless it is one that no clock shows and Postgres may not even hold.
func plausible(at time.Time) time.Time {
	if y := at.Year(); y < 2000 || y > 9999 {
		return now()
	}
	return pool.Stamp(at)
}

// merge merges a receipt into the send if it is new, and reports whether the workflow must be told: if it waits for it,
// or if the receipt has ended the send and the send was not handed back. While an activity is on the attempt it need not:
// what ends the activity returns all that was stored meanwhile, and it cannot miss any, because it too saves the send only
// as it has read it.
func (d *draft) merge(r backstop.Receipt, isTold bool) (handover handoff.Handover, needsSignal bool, err error) {
	if d.knows(r) {
		return handoff.Handover{}, false, nil
	}
	id, err := pool.NewID()
	if err != nil {
		return handoff.Handover{}, false, err
	}
	at := now() // not the provider's time: Meta's has whole seconds, and would put a receipt before its send
	event := backstop.Event{At: at, Kind: backstop.EventReceipt, Channel: r.Channel, Status: r.Status}
	event.Code, event.Detail = why(r.Failure)
	about := d.about(r)
	if about != nil {
		event.Rule = about.Rule
	}
	d.note(event)
	handover = handoff.Handover{ID: id, Ref: r.Ref, Channel: r.Channel, Status: r.Status, At: r.At, Failure: r.Failure}
	waits := d.absorb(r.Channel, r.Status, r.Ref.Step, at)
	newest := d.newest(func(a backstop.Attempt) bool { return a.Channel == r.Channel && a.Ref.Step == r.Ref.Step })
	handedBack := d.send.ReceiptBy != nil
	if d.settle(at) {
		waits, handover.Outcome = !handedBack, d.send.Outcome
		newest = d.newest(ofChannel(r.Channel))
	}
	attended := newest != nil && newest.Attended(at)
	needsSignal = waits && !isTold && !attended
	d.advance(about, r)
	d.receipts = append(d.receipts, received{Receipt: r, id: id, needsSignal: needsSignal})
	return handover, needsSignal, nil
}

// knows reports whether the receipt is stored with a send, or about to be.
func (d *draft) knows(r backstop.Receipt) bool {
	return d.known[reportOf(r)] || slices.ContainsFunc(d.receipts, func(other received) bool {
		return reportOf(other.Receipt) == reportOf(r)
	})
}

// about returns the attempt that sent the receipt's message: the one with its id, else the one of the step whose call
// has not told its id, else the step's newest; nil when the step has none.
func (d *draft) about(r backstop.Receipt) *backstop.Attempt {
	var best *backstop.Attempt
	for i := range d.attempts {
		a := &d.attempts[i]
		if a.Ref.Step != r.Ref.Step || a.Channel != r.Channel {
			continue
		}
		if best == nil || closeness(a, r) >= closeness(best, r) {
			best = a
		}
	}
	return best
}

func closeness(a *backstop.Attempt, r backstop.Receipt) int {
	switch {
	case a.MessageID == r.MessageID:
		return 2
	case untold(a):
		return 1
	default:
		return 0
	}
}

// untold reports whether the attempt may have sent a message whose id is not known.
func untold(a *backstop.Attempt) bool {
	return a.MessageID == "" && (a.State == backstop.Calling || a.State == backstop.AttemptState(backstop.Unknown))
}

// advance merges a receipt into the attempt that it is about.
func (d *draft) advance(a *backstop.Attempt, r backstop.Receipt) {
	if a == nil {
		return
	}
	a.Status = a.Status.Advance(r.Status)
	if untold(a) {
		a.MessageID = r.MessageID
		d.told = append(d.told, *a)
	}
	d.touch(a)
}
