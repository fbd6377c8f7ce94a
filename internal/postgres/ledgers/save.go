package ledgers

import (
	"context"
	"fmt"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// A change is written in one statement, so in one round trip and one transaction. The statement updates the row of the send by
// compare-and-swap on the revision. Its other parts insert from the updated row, so they write nothing if the send has changed
// since it was read. The parts number their parameters consecutively. Rows are passed as JSON and not as arrays: Postgres then
// expects the same number of rows in every call, so it keeps one plan.
const (
	// nextSend also sets handed_over when an attempt is begun, because the engine has the send then.
	nextSend = `s AS (
    UPDATE sends SET revision = $3, whatsapp_status = $4, sms_status = $5, fired = $6, fired_reason = $7,
        fallback_reason = $8, delivered_at = $9, delivered_by = $10, duplicate_delivery = $11, expired = $12,
        finished_at = $13, outcome = $14, receipt_by = $15, handed_over = handed_over OR $16, changed_at = $17
    WHERE id = $1 AND revision = $2
    RETURNING id
)`
	addEvents = `, e AS (
    INSERT INTO events (send, seq, at, kind, channel, status, rule, code, detail)
    SELECT s.id, u.seq, u.at, u.kind, u.channel, u.status, u.rule, u.code, u.detail
    FROM s, json_to_recordset($18)
        AS u (seq int, at timestamptz, kind text, channel text, status text, rule text, code text, detail text)
)`
	nextAttempts = `, a AS (
    INSERT INTO attempts (send, step, number, channel, provider, rule, reason, send_id, state, status, message_id,
        segments, failure, refusal, started_at, ended_at, token, reported, lingers_until)
    SELECT s.id, u.step, u.number, u.channel, u.provider, u.rule, u.reason, u.send_id, u.state, u.status, u.message_id,
        u.segments, u.failure, u.refusal, u.started_at, u.ended_at, u.token, u.reported, u.lingers_until
    FROM s, json_to_recordset($19) AS u (step int, number int, channel text, provider text, rule text, reason text,
        send_id text, state text, status text, message_id text, segments int, failure jsonb, refusal jsonb,
        started_at timestamptz, ended_at timestamptz, token text, reported smallint, lingers_until timestamptz)
    ON CONFLICT (send, step) DO UPDATE SET number = excluded.number, provider = excluded.provider, reason = excluded.reason,
        state = excluded.state, status = excluded.status, message_id = excluded.message_id, segments = excluded.segments,
        failure = excluded.failure, refusal = excluded.refusal, started_at = excluded.started_at,
        ended_at = excluded.ended_at, token = excluded.token, reported = excluded.reported,
        lingers_until = excluded.lingers_until
)`
	// addReceipts also gives a send to receipts that were stored without one.
	addReceipts = `, r AS (
    INSERT INTO receipts (id, provider, channel, message_id, send, step, status, at, failure, received_at, needs_signal)
    SELECT u.id, u.provider, u.channel, u.message_id, s.id, u.step, u.status, u.at, u.failure, u.received_at, u.needs_signal
    FROM s, json_to_recordset($20) AS u (id uuid, provider text, channel text, message_id text, step int, status text,
        at timestamptz, failure jsonb, received_at timestamptz, needs_signal boolean)
    ON CONFLICT ON CONSTRAINT receipts_once DO UPDATE
        SET id = excluded.id, send = excluded.send, step = excluded.step, needs_signal = excluded.needs_signal
        WHERE receipts.send IS NULL
)`
)

const (
	saveSend     = `WITH ` + nextSend + addEvents + ` SELECT FROM s`
	saveAttempts = `WITH ` + nextSend + addEvents + nextAttempts + ` SELECT FROM s`
	saveReceipts = `WITH ` + nextSend + addEvents + nextAttempts + addReceipts + ` SELECT FROM s`
)

func isChanged(before, l *backstop.Ledger) bool {
	return before.Send.IsChanged(l.Send) || len(l.Events)+len(l.Receipts)+len(touched(before, l)) > 0
}

// touched returns the attempts that a change added or changed.
func touched(before, l *backstop.Ledger) []backstop.Attempt {
	var list []backstop.Attempt
	for _, a := range l.Attempts {
		if b := before.Attempt(a.Ref.Step); b == nil || *b != a {
			list = append(list, a)
		}
	}
	return list
}

// save writes the changes of l since before. It fails with pool.ErrMoved if the send has changed since it was read. If the
// answer of Postgres is lost, save returns the error together with the ledger that may have been saved.
func (s *Store) save(ctx context.Context, before, l *backstop.Ledger) (saved, error) {
	rows, ids, err := s.receiptRows(l.Receipts)
	if err != nil {
		return saved{}, err
	}
	statement, args, err := statementOf(before, l, rows)
	if err != nil {
		return saved{}, err
	}
	n, err := s.pool.Exec(ctx, statement, args...)
	if err == nil && n == 0 {
		err = pool.ErrMoved
	}
	l.Revision = nextRevision(l)
	l.Events = nil
	if err != nil {
		s.cache.drop(l.Send.ID)
		err = fmt.Errorf("save send: %w", err)
	} else {
		s.publish(l)
	}
	return saved{Ledger: l, ids: ids, news: identified(before, l)}, err
}

// publish caches a saved ledger, and notifies the activities that wait for its send.
func (s *Store) publish(l *backstop.Ledger) {
	s.cache.put(l)
	s.waiters.notify(l)
}

// nextRevision is the send's revision after the save: the number of its newest event, or one more than before if there is no
// new event.
func nextRevision(l *backstop.Ledger) int { return l.Revision + max(len(l.Events), 1) }

// identified returns the steps that got a message id.
func identified(before, l *backstop.Ledger) []int {
	var steps []int
	for _, a := range l.Attempts {
		if b := before.Attempt(a.Ref.Step); a.MessageID != "" && (b == nil || b.MessageID != a.MessageID) {
			steps = append(steps, a.Ref.Step)
		}
	}
	return steps
}

// statementOf returns the smallest statement that saves the ledger.
func statementOf(before, l *backstop.Ledger, receipts []receiptRow) (string, []any, error) {
	s, attempts := l.Send, touched(before, l)
	hasBegun := len(l.Attempts) > len(before.Attempts)
	args := []any{
		s.ID, l.Revision, nextRevision(l), s.Status.WhatsApp, s.Status.SMS, s.Fired, pool.Clean(s.FiredReason), s.FallbackReason,
		s.DeliveredAt, s.DeliveredBy, s.DuplicateDelivery, s.Expired, s.FinishedAt, s.Outcome, s.ReceiptBy, hasBegun, l.At,
	}
	events, err := pool.JSONRows(eventRows(l))
	if err != nil {
		return "", nil, err
	}
	args = append(args, events)
	if len(attempts)+len(receipts) == 0 {
		return saveSend, args, nil
	}
	rows := make([]attemptRow, len(attempts))
	for i, a := range attempts {
		rows[i] = rowOf(a)
	}
	written, err := pool.JSONRows(rows)
	if err != nil {
		return "", nil, err
	}
	args = append(args, written)
	if len(receipts) == 0 {
		return saveAttempts, args, nil
	}
	written, err = pool.JSONRows(receipts)
	return saveReceipts, append(args, written), err
}

// eventRow is the JSON of an event.
type eventRow struct {
	Seq     int                `json:"seq"`
	At      time.Time          `json:"at"`
	Kind    backstop.EventKind `json:"kind"`
	Channel backstop.Channel   `json:"channel"`
	Status  backstop.Status    `json:"status"`
	Rule    string             `json:"rule"`
	Code    string             `json:"code"`
	Detail  string             `json:"detail"`
}

func eventRows(l *backstop.Ledger) []eventRow {
	rows := make([]eventRow, len(l.Events))
	for i, e := range l.Events {
		rows[i] = eventRow{
			Seq: l.Revision + 1 + i, At: pool.Stamp(e.At), Kind: e.Kind, Channel: e.Channel, Status: e.Status,
			Rule: pool.Clean(e.Rule), Code: pool.Clean(e.Code), Detail: pool.Clean(e.Detail),
		}
	}
	return rows
}
