package postgres

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres/ledgers"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

// An insertion stores a new send. Its last part stores the events.
type insertion struct{ parts, last string }

func (i insertion) String() string { return i.parts + i.last }

// statement returns the statement of an insertion, which also queues callbacks if there are any.
func (i insertion) statement(args []any, q ledgers.Queued) (string, []any) {
	if q.Last == 0 {
		return i.String(), args
	}
	args = append(args, q.Rows)
	return i.parts + ledgers.AddCallbacks(len(args)) + i.last, args
}

// insertSend stores a send and its first event in one statement; no row when the key was used before, or when the recipient has
// opted out. insertScheduled also keeps the claims of the sweeper away from the send, until its turn comes.
var (
	insertSend      = insertion{`WITH ` + withSend(atOnce, `WHERE NOT EXISTS (`+findStop()+`)`), firstEvent}
	insertScheduled = insertion{`WITH ` + withSend(later, `WHERE NOT EXISTS (`+findStop()+`)`), firstEvent}
)

// turn is when a new send starts.
type turn int

const (
	atOnce turn = iota
	later
)

// columns returns the columns that say it, beside insertColumns, and their values.
func (t turn) columns() (names, values string) {
	if t == later {
		return `, sweep_at`, `, 'infinity'`
	}
	return "", ""
}

// withSend returns the table s of the send that is stored, if a condition holds; without a row when the key was used before.
func withSend(t turn, condition string) string {
	names, values := t.columns()
	return `s AS (
    INSERT INTO sends (` + insertColumns.Names() + names + `) SELECT ` + insertColumns.Params() + values + `
    ` + condition + `
    ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
    RETURNING id, accepted_at
)`
}

// firstEvent stores the first event of the send in s.
const firstEvent = `
INSERT INTO events (send, seq, at, kind, channel, status, rule, code, detail)
SELECT id, 1, accepted_at, 'accepted', '', '', '', '', '' FROM s`

var insertColumns = pool.ColumnsOf[insertRow]()

// insertRow is a new send.
type insertRow struct {
	ledgers.Row

	PolicyID  sql.NullString `db:"policy_id"` // null: the send has rules of its own
	Key       sql.NullString `db:"idempotency_key"`
	Hash      []byte         `db:"idempotency_hash"`
	CheckAt   time.Time      `db:"check_at"`
	ChangedAt time.Time      `db:"changed_at"`
}

// insertRowOf returns the row of a new send, and the send with times as Postgres stores them.
func (db *DB) insertRowOf(send backstop.Send, key *handoff.Idempotency) (insertRow, backstop.Send, error) {
	row, err := ledgers.RowOf(send)
	if err != nil {
		return insertRow{}, backstop.Send{}, err
	}
	if send, err = row.Send(); err != nil {
		return insertRow{}, backstop.Send{}, err
	}
	if row, err = db.Seal(row); err != nil {
		return insertRow{}, backstop.Send{}, err
	}
	insert := insertRow{
		Row: row, PolicyID: orNull(send.Plan.PolicyID), CheckAt: pool.Stamp(send.CheckAt()), ChangedAt: send.AcceptedAt,
	}
	if key != nil {
		insert.Key = orNull(key.Key)
		if insert.Hash, err = db.sealHash(send.ID, key.Hash); err != nil {
			return insertRow{}, backstop.Send{}, err
		}
	}
	return insert, send, nil
}

func orNull(text string) sql.NullString { return sql.NullString{String: text, Valid: text != ""} }

// values returns the parameters of the send and of findStop.
func (r insertRow) values() []any {
	return append(insertColumns.Values(r), r.To, ledgers.Stopping(r.Category))
}

// InsertSend stores a send with its first event. The ID is a UUIDv7 of the time when the send was accepted. If the key was used
// before with the same hash, InsertSend stores nothing and returns the earlier send and false. With another hash it returns an
// Error of code Mismatch. If the CorrelationID belongs to another send alone, the Error has the code Conflict. If the answer of
// Postgres is lost, it retries. So a send that was stored is not reported as an error or as an earlier send.
func (db *DB) InsertSend(
	ctx context.Context, send backstop.Send, key *handoff.Idempotency,
) (stored backstop.Send, created bool, err error) {
	insert, send, err := db.insertRowOf(send, key)
	if err != nil {
		return backstop.Send{}, false, err
	}
	how := insertSend
	if send.IsScheduled() {
		how = insertScheduled
	}
	queued, err := firstCallback(send)
	if err != nil {
		return backstop.Send{}, false, err
	}
	statement, values := how.statement(insert.values(), queued)
	err = pool.UntilKnown(ctx, "insert send", func(isRepeated bool) error {
		rows, err := db.pool.Exec(ctx, statement, values...)
		if err == nil && rows == 0 {
			err = errNoRow
		}
		stored, created, err = db.inserted(ctx, insert, send, key, isRepeated, err)
		return err
	})
	if err != nil {
		return backstop.Send{}, false, err
	}
	if created {
		db.observer.SendAccepted(stored)
	}
	if created && !stored.IsSkipped() {
		db.wakeCallbacks(stored.ID, queued)
	}
	return stored, created, nil
}

// firstCallback returns the callback of the first event of a send.
func firstCallback(send backstop.Send) (ledgers.Queued, error) {
	accepted := backstop.Event{Kind: backstop.EventAccepted, At: send.AcceptedAt}
	return ledgers.CallbacksOf(send.Callback, []backstop.Event{accepted}, 0)
}

func (db *DB) wakeCallbacks(send string, q ledgers.Queued) {
	if q.Last > 0 {
		db.WakeCallbacks(handoff.CallbackWake{Send: send, Seq: q.Last})
	}
}

// errNoRow says that a statement stored no send: the key was used before, or the recipient has opted out.
var errNoRow = errors.New("no send is stored")

// inserted returns the result of a statement that stores a send.
func (db *DB) inserted(
	ctx context.Context, insert insertRow, send backstop.Send, key *handoff.Idempotency, isRepeated bool, err error,
) (stored backstop.Send, created bool, _ error) {
	isRefused := errors.Is(err, errNoRow) || pool.IsTaken(err, "sends_pkey") || pool.IsTaken(err, uniqueCorrelation)
	if isRepeated && isRefused {
		if stored, found, err := db.findStored(ctx, send.ID); err != nil || found {
			return stored, found, err
		}
	}
	switch {
	case err == nil:
		if !send.IsScheduled() { // nothing changes it soon
			db.Remember(send)
		}
		return send, true, nil
	case pool.IsTaken(err, uniqueCorrelation):
		return db.correlated(ctx, send, key)
	case !errors.Is(err, errNoRow):
		return backstop.Send{}, false, err
	}
	if key != nil {
		stored, found, err := db.SendByKey(ctx, *key)
		if err != nil || found {
			return stored, stored.ID == send.ID, err // also if it was stored before its answer was lost
		}
	}
	stored, created, err = db.insertOptedOut(ctx, insert, send)
	if pool.IsTaken(err, uniqueCorrelation) {
		return db.correlated(ctx, send, key)
	}
	return stored, created, err
}

// findStored returns the send that was stored before the answer to its statement was lost, or false. Since then its recipient may
// have opted out, or in again.
func (db *DB) findStored(ctx context.Context, id string) (stored backstop.Send, found bool, err error) {
	stored, err = db.Send(ctx, id)
	if backstop.CodeOf(err) == backstop.NotFound {
		return backstop.Send{}, false, nil
	}
	return stored, err == nil, err
}

var getSendByKey = `SELECT ` + ledgers.Columns.Names() + `, idempotency_hash FROM sends
WHERE idempotency_key IN ($1, ` + erasedKey + `$1, 'UTF8')), 'hex'))`

// SendByKey returns the send that was stored with this key, or false; with another hash, an Error of code Mismatch.
func (db *DB) SendByKey(ctx context.Context, key handoff.Idempotency) (backstop.Send, bool, error) {
	var row struct {
		ledgers.Row

		Hash []byte `db:"idempotency_hash"`
	}
	err := db.pool.Get(ctx, &row, getSendByKey, key.Key)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return backstop.Send{}, false, nil
	case err != nil:
		return backstop.Send{}, false, pool.Failed(ctx, "get send by key", err)
	}
	hash, err := db.openHash(row.ID, row.Hash)
	switch {
	case err != nil:
		return backstop.Send{}, false, err
	case !row.HasNumber() && !bytes.Equal(hash, key.Hash):
		return backstop.Send{}, false, &backstop.Error{
			Code: backstop.Mismatch, Message: "the send of this idempotency key was erased with its recipient: use a new key",
		}
	case !bytes.Equal(hash, key.Hash):
		return backstop.Send{}, false, &backstop.Error{
			Code: backstop.Mismatch, Message: "this idempotency key was used before with another request: use a new key",
		}
	}
	send, err := db.SendOf(row.Row)
	return send, err == nil, err
}

// sealHash returns the hash of a request as it is stored. A plain hash is as good as the texts: whoever has it can try them.
func (db *DB) sealHash(send string, hash []byte) ([]byte, error) {
	if !db.seals.Texts() {
		return hash, nil
	}
	return db.seals.Seal(seals.RequestHash, send, hash)
}

// openHash returns the hash of a stored request. If it does not open, the Error has the code TryLater: with another answer the
// caller might send twice.
func (db *DB) openHash(send string, hash []byte) ([]byte, error) {
	if !seals.IsSealed(hash) {
		return hash, nil
	}
	plain, err := db.seals.Open(seals.RequestHash, send, hash)
	if err != nil {
		return nil, &backstop.Error{
			Code: backstop.TryLater, Message: "the request of this idempotency key cannot be read: " + err.Error(), Cause: err,
		}
	}
	return plain, nil
}

var getSend = `SELECT ` + ledgers.Columns.Names() + ` FROM sends WHERE id = $1`

// Send returns a send, or an Error of code NotFound.
func (db *DB) Send(ctx context.Context, id string) (backstop.Send, error) {
	id, ok := pool.ParseID(id)
	if !ok {
		return backstop.Send{}, pool.NotFound("send")
	}
	var row ledgers.Row
	if err := db.pool.Get(ctx, &row, getSend, id); err != nil {
		return backstop.Send{}, pool.Failed(ctx, "get send", pool.OrNotFound(err, "send"))
	}
	return db.SendOf(row)
}

// ListSends returns the sends that pass the filter, and whether more follow: the newest first, or by backstop.ByOldest the
// oldest.
func (db *DB) ListSends(
	ctx context.Context, filter backstop.SendFilter, page backstop.Page,
) (list []backstop.Send, more bool, err error) {
	ids, err := pageRange(rangeOf(filter), page)
	if err != nil {
		return nil, false, err
	}
	w, found, err := db.findSends(filter, ids)
	if err != nil || !found {
		return nil, false, err
	}
	var rows []ledgers.Row
	query := listSends(&w, page)
	if err := db.pool.SelectUnprepared(ctx, &rows, query, w.values...); err != nil {
		return nil, false, pool.Failed(ctx, "list sends", err)
	}
	rows, more = cutPage(rows, page.Limit)
	list, err = db.SendsOf(rows)
	return list, more, err
}

// findSends is sendsThat for a filter that a caller has chosen.
func (db *DB) findSends(f backstop.SendFilter, ids idRange) (w where, found bool, err error) {
	if err := db.refuseEnds("to_ends", f.ToEnds); err != nil {
		return where{}, false, err
	}
	f.To = db.seals.Hide(seals.Number, f.To)
	w, found = sendsThat(f, ids)
	return w, found, nil
}

func listSends(w *where, page backstop.Page) string {
	direction := "DESC"
	if page.Sort == backstop.ByOldest {
		direction = "ASC"
	}
	return `SELECT ` + ledgers.Columns.Names() + ` FROM sends WHERE ` + w.String() + `
ORDER BY id ` + direction + ` LIMIT ` + w.param(page.Limit+1)
}

// pageRange returns the ids of a range that follow the page's last one.
func pageRange(ids idRange, page backstop.Page) (idRange, error) {
	last, err := idAfter(page)
	switch {
	case err != nil || last == "":
	case page.Sort == backstop.ByOldest:
		ids.first = max(ids.first, pool.NextID(last))
	default:
		ids.end = min(ids.end, last)
	}
	return ids, err
}

// CountSends returns the number of the sends that pass the filter.
func (db *DB) CountSends(ctx context.Context, filter backstop.SendFilter) (backstop.Total, error) {
	w, found, err := db.findSends(filter, rangeOf(filter))
	if err != nil || !found {
		return backstop.Total{IsExact: true}, err
	}
	return db.countUpTo(ctx, "sends", w)
}

// idSlack is how far the time in a send's id may be from AcceptedAt, so that a list by time is a range of ids. Both times come
// from the database's clock.
const idSlack = time.Second

// markSent has its ids in a subquery. Postgres then expects the same number of ids in every call, so it keeps one plan.
const markSent = `UPDATE sends SET handed_over = true WHERE id = ANY((SELECT $1::uuid[])::uuid[]) AND NOT handed_over`

// MarkSent records that the engine has the sends with these ids. Repeated, it changes nothing.
func (db *DB) MarkSent(ctx context.Context, ids []string) error {
	canonical := make(pq.StringArray, len(ids))
	for i, id := range ids {
		var ok bool
		if canonical[i], ok = pool.ParseID(id); !ok {
			return pool.NotFound("send")
		}
	}
	_, err := db.pool.Exec(ctx, markSent, canonical)
	return pool.Failed(ctx, "mark sends", err)
}
