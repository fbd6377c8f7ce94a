package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/backstophq/backstop"
)

// insertEvent counts on the lock of the send's row: nobody else adds to this timeline meanwhile.
const insertEvent = `INSERT INTO events (send, seq, at, kind, channel, status, rule, code, detail)
VALUES ($1, (SELECT COALESCE(max(seq), 0) + 1 FROM events WHERE send = $1), $2, $3, $4, $5, $6, $7, $8)`

func (h *held) insertEvents(ctx context.Context) error {
	for _, e := range h.events {
		err := execute(ctx, h.tx, insertEvent, h.send.ID,
			stamp(e.At), e.Kind, e.Channel, e.Status, clean(e.Rule), clean(e.Code), clean(e.Detail))
		if err != nil {
			return err
		}
	}
	h.events = nil
	return nil
}

const hasEvent = `SELECT EXISTS (
    SELECT FROM events WHERE send = $1 AND kind = $2 AND channel = $3 AND rule = $4
)`

// Record adds an event to the timeline, with what it changes in the send: EventAverted takes back an SMS that was
// not sent, EventExpired does too and marks the send expired, EventGaveUp fails the channel unless it went out after
// all. Repeated for the same send, kind, channel and rule, it adds no second event. An unknown send is an Error of code
// NotFound.
func (db *DB) Record(ctx context.Context, event backstop.Event) error {
	return db.inTx(ctx, "record event", func(tx *sqlx.Tx) error {
		h, err := hold(ctx, tx, event.Send)
		if err != nil {
			return err
		}
		var recorded bool
		err = tx.GetContext(ctx, &recorded, hasEvent, h.send.ID, event.Kind, event.Channel, clean(event.Rule))
		if err != nil {
			return fmt.Errorf("look for event: %w", err)
		}
		if !recorded {
			h.note(event)
		}
		h.effect(event)
		return h.save(ctx)
	})
}

func (h *held) effect(event backstop.Event) {
	switch event.Kind {
	case backstop.EventAverted:
		if !h.mayHaveSMS() {
			h.send.SMSStatus, h.send.Fired, h.send.FiredReason = "", "", ""
		}
	case backstop.EventExpired:
		h.send.Expired = true
		if !h.mayHaveSMS() {
			h.send.SMSStatus = ""
		}
	case backstop.EventGaveUp:
		if !statusOf(h.send, event.Channel).Reached(backstop.Submitted) {
			h.send = h.send.Absorb(event.Channel, backstop.Failed, true)
		}
	case backstop.EventAccepted, backstop.EventAttempt, backstop.EventReceipt, backstop.EventFired,
		backstop.EventDuplicate, backstop.EventOptedOut, backstop.EventFinished:
	}
	h.send.Outcome = h.send.Decide()
}

// Finish ends the send: FinishedAt is set and the outcome worked out. Repeated, it changes nothing. An unknown send
// is an Error of code NotFound.
func (db *DB) Finish(ctx context.Context, send string, at time.Time) (backstop.Send, error) {
	var finished backstop.Send
	err := db.inTx(ctx, "finish send", func(tx *sqlx.Tx) error {
		h, err := hold(ctx, tx, send)
		if err != nil {
			return err
		}
		if h.send.FinishedAt == nil {
			h.send.FinishedAt = stampPtr(&at)
			h.send.Outcome = h.send.Decide()
			h.note(backstop.Event{At: at, Kind: backstop.EventFinished, Detail: string(h.send.Outcome)})
		}
		finished = h.send
		return h.save(ctx)
	})
	return finished, err
}

const listEvents = `SELECT send, at, kind, channel, status, rule, code, detail FROM events WHERE send = $1 ORDER BY seq`

type eventRow struct {
	Send    string             `db:"send"`
	At      time.Time          `db:"at"`
	Kind    backstop.EventKind `db:"kind"`
	Channel backstop.Channel   `db:"channel"`
	Status  backstop.Status    `db:"status"`
	Rule    string             `db:"rule"`
	Code    string             `db:"code"`
	Detail  string             `db:"detail"`
}

// Timeline returns the attempts of a send by step and number, and its events in the order in which they became
// known. An unknown send is an Error of code NotFound.
func (db *DB) Timeline(ctx context.Context, id string) ([]backstop.Attempt, []backstop.Event, error) {
	id, ok := parseID(id)
	if !ok {
		return nil, nil, notFound("send")
	}
	var rows []eventRow
	if err := db.db.SelectContext(ctx, &rows, listEvents, id); err != nil {
		return nil, nil, failed(ctx, "list events", err)
	}
	if len(rows) == 0 { // every send has its first event
		return nil, nil, notFound("send")
	}
	attempts, err := attempts(ctx, db.db, id)
	if err != nil {
		return nil, nil, failed(ctx, "list attempts", err)
	}
	events := make([]backstop.Event, len(rows))
	for i, row := range rows {
		events[i] = backstop.Event(row)
		events[i].At = row.At.UTC()
	}
	return attempts, events, nil
}
