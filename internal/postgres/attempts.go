package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// attemptRow is a row as json_agg writes it and json_to_recordset reads it.
type attemptRow struct {
	Send      string                `json:"send,omitempty"`
	Step      int                   `json:"step"`
	Number    int                   `json:"number"`
	Channel   backstop.Channel      `json:"channel"`
	Provider  string                `json:"provider"`
	Rule      string                `json:"rule"`
	Reason    string                `json:"reason"`
	SendID    string                `json:"send_id"`
	State     backstop.AttemptState `json:"state"`
	Status    backstop.Status       `json:"status"`
	MessageID string                `json:"message_id"`
	Segments  int                   `json:"segments"`
	Failure   *backstop.Failure     `json:"failure"`
	StartedAt time.Time             `json:"started_at"`
	EndedAt   *time.Time            `json:"ended_at"`

	LingersUntil *time.Time `json:"lingers_until"`
}

func (r attemptRow) attempt() backstop.Attempt {
	return backstop.Attempt{
		Ref: backstop.Ref{Send: r.Send, Step: r.Step}, Number: r.Number, Channel: r.Channel, Provider: r.Provider,
		Rule: r.Rule, Reason: r.Reason, SendID: r.SendID, State: r.State, Status: r.Status, MessageID: r.MessageID,
		Segments: r.Segments, Failure: r.Failure, StartedAt: pool.Stamp(r.StartedAt), EndedAt: pool.StampPtr(r.EndedAt),
		LingersUntil: pool.StampPtr(r.LingersUntil),
	}
}

func readFailure(b []byte) (*backstop.Failure, error) {
	if b == nil {
		return nil, nil //nolint:nilnil // no failure is what most attempts and receipts have
	}
	var failure backstop.Failure
	if err := json.Unmarshal(b, &failure); err != nil {
		return nil, fmt.Errorf("read failure: %w", err)
	}
	return &failure, nil
}

// cleaned returns the failure with its texts storable.
func cleaned(f *backstop.Failure) *backstop.Failure {
	if f == nil {
		return nil
	}
	c := *f
	c.Code, c.Reason = pool.Clean(f.Code), pool.Clean(f.Reason)
	return &c
}

// Begin shows the send to mayCall with the newest attempt of the step (nil when there is none), and when mayCall says
// yes records the attempt as Calling, with the next Number, and returns it; otherwise it records nothing. If the send
// changes meanwhile it asks mayCall again, so that what is recorded was allowed on the send as it was then. It also notes
// that the engine has the send. An unknown send is an Error of code NotFound.
func (db *DB) Begin(
	ctx context.Context, attempt backstop.Attempt, mayCall func(backstop.Send, *backstop.Attempt) bool,
) (backstop.Attempt, error) {
	begun, before, err := db.begin(ctx, attempt, mayCall)
	if err != nil || before == nil || begun.Number > 0 {
		return begun, err
	}
	// An earlier run made the call, and may have died before it looked for receipts of its message.
	adopted, err := db.adopt(ctx, *before)
	if err != nil || adopted == nil {
		return backstop.Attempt{}, err
	}
	begun, _, err = db.begin(ctx, attempt, mayCall)
	return begun, err
}

// begin returns the attempt that it recorded, and the newest before it.
func (db *DB) begin(
	ctx context.Context, attempt backstop.Attempt, mayCall func(backstop.Send, *backstop.Attempt) bool,
) (begun backstop.Attempt, before *backstop.Attempt, err error) {
	_, err = db.change(ctx, "begin attempt", attempt.Ref.Send, func(d *draft) error {
		begun, before = backstop.Attempt{}, d.newest(ofStep(attempt.Ref.Step))
		if !mayCall(d.send, before) {
			return nil
		}
		begun = attempt
		begun.State, begun.Number, begun.StartedAt = backstop.Calling, 1, pool.Stamp(attempt.StartedAt)
		if before != nil {
			begun.Number = before.Number + 1
		}
		d.fire(begun)
		d.begun = &begun
		return nil
	})
	return begun, before, err
}

// fire marks the send as falling back by the rule of an SMS attempt.
func (d *draft) fire(a backstop.Attempt) {
	if a.Channel != backstop.SMS {
		return
	}
	if d.send.SMSStatus == "" || d.send.SMSStatus == backstop.Failed {
		d.send.SMSStatus = backstop.Queued
	}
	d.send.Fired, d.send.FiredReason = a.Rule, a.Reason
	d.send.FallbackReason = cmp.Or(d.send.FallbackReason, a.FallbackReason) // the first is kept
	if a.Number == 1 {
		d.note(backstop.Event{
			At: a.StartedAt, Kind: backstop.EventFired, Channel: a.Channel, Rule: a.Rule, Detail: a.Reason,
		})
	}
}

// End stores what the call returned, merges in the receipts that were stored before its message id was known, and
// returns the send as it then is. Repeated, it changes nothing; but an attempt that was given up for Unknown still
// becomes Accepted when its own call comes back late. An attempt that was not begun is an Error of code NotFound.
//
// An accepted attempt lingers as it says, or until Leave, unless its call comes back late.
//
// With a receiptWait, an accepted call hands the send back: no workflow waits for its receipt any more. A late return does
// not, because the workflow was told Unknown and waits.
func (db *DB) End(ctx context.Context, attempt backstop.Attempt, receiptWait time.Duration) (backstop.Send, error) {
	attempt.MessageID, attempt.Failure = pool.Clean(attempt.MessageID), cleaned(attempt.Failure)
	attempt.EndedAt = pool.StampPtr(attempt.EndedAt)
	var ended backstop.Attempt
	d, err := db.change(ctx, "end attempt", attempt.Ref.Send, func(d *draft) error {
		stored := d.attempt(attempt.Ref.Step, attempt.Number)
		if stored == nil {
			return pool.NotFound("attempt")
		}
		if endable(stored.State, attempt.State) {
			d.end(stored, attempt, receiptWait)
		}
		ended = *stored
		return nil
	})
	if err != nil {
		return backstop.Send{}, err
	}
	adopted, err := db.adopt(ctx, ended)
	switch {
	case err != nil:
		return backstop.Send{}, err
	case adopted != nil:
		return adopted.send, nil
	default:
		return d.send, nil
	}
}

func endable(from, to backstop.AttemptState) bool {
	return from == backstop.Calling || (from == backstop.AttemptState(backstop.Unknown) && to == backstop.Accepted)
}

func (d *draft) end(stored *backstop.Attempt, ended backstop.Attempt, receiptWait time.Duration) {
	before := stored.State
	stored.State, stored.Failure, stored.Segments, stored.EndedAt = ended.State, ended.Failure, ended.Segments, ended.EndedAt
	if ended.State == backstop.Accepted && before == backstop.Calling {
		stored.LingersUntil = pool.StampPtr(ended.LingersUntil)
	}
	if ended.MessageID != "" {
		stored.MessageID = ended.MessageID // a receipt may have brought it before
	}
	reached := backstop.Status("")
	switch ended.State {
	case backstop.Accepted:
		reached = backstop.Submitted
	case backstop.AttemptState(backstop.Rejected):
		reached = backstop.Failed
	case backstop.Calling, backstop.AttemptState(backstop.Throttled), backstop.AttemptState(backstop.Unavailable),
		backstop.AttemptState(backstop.Unknown):
	}
	stored.Status = stored.Status.Advance(reached)
	d.touch(stored)
	at := now()
	if ended.EndedAt != nil {
		at = *ended.EndedAt
	}
	event := backstop.Event{At: at, Kind: backstop.EventAttempt, Channel: stored.Channel, Status: reached, Rule: stored.Rule}
	event.Code, event.Detail = why(ended.Failure)
	d.note(event)
	d.absorb(stored.Channel, reached, stored.Ref.Step, at)
	if receiptWait > 0 && before == backstop.Calling && ended.State == backstop.Accepted && d.send.FinishedAt == nil {
		by := at.Add(receiptWait)
		d.send.ReceiptBy = pool.StampPtr(&by)
	}
	d.settle(now())
}

// why returns the code of a failure, and for people its kind, class and reason.
func why(f *backstop.Failure) (code, detail string) {
	if f == nil {
		return "", ""
	}
	detail = string(f.Kind)
	if f.Class != "" {
		detail += " (" + string(f.Class) + ")"
	}
	if f.Reason != "" {
		detail += ": " + f.Reason
	}
	return f.Code, detail
}
