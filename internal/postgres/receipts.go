package postgres

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

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

const existingSends = `SELECT id FROM sends WHERE id = ANY($1::uuid[])`

// correlate finds the send and step of each receipt: by the reference that it carries, else by its message id. It
// returns the receipts by send, with their Ref set, and those that match nothing.
func correlate(
	ctx context.Context, tx *sqlx.Tx, receipts []backstop.Receipt,
) (bySend map[string][]backstop.Receipt, orphans []backstop.Receipt, err error) {
	var ids pq.StringArray
	for _, r := range receipts {
		if id, ok := parseID(r.Ref.Send); ok {
			ids = append(ids, id)
		}
	}
	var existing []string
	if len(ids) > 0 {
		if err := tx.SelectContext(ctx, &existing, existingSends, ids); err != nil {
			return nil, nil, fmt.Errorf("find sends: %w", err)
		}
	}
	bySend = map[string][]backstop.Receipt{}
	var unknown []backstop.Receipt
	for _, r := range receipts {
		id, _ := parseID(r.Ref.Send)
		if !slices.Contains(existing, id) || r.Ref.Step < 1 {
			unknown = append(unknown, r)
			continue
		}
		r.Ref.Send = id
		bySend[id] = append(bySend[id], r)
	}
	refs, err := refsByMessage(ctx, tx, unknown)
	if err != nil {
		return nil, nil, err
	}
	for _, r := range unknown {
		ref, found := refs[messageOf(r)]
		if !found {
			orphans = append(orphans, r)
			continue
		}
		r.Ref = ref
		bySend[ref.Send] = append(bySend[ref.Send], r)
	}
	return bySend, orphans, nil
}

// message is the second correlation key.
type message struct {
	Channel  backstop.Channel `db:"channel"`
	Provider string           `db:"provider"`
	ID       string           `db:"message_id"`
}

func messageOf(r backstop.Receipt) message {
	return message{Channel: r.Channel, Provider: r.Provider, ID: r.MessageID}
}

const attemptsByMessage = `SELECT channel, provider, message_id, send, step FROM attempts
WHERE message_id <> '' AND (provider, message_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
ORDER BY started_at`

func refsByMessage(ctx context.Context, tx *sqlx.Tx, receipts []backstop.Receipt) (map[message]backstop.Ref, error) {
	if len(receipts) == 0 {
		return nil, nil //nolint:nilnil // an empty map
	}
	var providers, ids pq.StringArray
	for _, r := range receipts {
		providers, ids = append(providers, r.Provider), append(ids, r.MessageID)
	}
	var rows []struct {
		message

		Send string `db:"send"`
		Step int    `db:"step"`
	}
	if err := tx.SelectContext(ctx, &rows, attemptsByMessage, providers, ids); err != nil {
		return nil, fmt.Errorf("find attempts: %w", err)
	}
	refs := map[message]backstop.Ref{}
	for _, row := range rows { // the newest wins
		refs[row.message] = backstop.Ref{Send: row.Send, Step: row.Step}
	}
	return refs, nil
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
	event := backstop.Event{At: r.At, Kind: backstop.EventReceipt, Channel: r.Channel, Status: r.Status}
	event.Code, event.Detail = why(r.Failure)
	about := h.about(r)
	if about != nil {
		event.Rule = about.Rule
	}
	h.note(event)
	waits = h.absorb(r.Channel, r.Status, r.Ref.Step, r.At)
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

// lockMessages orders receipts that match nothing against End: whichever comes second sees what the first has done.
const lockMessages = `SELECT pg_advisory_xact_lock(hashtextextended(key, 0)) FROM unnest($1::text[]) AS key`

func lockKeys(ctx context.Context, tx *sqlx.Tx, messages ...message) error {
	var keys pq.StringArray
	for _, m := range messages {
		keys = append(keys, m.Provider+" "+m.ID)
	}
	slices.Sort(keys)
	_, err := tx.ExecContext(ctx, lockMessages, slices.Compact(keys))
	if err != nil {
		return fmt.Errorf("lock messages: %w", err)
	}
	return nil
}

// keep stores receipts that match no attempt. If one has come to match since, the transaction starts over.
func keep(ctx context.Context, tx *sqlx.Tx, orphans []backstop.Receipt) error {
	if len(orphans) == 0 {
		return nil
	}
	messages := make([]message, len(orphans))
	for i, r := range orphans {
		messages[i] = messageOf(r)
	}
	if err := lockKeys(ctx, tx, messages...); err != nil {
		return err
	}
	refs, err := refsByMessage(ctx, tx, orphans)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(messages, func(m message) bool { _, found := refs[m]; return found }) {
		return errMoved
	}
	slices.SortStableFunc(orphans, func(a, b backstop.Receipt) int {
		return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.MessageID, b.MessageID))
	})
	for _, r := range orphans {
		r.Ref = backstop.Ref{}
		if _, _, err := insertNew(ctx, tx, r, false); err != nil {
			return err
		}
	}
	return nil
}

const listOrphans = `SELECT provider, channel, message_id, status, at, failure FROM receipts
WHERE provider = $1 AND message_id = $2 AND send IS NULL AND channel = $3 ORDER BY id`

type receiptRow struct {
	message

	Status  backstop.Status `db:"status"`
	At      time.Time       `db:"at"`
	Failure []byte          `db:"failure"`
}

// adopt merges the receipts that came before an attempt's message id was known.
func (h *held) adopt(ctx context.Context, a backstop.Attempt) error {
	if a.MessageID == "" {
		return nil
	}
	if err := lockKeys(ctx, h.tx, message{Channel: a.Channel, Provider: a.Provider, ID: a.MessageID}); err != nil {
		return err
	}
	var rows []receiptRow
	if err := h.tx.SelectContext(ctx, &rows, listOrphans, a.Provider, a.MessageID, a.Channel); err != nil {
		return fmt.Errorf("list orphans: %w", err)
	}
	for _, row := range rows {
		failure, err := readFailure(row.Failure)
		if err != nil {
			return err
		}
		receipt := backstop.Receipt{
			Provider: row.Provider, Channel: row.Channel, MessageID: row.ID, Ref: a.Ref,
			Status: row.Status, At: row.At.UTC(), Failure: failure,
		}
		if _, _, err := h.merge(ctx, receipt); err != nil { // the sweeper signals it, should the workflow wait for it
			return err
		}
	}
	return nil
}
