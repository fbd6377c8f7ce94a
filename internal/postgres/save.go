package postgres

import (
	"context"
	"fmt"

	"github.com/backstophq/backstop/internal/postgres/pool"
)

// What a change writes is one statement, and so one round trip and one transaction. It begins with the send's row, which
// it updates only if nobody has changed the send since it was read; whatever else it writes it writes from that row, so
// not at all if somebody has. The parts number their parameters one after the other. Rows come as JSON and not as arrays:
// Postgres guesses the same number of them whatever the values, and so makes a plan once and keeps it.
const (
	// nextSend also notes that the engine has the send, which is surely so when it begins an attempt.
	nextSend = `s AS (
    UPDATE sends SET revision = $3, whatsapp_status = $4, sms_status = $5, fired = $6, fired_reason = $7,
        fallback_reason = $8, delivered_at = $9, delivered_by = $10, duplicate_delivery = $11, expired = $12,
        finished_at = $13, outcome = $14, receipt_by = $15, handed_over = handed_over OR $16
    WHERE id = $1 AND revision = $2
    RETURNING id
)`
	addEvents = `, e AS (
    INSERT INTO events (send, seq, at, kind, channel, status, rule, code, detail)
    SELECT s.id, u.seq, u.at, u.kind, u.channel, u.status, u.rule, u.code, u.detail
    FROM s, json_to_recordset($17)
        AS u (seq int, at timestamptz, kind text, channel text, status text, rule text, code text, detail text)
)`
	addAttempt = `, a AS (
    INSERT INTO attempts (send, step, number, channel, provider, rule, reason, send_id, state, status, message_id,
        segments, started_at)
    SELECT s.id, $18::int, $19::int, $20, $21, $22, $23, $24, $25, '', '', 0, $26::timestamptz FROM s
)`
	nextAttempts = `, a AS (
    UPDATE attempts SET state = u.state, status = u.status, message_id = u.message_id, segments = u.segments,
        failure = u.failure, ended_at = u.ended_at, lingers_until = u.lingers_until
    FROM s, json_to_recordset($18) AS u (step int, number int, state text, status text, message_id text,
        segments int, failure jsonb, ended_at timestamptz, lingers_until timestamptz)
    WHERE attempts.send = s.id AND attempts.step = u.step AND attempts.number = u.number
)`
	// addReceipts gives a send to those that were stored without one.
	addReceipts = `, r AS (
    INSERT INTO receipts (id, provider, channel, message_id, send, step, status, at, failure, received_at, needs_signal)
    SELECT u.id, u.provider, u.channel, u.message_id, s.id, u.step, u.status, u.at, u.failure, u.received_at, u.needs_signal
    FROM s, json_to_recordset($19) AS u (id uuid, provider text, channel text, message_id text, step int, status text,
        at timestamptz, failure jsonb, received_at timestamptz, needs_signal boolean)
    ON CONFLICT ON CONSTRAINT receipts_once DO UPDATE
        SET id = excluded.id, send = excluded.send, step = excluded.step, needs_signal = excluded.needs_signal
        WHERE receipts.send IS NULL
)`
)

const (
	saveSend     = `WITH ` + nextSend + addEvents + ` SELECT FROM s`
	saveBegun    = `WITH ` + nextSend + addEvents + addAttempt + ` SELECT FROM s`
	saveAttempts = `WITH ` + nextSend + addEvents + nextAttempts + ` SELECT FROM s`
	saveReceipts = `WITH ` + nextSend + addEvents + nextAttempts + addReceipts + ` SELECT FROM s`
)

// change reads a send, lets f change it, and saves it. It starts over when somebody else was faster, so f must begin by
// resetting what it returns through its closure. It returns the send as it then is.
func (db *DB) change(ctx context.Context, what, id string, f func(*draft) error) (*draft, error) {
	read := func() (*draft, error) {
		if d := db.recent.recall(id); d != nil {
			return d, nil
		}
		return db.read(ctx, id)
	}
	return db.redo(ctx, what, id, read, f)
}

func (db *DB) redo(
	ctx context.Context, what, id string, read func() (*draft, error), f func(*draft) error,
) (*draft, error) {
	end, err := db.turns.take(ctx, id)
	if err != nil {
		return nil, pool.Failed(ctx, what, err)
	}
	defer end()
	var d *draft
	err = pool.UntilDone(ctx, what, func() error {
		for {
			var err error
			if d, err = read(); err != nil {
				return err
			}
			if err = f(d); err == nil && d.isChanged() {
				return db.save(ctx, d)
			}
			if !d.isRecalled {
				return err
			}
			db.recent.forget(d.send.ID) // nothing may be due only because it is old
		}
	})
	return d, err
}

func (db *DB) save(ctx context.Context, d *draft) error {
	statement, args, err := d.statement()
	if err != nil {
		return err
	}
	saved, err := db.pool.Exec(ctx, statement, args...)
	if err != nil || saved == 0 {
		db.recent.forget(d.send.ID)
	}
	switch {
	case err != nil:
		return fmt.Errorf("save send: %w", err)
	case saved == 0:
		return pool.ErrMoved
	}
	db.recent.remember(d)
	db.line.tell(d.send)
	return nil
}

// statement returns the smallest statement that saves the draft.
func (d *draft) statement() (string, []any, error) {
	s := d.send
	args := []any{
		s.ID, d.revision, d.nextRevision(), s.WhatsAppStatus, s.SMSStatus, s.Fired, s.FiredReason,
		s.FallbackReason, s.DeliveredAt, s.DeliveredBy, s.DuplicateDelivery, s.Expired, s.FinishedAt, s.Outcome,
		s.ReceiptBy, d.begun != nil,
	}
	events, err := pool.JSONRows(d.eventRows())
	if err != nil {
		return "", nil, err
	}
	args = append(args, events)
	if a := d.begun; a != nil {
		return saveBegun, append(args,
			a.Ref.Step, a.Number, a.Channel, a.Provider, a.Rule, a.Reason, a.SendID, a.State, a.StartedAt), nil
	}
	if len(d.touched)+len(d.receipts) == 0 {
		return saveSend, args, nil
	}
	attempts, err := pool.JSONRows(d.attemptRows())
	if err != nil {
		return "", nil, err
	}
	args = append(args, attempts)
	if len(d.receipts) == 0 {
		return saveAttempts, args, nil
	}
	receipts, err := pool.JSONRows(receiptRows(d.receipts))
	return saveReceipts, append(args, receipts), err
}

func (d *draft) eventRows() []eventRow {
	rows := make([]eventRow, len(d.events))
	for i, e := range d.events {
		rows[i] = eventRow{
			Seq: d.revision + 1 + i, At: pool.Stamp(e.At), Kind: e.Kind, Channel: e.Channel, Status: e.Status,
			Rule: pool.Clean(e.Rule), Code: pool.Clean(e.Code), Detail: pool.Clean(e.Detail),
		}
	}
	return rows
}

func (d *draft) attemptRows() []attemptRow {
	rows := make([]attemptRow, len(d.touched))
	for i, a := range d.touched {
		rows[i] = attemptRow{
			Step: a.Ref.Step, Number: a.Number, State: a.State, Status: a.Status, MessageID: a.MessageID,
			Segments: a.Segments, Failure: a.Failure, EndedAt: a.EndedAt, LingersUntil: a.LingersUntil,
		}
	}
	return rows
}

func receiptRows(receipts []received) []receiptRow {
	at, rows := now(), make([]receiptRow, len(receipts))
	for i, r := range receipts {
		rows[i] = receiptRow{
			ID: r.id, Provider: r.Provider, Channel: r.Channel, MessageID: r.MessageID, Step: r.Ref.Step, Status: r.Status,
			At: r.At, Failure: r.Failure, ReceivedAt: at, NeedsSignal: r.needsSignal,
		}
	}
	return rows
}
