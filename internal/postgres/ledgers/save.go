package ledgers

import (
	"context"
	"fmt"
	"reflect"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// A change is written in one statement, so in one round trip and one transaction. The statement updates the row of the send by
// compare-and-swap on the revision. Its other parts insert from the updated row, so they write nothing if the send has changed
// since it was read. The parts number their parameters consecutively. Rows are passed as JSON and not as arrays: Postgres then
// expects the same number of rows in every call, so it keeps one plan.
var (
	stateColumns = pool.ColumnsOf[state]()
	// nextSend also sets handed_over when an attempt is begun, because the engine has the send then, and when the send has ended,
	// because it needs no workflow then.
	nextSend  = updateSend(``)
	nextBegin = updateSend(` AND NOT EXISTS (
        SELECT FROM opt_outs AS o WHERE o.recipient = sends.recipient AND o.category = ANY(` + nextParam(8) + `)
    )`)
	addEvents = `, e AS (
    INSERT INTO events (send, ` + EventColumns.Names() + `)
    SELECT s.id, ` + EventColumns.NamesIn("u") + ` FROM s, ` + EventColumns.Recordset(nextParam(6)) + `
)`
	nextAttempts = `, a AS (
    INSERT INTO attempts (send, ` + attemptColumns.Names() + `)
    SELECT s.id, ` + attemptColumns.NamesIn("u") + ` FROM s, ` + attemptColumns.Recordset(nextParam(7)) + `
    ON CONFLICT (send, step) DO UPDATE SET ` + attemptColumns.Without("step").AssignExcluded() + `
)`
	// addReceipts also gives a send to receipts that were stored without one.
	addReceipts = `, r AS (
    INSERT INTO receipts (send, ` + receiptColumns.Names() + `)
    SELECT s.id, ` + receiptColumns.NamesIn("u") + ` FROM s, ` + receiptColumns.Recordset(nextParam(8)) + `
    ON CONFLICT ON CONSTRAINT receipts_once DO UPDATE
        SET id = excluded.id, send = excluded.send, step = excluded.step, needs_signal = excluded.needs_signal
        WHERE receipts.send IS NULL
)`

	saveSend     = `WITH ` + nextSend + addEvents
	saveAttempts = `WITH ` + nextSend + addEvents + nextAttempts
	saveReceipts = `WITH ` + nextSend + addEvents + nextAttempts + addReceipts

	// saveBegin writes nothing too if the recipient has opted out: no call begins after an opt-out is stored.
	saveBegin   = `WITH ` + nextBegin + addEvents + nextAttempts
	saveOptOuts = `WITH ` + nextSend + addEvents + nextAttempts + addReceipts + `, ` + AddOptOuts("s, ", nextParam(9))
)

const noRow = ` SELECT FROM s`

// updateSend returns the update of the row of a send, if a condition besides the revision is met.
func updateSend(condition string) string {
	return `s AS (
    UPDATE sends SET revision = ` + nextParam(1) + `, ` + stateColumns.Assign() + `,
        changed_at = ` + nextParam(2) + `, handed_over = handed_over OR ` + nextParam(3) + `
    WHERE id = ` + nextParam(4) + ` AND revision = ` + nextParam(5) + condition + `
    RETURNING id
)`
}

// nextParam returns the nth parameter after those of stateColumns.
func nextParam(n int) string { return pool.Param(len(stateColumns) + n) }

// isChanged reports whether a change has anything to save. It compares all columns that a change may set.
func isChanged(before, l *backstop.Ledger) bool {
	added := len(l.Events) + len(l.Receipts) + len(changedAttempts(before, l))
	return added > 0 || !reflect.DeepEqual(stateOf(before.Send), stateOf(l.Send))
}

// changedAttempts returns the attempts that a change added or changed.
func changedAttempts(before, l *backstop.Ledger) []backstop.Attempt {
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
	queued, err := CallbacksOf(l.Send.Callback, l.Events, l.Revision)
	if err != nil {
		return saved{}, err
	}
	optOuts, err := s.optOutRows(l)
	if err != nil {
		return saved{}, err
	}
	statement, args, err := s.statementOf(before, l, rows, optOuts)
	if err != nil {
		return saved{}, err
	}
	if queued.Last > 0 {
		args = append(args, queued.Rows)
		statement += AddCallbacks(len(args))
	}
	end := noRow
	if isByCaller(before, l) {
		actor, err := pool.ActorText(ctx)
		if err != nil {
			return saved{}, err
		}
		args = append(args, actor)
		end = ` SELECT ` + pool.SetActor(pool.Param(len(args))) + ` FROM s`
	}
	n, err := s.pool.Exec(ctx, statement+end, args...)
	if err == nil && n == 0 {
		err = pool.ErrMoved
	}
	if err == nil {
		s.changed(before, l)
	}
	l.Revision = l.NextRevision()
	l.Events = nil
	if err != nil {
		s.cache.drop(l.Send.ID)
		err = fmt.Errorf("save send: %w", err)
	} else {
		s.publish(l)
		if queued.Last > 0 {
			s.WakeCallbacks(handoff.CallbackWake{Send: l.Send.ID, Seq: queued.Last})
		}
	}
	return saved{Ledger: l, ids: ids, news: identifiedSteps(before, l)}, err
}

// isByCaller reports whether a caller ends or confirms a send by a change, so that the audit has an entry of it.
func isByCaller(before, l *backstop.Ledger) bool {
	return before.Send.ConfirmedAt == nil && l.Send.ConfirmedAt != nil ||
		before.Send.Outcome != backstop.OutcomeCancelled && l.Send.Outcome == backstop.OutcomeCancelled
}

// publish caches a saved ledger, and notifies the activities that wait for its send.
func (s *Store) publish(l *backstop.Ledger) {
	s.cache.put(l)
	s.waiters.notify(l)
}

// identifiedSteps returns the steps that got a message id.
func identifiedSteps(before, l *backstop.Ledger) []int {
	var steps []int
	for _, a := range l.Attempts {
		if b := before.Attempt(a.Ref.Step); a.MessageID != "" && (b == nil || b.MessageID != a.MessageID) {
			steps = append(steps, a.Ref.Step)
		}
	}
	return steps
}

// statementOf returns the smallest statement that saves the ledger, without its callbacks and its end.
func (s *Store) statementOf(
	before, l *backstop.Ledger, receipts []receiptRow, optOuts []NewOptOut,
) (string, []any, error) {
	send, attempts := l.Send, changedAttempts(before, l)
	needsNoStart := len(l.Attempts) > len(before.Attempts) || send.FinishedAt != nil
	args := append(stateColumns.Values(s.hideWords(stateOf(send))), l.NextRevision(), l.At, needsNoStart, send.ID, l.Revision)
	events, err := s.eventRows(l)
	if err != nil {
		return "", nil, err
	}
	written, err := pool.JSONRows(events)
	if err != nil {
		return "", nil, err
	}
	args = append(args, written)
	if len(attempts)+len(receipts)+len(optOuts) == 0 {
		return saveSend, args, nil
	}
	rows := make([]attemptRow, len(attempts))
	for i, a := range attempts {
		rows[i] = s.attemptRowOf(a)
	}
	if written, err = pool.JSONRows(rows); err != nil {
		return "", nil, err
	}
	args = append(args, written)
	switch {
	case l.BeginsCall(before):
		return saveBegin, append(args, Stopping(send.Category)), nil
	case len(receipts)+len(optOuts) == 0:
		return saveAttempts, args, nil
	}
	if written, err = pool.JSONRows(append([]receiptRow{}, receipts...)); err != nil {
		return "", nil, err
	}
	if args = append(args, written); len(optOuts) == 0 {
		return saveReceipts, args, nil
	}
	written, err = pool.JSONRows(optOuts)
	return saveOptOuts, append(args, written), err
}

// saved is a ledger after it was saved, or as it was read if a change had no effect.
type saved struct {
	*backstop.Ledger

	ids  []string // of the stored receipts, in their order
	news []int    // the steps that got a message id
}
