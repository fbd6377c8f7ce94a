package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

const hasEvent = `SELECT EXISTS (
    SELECT FROM events WHERE send = $1 AND kind = $2 AND channel = $3 AND rule = $4
)`

// Record adds an event to the timeline, with what it changes in the send: EventAverted takes back an SMS that was
// not sent, EventExpired does too and marks the send expired, EventGaveUp fails the channel unless it went out after
// all. Repeated for the same send, kind, channel and rule, it adds no second event. An unknown send is an Error of code
// NotFound.
func (db *DB) Record(ctx context.Context, event backstop.Event) error {
	_, err := db.change(ctx, "record event", event.Send, func(d *draft) error {
		var recorded bool
		err := db.pool.Get(ctx, &recorded, hasEvent, d.send.ID, event.Kind, event.Channel, pool.Clean(event.Rule))
		if err != nil {
			return fmt.Errorf("look for event: %w", err)
		}
		if !recorded {
			d.note(event)
		}
		d.effect(event)
		return nil
	})
	return err
}

func (d *draft) effect(event backstop.Event) {
	switch event.Kind {
	case backstop.EventAverted:
		if !d.mayHaveSMS() {
			d.send.SMSStatus, d.send.Fired, d.send.FiredReason, d.send.FallbackReason = "", "", "", ""
		}
	case backstop.EventExpired:
		d.send.Expired = true
		if !d.mayHaveSMS() {
			d.send.SMSStatus = ""
		}
	case backstop.EventGaveUp:
		if !statusOf(d.send, event.Channel).Reached(backstop.Submitted) {
			d.send = d.send.Absorb(event.Channel, backstop.Failed, true)
		}
	case backstop.EventAccepted, backstop.EventAttempt, backstop.EventReceipt, backstop.EventFired,
		backstop.EventDuplicate, backstop.EventOptedOut, backstop.EventFinished:
	}
	d.send.Outcome = d.send.Decide()
}

// Finish ends the send: FinishedAt is set and the outcome worked out. Repeated, it changes nothing. An unknown send
// is an Error of code NotFound.
func (db *DB) Finish(ctx context.Context, send string, at time.Time) (backstop.Send, error) {
	d, err := db.change(ctx, "finish send", send, func(d *draft) error {
		if d.send.FinishedAt == nil {
			d.finish(at)
		}
		return nil
	})
	if err != nil {
		return backstop.Send{}, err
	}
	return d.send, nil
}

const listEvents = `SELECT at, kind, channel, status, rule, code, detail FROM events WHERE send = $1 ORDER BY seq`

// eventRow is read by column and written as JSON.
type eventRow struct {
	Seq     int                `db:"seq"     json:"seq"`
	At      time.Time          `db:"at"      json:"at"`
	Kind    backstop.EventKind `db:"kind"    json:"kind"`
	Channel backstop.Channel   `db:"channel" json:"channel"`
	Status  backstop.Status    `db:"status"  json:"status"`
	Rule    string             `db:"rule"    json:"rule"`
	Code    string             `db:"code"    json:"code"`
	Detail  string             `db:"detail"  json:"detail"`
}

func (r eventRow) event(send string) backstop.Event {
	return backstop.Event{
		Send: send, At: pool.Stamp(r.At), Kind: r.Kind, Channel: r.Channel, Status: r.Status, Rule: r.Rule, Code: r.Code,
		Detail: r.Detail,
	}
}

// Timeline returns the attempts of a send by step and number, and its events in the order in which they became
// known. An unknown send is an Error of code NotFound.
func (db *DB) Timeline(ctx context.Context, id string) ([]backstop.Attempt, []backstop.Event, error) {
	d, err := db.read(ctx, id)
	if err != nil {
		return nil, nil, pool.Failed(ctx, "list attempts", err)
	}
	var rows []eventRow
	if err := db.pool.SelectAll(ctx, &rows, listEvents, d.send.ID); err != nil {
		return nil, nil, pool.Failed(ctx, "list events", err)
	}
	events := make([]backstop.Event, len(rows))
	for i, row := range rows {
		events[i] = row.event(d.send.ID)
	}
	return d.attempts, events, nil
}
