package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/backstophq/backstop"
)

const attemptColumns = `send, step, number, channel, provider, rule, reason, send_id, state, status, message_id, segments,
    failure, started_at, ended_at`

type attemptRow struct {
	Send      string                `db:"send"`
	Step      int                   `db:"step"`
	Number    int                   `db:"number"`
	Channel   backstop.Channel      `db:"channel"`
	Provider  string                `db:"provider"`
	Rule      string                `db:"rule"`
	Reason    string                `db:"reason"`
	SendID    string                `db:"send_id"`
	State     backstop.AttemptState `db:"state"`
	Status    backstop.Status       `db:"status"`
	MessageID string                `db:"message_id"`
	Segments  int                   `db:"segments"`
	Failure   []byte                `db:"failure"`
	StartedAt time.Time             `db:"started_at"`
	EndedAt   *time.Time            `db:"ended_at"`
}

func (r attemptRow) attempt() (backstop.Attempt, error) {
	failure, err := readFailure(r.Failure)
	if err != nil {
		return backstop.Attempt{}, err
	}
	return backstop.Attempt{
		Ref: backstop.Ref{Send: r.Send, Step: r.Step}, Number: r.Number, Channel: r.Channel, Provider: r.Provider,
		Rule: r.Rule, Reason: r.Reason, SendID: r.SendID, State: r.State, Status: r.Status, MessageID: r.MessageID,
		Segments: r.Segments, Failure: failure, StartedAt: stamp(r.StartedAt), EndedAt: stampPtr(r.EndedAt),
	}, nil
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
	c.Code, c.Reason = clean(f.Code), clean(f.Reason)
	return &c
}

const listAttempts = `SELECT ` + attemptColumns + ` FROM attempts WHERE send = $1 ORDER BY step, number`

func attempts(ctx context.Context, q sqlx.QueryerContext, send string) ([]backstop.Attempt, error) {
	var rows []attemptRow
	if err := sqlx.SelectContext(ctx, q, &rows, listAttempts, send); err != nil {
		return nil, fmt.Errorf("list attempts: %w", err)
	}
	list := make([]backstop.Attempt, len(rows))
	for i, row := range rows {
		attempt, err := row.attempt()
		if err != nil {
			return nil, err
		}
		list[i] = attempt
	}
	return list, nil
}

// Begin locks the send, shows it to mayCall with the newest attempt of the step (nil when there is none), and when
// mayCall says yes records the attempt as Calling, with the next Number, and returns it; otherwise it records nothing.
// It may ask mayCall again after a deadlock. An unknown send is an Error of code NotFound.
func (db *DB) Begin(
	ctx context.Context, attempt backstop.Attempt, mayCall func(backstop.Send, *backstop.Attempt) bool,
) (backstop.Attempt, error) {
	var begun backstop.Attempt
	err := db.inTx(ctx, "begin attempt", func(tx *sqlx.Tx) error {
		begun = backstop.Attempt{}
		h, err := hold(ctx, tx, attempt.Ref.Send)
		if err != nil {
			return err
		}
		newest := h.newest(attempt.Ref.Step)
		if !mayCall(h.send, newest) {
			return nil
		}
		begun = attempt
		begun.State, begun.Number, begun.StartedAt = backstop.Calling, 1, stamp(attempt.StartedAt)
		if newest != nil {
			begun.Number = newest.Number + 1
		}
		h.fire(begun)
		if err := h.insertAttempt(ctx, begun); err != nil {
			return err
		}
		return h.save(ctx)
	})
	return begun, err
}

// fire marks the send as falling back by the rule of an SMS attempt.
func (h *held) fire(a backstop.Attempt) {
	if a.Channel != backstop.SMS {
		return
	}
	if h.send.SMSStatus == "" || h.send.SMSStatus == backstop.Failed {
		h.send.SMSStatus = backstop.Queued
	}
	h.send.Fired, h.send.FiredReason = a.Rule, a.Reason
	if a.Number == 1 {
		h.note(backstop.Event{
			At: a.StartedAt, Kind: backstop.EventFired, Channel: a.Channel, Rule: a.Rule, Detail: a.Reason,
		})
	}
}

// End stores what the call returned, merges in the receipts that were stored before its message id was known, and
// returns the send as it then is. Repeated, it changes nothing; but an attempt that was given up for Unknown still
// becomes Accepted when its own call comes back late. An attempt that was not begun is an Error of code NotFound.
func (db *DB) End(ctx context.Context, attempt backstop.Attempt) (backstop.Send, error) {
	attempt.MessageID, attempt.Failure = clean(attempt.MessageID), cleaned(attempt.Failure)
	attempt.EndedAt = stampPtr(attempt.EndedAt)
	var send backstop.Send
	err := db.inTx(ctx, "end attempt", func(tx *sqlx.Tx) error {
		h, err := hold(ctx, tx, attempt.Ref.Send)
		if err != nil {
			return err
		}
		stored := h.attempt(attempt.Ref.Step, attempt.Number)
		if stored == nil {
			return notFound("attempt")
		}
		if endable(stored.State, attempt.State) {
			if err := h.end(ctx, stored, attempt); err != nil {
				return err
			}
		}
		send = h.send
		return h.save(ctx)
	})
	return send, err
}

func endable(from, to backstop.AttemptState) bool {
	return from == backstop.Calling || (from == backstop.AttemptState(backstop.Unknown) && to == backstop.Accepted)
}

func (h *held) end(ctx context.Context, stored *backstop.Attempt, ended backstop.Attempt) error {
	stored.State, stored.Failure, stored.Segments, stored.EndedAt = ended.State, ended.Failure, ended.Segments, ended.EndedAt
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
	if err := h.updateAttempt(ctx, *stored); err != nil {
		return err
	}
	at := now()
	if ended.EndedAt != nil {
		at = *ended.EndedAt
	}
	event := backstop.Event{At: at, Kind: backstop.EventAttempt, Channel: stored.Channel, Status: reached, Rule: stored.Rule}
	event.Code, event.Detail = why(ended.Failure)
	h.note(event)
	h.absorb(stored.Channel, reached, stored.Ref.Step, at)
	return h.adopt(ctx, *stored)
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

const insertAttempt = `INSERT INTO attempts (` + attemptColumns + `)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, NULL, $13, NULL)`

func (h *held) insertAttempt(ctx context.Context, a backstop.Attempt) error {
	return execute(ctx, h.tx, insertAttempt, h.send.ID, a.Ref.Step, a.Number, a.Channel, a.Provider, a.Rule, a.Reason,
		a.SendID, a.State, a.Status, a.MessageID, a.Segments, a.StartedAt)
}

const updateAttempt = `UPDATE attempts
SET state = $4, status = $5, message_id = $6, segments = $7, failure = $8, ended_at = $9
WHERE send = $1 AND step = $2 AND number = $3`

func (h *held) updateAttempt(ctx context.Context, a backstop.Attempt) error {
	failure, err := jsonOrNull(a.Failure)
	if err != nil {
		return err
	}
	return execute(ctx, h.tx, updateAttempt, h.send.ID, a.Ref.Step, a.Number,
		a.State, a.Status, a.MessageID, a.Segments, failure, a.EndedAt)
}
