package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
)

// InsertReceipts stores those receipts that are new, advances the statuses that they concern, and returns the ones
// that a workflow waits for. All are stored or none. One that matches no attempt is stored without a send and waits
// for End.
func (db *DB) InsertReceipts(ctx context.Context, receipts []backstop.Receipt) ([]handoff.Handover, error) {
	receipts, err := tidy(receipts)
	if err != nil || len(receipts) == 0 {
		return nil, err
	}
	var waited []handoff.Handover
	err = db.inTx(ctx, "insert receipts", func(tx *sqlx.Tx) error {
		waited = nil
		bySend, orphans, err := correlate(ctx, tx, receipts)
		if err != nil {
			return err
		}
		// Sends are locked in the order of their ids, and orphans come last: so no two transactions wait for each other.
		for _, send := range slices.Sorted(maps.Keys(bySend)) {
			more, err := receive(ctx, tx, send, bySend[send])
			if err != nil {
				return err
			}
			waited = append(waited, more...)
		}
		return keep(ctx, tx, orphans)
	})
	return waited, err
}

// tidy makes receipts storable without touching the caller's.
func tidy(receipts []backstop.Receipt) ([]backstop.Receipt, error) {
	tidied := slices.Clone(receipts)
	for i := range tidied {
		r := &tidied[i]
		r.MessageID, r.Failure, r.At = clean(r.MessageID), cleaned(r.Failure), plausible(r.At)
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
	return stamp(at)
}

// receive locks a send and merges receipts about it.
func receive(ctx context.Context, tx *sqlx.Tx, send string, receipts []backstop.Receipt) ([]handoff.Handover, error) {
	h, err := hold(ctx, tx, send)
	if err != nil {
		return nil, err
	}
	var waited []handoff.Handover
	for _, r := range receipts {
		handover, waits, err := h.merge(ctx, r)
		if err != nil {
			return nil, err
		}
		if waits {
			waited = append(waited, handover)
		}
	}
	return waited, h.save(ctx)
}

// merge stores a receipt about the send and, if it is new, merges it in. It reports whether the workflow waits for it.
func (h *held) merge(ctx context.Context, r backstop.Receipt) (handover handoff.Handover, waits bool, err error) {
	before := *h
	at := now() // not the provider's time: Meta's has whole seconds, and would put a receipt before its send
	event := backstop.Event{At: at, Kind: backstop.EventReceipt, Channel: r.Channel, Status: r.Status}
	event.Code, event.Detail = why(r.Failure)
	about := h.about(r)
	if about != nil {
		event.Rule = about.Rule
	}
	h.note(event)
	waits = h.absorb(r.Channel, r.Status, r.Ref.Step, at)
	id, isNew, err := insertNew(ctx, h.tx, r, waits)
	if err != nil || !isNew {
		*h = before
		return handoff.Handover{}, false, err
	}
	handover = handoff.Handover{ID: id, Ref: r.Ref, Channel: r.Channel, Status: r.Status, At: r.At, Failure: r.Failure}
	return handover, waits, h.advance(ctx, about, r)
}

// about returns the attempt that sent the receipt's message: the one with its id, else the one of the step whose call
// has not told its id, else the step's newest; nil when the step has none.
func (h *held) about(r backstop.Receipt) *backstop.Attempt {
	var best *backstop.Attempt
	for i := range h.attempts {
		a := &h.attempts[i]
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
func (h *held) advance(ctx context.Context, a *backstop.Attempt, r backstop.Receipt) error {
	if a == nil {
		return nil
	}
	a.Status = a.Status.Advance(r.Status)
	if untold(a) {
		a.MessageID = r.MessageID
	}
	return h.updateAttempt(ctx, *a)
}

// insertReceipt stores a receipt that is new, or gives a send to one that was stored without; otherwise no row.
const insertReceipt = `INSERT INTO receipts
    (id, provider, channel, message_id, send, step, status, at, failure, received_at, needs_signal)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT ON CONSTRAINT receipts_once DO UPDATE
    SET send = excluded.send, step = excluded.step, needs_signal = excluded.needs_signal
    WHERE receipts.send IS NULL AND excluded.send IS NOT NULL
RETURNING id`

func insertNew(ctx context.Context, tx *sqlx.Tx, r backstop.Receipt, needsSignal bool) (id string, isNew bool, err error) {
	id, err = newID()
	if err != nil {
		return "", false, err
	}
	failure, err := jsonOrNull(r.Failure)
	if err != nil {
		return "", false, err
	}
	send := sql.NullString{String: r.Ref.Send, Valid: r.Ref.Send != ""}
	step := sql.NullInt64{Int64: int64(r.Ref.Step), Valid: send.Valid}
	err = tx.GetContext(ctx, &id, insertReceipt,
		id, r.Provider, r.Channel, r.MessageID, send, step, r.Status, r.At, failure, now(), needsSignal)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("insert receipt: %w", err)
	}
	return id, true, nil
}
