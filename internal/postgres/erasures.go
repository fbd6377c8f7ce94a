package postgres

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

var erasureColumns = pool.ColumnsOf[erasureRow]()

// erasureRow is an erasure as it is stored.
type erasureRow struct {
	ID         string         `db:"id"`
	To         sql.NullString `db:"recipient"`
	KeepOptOut bool           `db:"keep_opt_out"`
	CreatedAt  time.Time      `db:"created_at"`
	FinishedAt *time.Time     `db:"finished_at"`
	Changed    string         `db:"changed"` // JSON
	Cancelled  int            `db:"cancelled"`
	Pending    int            `db:"pending"`
}

func (db *DB) erasureOf(r erasureRow) (backstop.Erasure, error) {
	e := backstop.Erasure{
		ID: r.ID, To: db.seals.Show(seals.Number, r.To.String), KeepOptOut: r.KeepOptOut, CreatedAt: pool.Stamp(r.CreatedAt),
		FinishedAt: pool.StampPtr(r.FinishedAt), Cancelled: r.Cancelled, Pending: r.Pending,
	}
	if err := json.Unmarshal([]byte(r.Changed), &e.Changed); err != nil {
		return backstop.Erasure{}, fmt.Errorf("read erasure: %w", err)
	}
	return e, nil
}

var (
	// createErasure returns the erasure that runs, if there is one. An opt-out is removed if one of the two requests asks for it.
	createErasure = `INSERT INTO erasures AS e (id, recipient, keep_opt_out, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (recipient) WHERE finished_at IS NULL DO UPDATE
SET keep_opt_out = e.keep_opt_out AND excluded.keep_opt_out, created_at = excluded.created_at
RETURNING ` + erasureColumns.Names()

	getErasure  = `SELECT ` + erasureColumns.Names() + ` FROM erasures WHERE id = $1`
	lockErasure = getErasure + ` FOR UPDATE`
)

const (
	listRunning = `SELECT id FROM erasures WHERE finished_at IS NULL ORDER BY created_at LIMIT $1`
	maskInAudit = `SELECT sum(audit_mask(number, '+•••••'))::bigint FROM unnest($1::text[]) AS number`
	saveErasure = `UPDATE erasures SET changed = $2, cancelled = $3, pending = $4, finished_at = $5, recipient = $6 WHERE id = $1`
	listUnended = `SELECT id FROM sends WHERE ` + ofNumbers + ` AND finished_at IS NULL AND accepted_at <= $2
ORDER BY id`
	listToErase = `SELECT id, outcome = 'cancelled' AND finished_at >= $4 AS cancelled FROM sends
WHERE ` + ofNumbers + ` AND finished_at IS NOT NULL AND accepted_at <= $2 ORDER BY id LIMIT $3 FOR UPDATE`
)

// CreateErasure stores that a person is to be removed. If an erasure of the number runs already, it returns that one, which then
// includes the sends that were accepted meanwhile.
func (db *DB) CreateErasure(ctx context.Context, to string, keepOptOut bool) (backstop.Erasure, error) {
	now := db.Now()
	id, err := pool.NewIDAt(now)
	if err != nil {
		return backstop.Erasure{}, err
	}
	var row erasureRow
	err = pool.UntilKnown(ctx, "create erasure", func(bool) error {
		row = erasureRow{}
		return db.pool.Change(ctx, &row, createErasure, id, db.seals.Hide(seals.Number, to), keepOptOut, now)
	})
	if err != nil {
		return backstop.Erasure{}, err
	}
	return db.erasureOf(row)
}

// Erasure returns an erasure, or an Error of code NotFound.
func (db *DB) Erasure(ctx context.Context, id string) (backstop.Erasure, error) {
	id, ok := pool.ParseID(id)
	if !ok {
		return backstop.Erasure{}, pool.NotFound("erasure")
	}
	var row erasureRow
	if err := db.pool.GetUnprepared(ctx, &row, getErasure, id); err != nil {
		return backstop.Erasure{}, pool.Failed(ctx, "get erasure", pool.OrNotFound(err, "erasure"))
	}
	return db.erasureOf(row)
}

// RunningErasures returns the ids of up to limit erasures that are not done.
func (db *DB) RunningErasures(ctx context.Context, limit int) (ids []string, err error) {
	err = db.pool.SelectUnprepared(ctx, &ids, listRunning, limit)
	return ids, pool.Failed(ctx, "list erasures", err)
}

// SendsToCancel returns the sends of an erasure that have not ended.
func (db *DB) SendsToCancel(ctx context.Context, e backstop.Erasure) (ids []string, err error) {
	err = db.pool.SelectUnprepared(ctx, &ids, listUnended, db.NumbersOf(e.To), e.CreatedAt)
	return ids, pool.Failed(ctx, "list sends to cancel", err)
}

// erasing is a statement that removes a person from the rows of a table.
type erasing struct{ table, statement string }

// eraseOfSends returns the statements about the rows of sends. The parameter is the ids of the sends.
func eraseOfSends() []erasing {
	return []erasing{
		{"sends", eraseSends},
		{"attempts", dropMessageIDs},
		{"receipts", dropReceiptIDs},
		{"events", dropReasons},
		{"callback_tries", dropAnswers},
		{"guard_texts", `DELETE FROM guard_texts WHERE send = ANY($1)`},
	}
}

// erasedKey is what remains of an idempotency key: a digest, by which a repeated request is refused.
const erasedKey = `'erased-' || encode(sha256(convert_to((SELECT id FROM installation) || ' ' || `

// eraseSends removes all that the caller has written, because any of it may name the person. The mask has no digit.
const eraseSends = `UPDATE sends SET recipient = '+•••••', text = CASE WHEN text <> '' THEN '•' ELSE '' END, sms_text = '•',
    ` + dropFiredReason + `, metadata = NULL, correlation_id = '', correlation_unique = false, traceparent = NULL,
    template = CASE WHEN template IS NOT NULL
        THEN json_build_object('name', template -> 'name', 'language', template -> 'language') END,
    idempotency_key = ` + erasedKey + `idempotency_key, 'UTF8')), 'hex'),
    idempotency_hash = CASE WHEN idempotency_key IS NOT NULL THEN '\x'::bytea END,
    sealed_content = NULL, content_removed_at = COALESCE(content_removed_at, now()), revision = revision + 1
WHERE id = ANY($1)`

// eraseOfNumber returns the statements about the rows that have the number and no send, but for the list of opt-outs.
func eraseOfNumber() []erasing {
	return []erasing{
		{"inbound", `DELETE FROM inbound WHERE sender = ANY($1)`},
		{"guard_counts", `DELETE FROM guard_counts WHERE guard = 'recipient_cap' AND key = ANY($1)`},
	}
}

// eraseOptOuts returns the statements about the list of opt-outs. If the opt-out is kept, its words are removed.
func eraseOptOuts(keep bool) []erasing {
	if keep {
		const words = ` SET note = '', inbound = '' WHERE recipient = ANY($1) AND (note <> '' OR inbound <> '')`
		return []erasing{
			{"opt_outs", `UPDATE opt_outs` + words},
			{"opt_out_changes", `UPDATE opt_out_changes` + words},
		}
	}
	return []erasing{
		{"opt_outs", `DELETE FROM opt_outs WHERE recipient = ANY($1)`},
		{"opt_out_changes", `DELETE FROM opt_out_changes WHERE recipient = ANY($1)`},
	}
}

// Erase removes one batch of the sends of an erasure that have ended, in one transaction with the report. When none is left, it
// removes the rest, and the erasure is done unless sends are under way. It reports whether to go on at once.
func (db *DB) Erase(ctx context.Context, id string, limit int) (e backstop.Erasure, more bool, err error) {
	err = db.pool.InTx(ctx, "erase", func(tx *sqlx.Tx) error {
		var row erasureRow
		if err := tx.GetContext(ctx, &row, lockErasure, id); err != nil {
			return pool.OrNotFound(err, "erasure")
		}
		if e, err = db.erasureOf(row); err != nil || e.FinishedAt != nil {
			more = false
			return err
		}
		if _, err := db.seals.OpenOwn(row.To.String); err != nil {
			return fmt.Errorf("open number: %w", err)
		}
		more, err = db.eraseBatch(ctx, tx, &e, limit)
		if err == nil && !more {
			err = db.eraseRest(ctx, tx, &e, pool.Stamp(db.Now()))
		}
		if err != nil {
			return err
		}
		changed, err := json.Marshal(e.Changed)
		if err != nil {
			return fmt.Errorf("write erasure: %w", err)
		}
		return pool.Execute(ctx, tx, saveErasure, id, string(changed), e.Cancelled, e.Pending, e.FinishedAt,
			orNull(db.seals.Hide(seals.Number, e.To)))
	})
	return e, more, err
}

func (db *DB) eraseBatch(ctx context.Context, tx *sqlx.Tx, e *backstop.Erasure, limit int) (more bool, err error) {
	var found []struct {
		ID        string `db:"id"`
		Cancelled bool   `db:"cancelled"`
	}
	if err := tx.SelectContext(ctx, &found, listToErase, db.NumbersOf(e.To), e.CreatedAt, limit, pool.TimeOf(e.ID)); err != nil {
		return false, fmt.Errorf("list sends to erase: %w", err)
	}
	if len(found) == 0 {
		return false, nil
	}
	ids := make(pq.StringArray, len(found))
	for i, send := range found {
		ids[i] = send.ID
		if send.Cancelled {
			e.Cancelled++
		}
	}
	for _, s := range eraseOfSends() {
		if err := change(ctx, tx, e, s.table, s.statement, ids); err != nil {
			return false, err
		}
	}
	return true, nil
}

// eraseRest removes what is left, if no send is under way: the providers' answers about such a send need its number.
func (db *DB) eraseRest(ctx context.Context, tx *sqlx.Tx, e *backstop.Erasure, now time.Time) error {
	rest, numbers := eraseOfNumber(), db.NumbersOf(e.To)
	var unended []string
	if err := tx.SelectContext(ctx, &unended, listUnended, numbers, e.CreatedAt); err != nil {
		return fmt.Errorf("list sends under way: %w", err)
	}
	e.Pending = len(unended)
	if e.Pending == 0 {
		rest = append(rest, eraseOptOuts(e.KeepOptOut)...)
	}
	for _, s := range rest {
		if err := change(ctx, tx, e, s.table, s.statement, numbers); err != nil {
			return err
		}
	}
	if e.Pending > 0 {
		return nil
	}
	if err := maskAudit(ctx, tx, e, numbers); err != nil {
		return err
	}
	e.FinishedAt, e.To = &now, ""
	return nil
}

// maskAudit is last, because the triggers of the audit have written the number again.
func maskAudit(ctx context.Context, tx *sqlx.Tx, e *backstop.Erasure, numbers pq.StringArray) error {
	var masked int
	if err := tx.GetContext(ctx, &masked, maskInAudit, numbers); err != nil {
		return fmt.Errorf("erase from audit: %w", err)
	}
	e.Add("audit", masked)
	return nil
}

// change runs a statement and adds its rows to the report.
func change(ctx context.Context, tx *sqlx.Tx, e *backstop.Erasure, table, statement string, arg any) error {
	result, err := tx.ExecContext(ctx, statement, arg)
	if err != nil {
		return errors.Join(fmt.Errorf("erase from %s", table), err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return fmt.Errorf("count rows of %s: %w", table, err)
	}
	e.Add(table, int(n))
	return nil
}
