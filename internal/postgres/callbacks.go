package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

// storedCallback is a callback as it is stored. The queue reads it as JSON.
type storedCallback struct {
	ID                string                 `db:"id"                  json:"id"`
	Send              string                 `db:"send"                json:"send"`
	Seq               int                    `db:"seq"                 json:"seq"`
	Event             backstop.CallbackEvent `db:"event"               json:"event"`
	URL               string                 `db:"url"                 json:"url"`
	State             backstop.CallbackState `db:"state"               json:"state"`
	CreatedAt         time.Time              `db:"created_at"          json:"created_at"`
	QueuedAt          time.Time              `db:"queued_at"           json:"queued_at"`
	Tries             int                    `db:"tries"               json:"tries"`
	TriesBeforeReplay int                    `db:"tries_before_replay" json:"tries_before_replay"`
	EndedAt           *time.Time             `db:"ended_at"            json:"ended_at"`
}

var storedCallbackColumns = pool.ColumnsOf[storedCallback]()

func (r storedCallback) callback() backstop.QueuedCallback {
	return backstop.QueuedCallback{
		ID: r.ID, Send: r.Send, Seq: r.Seq, Event: r.Event, URL: r.URL, State: r.State, CreatedAt: pool.Stamp(r.CreatedAt),
		QueuedAt: pool.Stamp(r.QueuedAt), Tries: r.Tries, EndedAt: pool.StampPtr(r.EndedAt),
	}
}

// tryRow is one try of a callback. The list reads it as JSON.
type tryRow struct {
	Number    int       `db:"number"     json:"number"`
	At        time.Time `db:"at"         json:"at"`
	Status    int       `db:"status"     json:"status"`
	LatencyUS int64     `db:"latency_us" json:"latency_us"`
	Answer    string    `db:"answer"     json:"answer"`
	Error     string    `db:"error"      json:"error"`
}

var tryColumns = pool.ColumnsOf[tryRow]()

func (db *DB) tryOf(r tryRow) backstop.CallbackTry {
	return backstop.CallbackTry{
		Number: r.Number, At: pool.Stamp(r.At), Status: r.Status, Latency: time.Duration(r.LatencyUS) * time.Microsecond,
		Answer: db.seals.Show(seals.Words, r.Answer), Error: db.seals.Show(seals.Words, r.Error),
	}
}

type listedCallback struct {
	storedCallback

	Newest []byte `db:"newest"` // JSON
}

var listedCallbackColumns = storedCallbackColumns.Names() + `,
    (SELECT row_to_json(t) FROM callback_tries AS t WHERE callback = callbacks.id ORDER BY number DESC LIMIT 1) AS newest`

func (db *DB) callbackOf(r listedCallback) (backstop.QueuedCallback, error) {
	c := r.callback()
	if r.Newest == nil {
		return c, nil
	}
	var newest tryRow
	if err := json.Unmarshal(r.Newest, &newest); err != nil {
		return c, fmt.Errorf("read try of callback %s: %w", r.ID, err)
	}
	c.Newest = new(db.tryOf(newest))
	return c, nil
}

// callbacksThat returns the condition for the callbacks that pass a filter; false if there are none.
func callbacksThat(f backstop.CallbackFilter, ids idRange) (w where, found bool) {
	if !f.From.IsZero() {
		ids.first = max(ids.first, pool.MinID(f.From))
	}
	if !f.Until.IsZero() {
		ids.end = min(ids.end, pool.MinID(f.Until))
	}
	w.and(`id >= ?`, ids.first)
	w.and(`id < ?`, ids.end)
	if f.Send != "" {
		id, ok := pool.ParseID(f.Send)
		if !ok {
			return w, false
		}
		w.and(`send = ?`, id)
	}
	if f.State == backstop.CallbackDelivered {
		w.and(`state = 'delivered'`)
	} else if f.State != "" {
		w.and(`state <> 'delivered' AND state = ?`, f.State)
	}
	if f.URL != "" {
		w.and(`url = ?`, pool.Clean(f.URL))
	}
	if f.Status != nil {
		w.and(`status = ?`, *f.Status)
		if *f.Status < 200 || *f.Status > 299 {
			w.and(`status NOT BETWEEN 200 AND 299`)
		}
		w.and(`tries > 0`)
	}
	return w, ids.first < ids.end
}

func allIDs() idRange { return idRange{uuid.Nil.String(), uuid.Max.String()} }

// ListCallbacks returns the callbacks that pass the filter, the newest first, and whether more follow.
func (db *DB) ListCallbacks(
	ctx context.Context, filter backstop.CallbackFilter, page backstop.Page,
) (list []backstop.QueuedCallback, more bool, err error) {
	ids, err := pageRange(allIDs(), page)
	if err != nil {
		return nil, false, err
	}
	w, found := callbacksThat(filter, ids)
	if !found {
		return nil, false, nil
	}
	var rows []listedCallback
	query := listCallbacks(&w, page.Limit+1)
	if err := db.pool.SelectUnprepared(ctx, &rows, query, w.values...); err != nil {
		return nil, false, pool.Failed(ctx, "list callbacks", err)
	}
	rows, more = cutPage(rows, page.Limit)
	list = make([]backstop.QueuedCallback, len(rows))
	for i, row := range rows {
		if list[i], err = db.callbackOf(row); err != nil {
			return nil, false, err
		}
	}
	return list, more, nil
}

func listCallbacks(w *where, limit int) string {
	return `SELECT ` + listedCallbackColumns + ` FROM callbacks WHERE ` + w.String() + `
ORDER BY id DESC LIMIT ` + w.param(limit)
}

// CountCallbacks returns the number of the callbacks that pass the filter.
func (db *DB) CountCallbacks(ctx context.Context, filter backstop.CallbackFilter) (backstop.Total, error) {
	w, found := callbacksThat(filter, allIDs())
	if !found {
		return backstop.Total{IsExact: true}, nil
	}
	return db.countUpTo(ctx, "callbacks", w)
}

var (
	getCallback = `SELECT ` + listedCallbackColumns + ` FROM callbacks WHERE id = $1`
	listTries   = `SELECT ` + tryColumns.Names() + ` FROM callback_tries WHERE callback = $1 ORDER BY number DESC LIMIT $2`
)

// maxListedTries bounds the tries of one callback that are shown. Within CallbackLife there are fewer.
const maxListedTries = 200

// Callback returns a callback with its tries, the newest first, or an Error of code NotFound.
func (db *DB) Callback(ctx context.Context, id string) (backstop.QueuedCallback, []backstop.CallbackTry, error) {
	id, ok := pool.ParseID(id)
	if !ok {
		return backstop.QueuedCallback{}, nil, pool.NotFound("callback")
	}
	var row listedCallback
	if err := db.pool.GetUnprepared(ctx, &row, getCallback, id); err != nil {
		return backstop.QueuedCallback{}, nil, pool.Failed(ctx, "get callback", pool.OrNotFound(err, "callback"))
	}
	var rows []tryRow
	if err := db.pool.SelectUnprepared(ctx, &rows, listTries, id, maxListedTries); err != nil {
		return backstop.QueuedCallback{}, nil, pool.Failed(ctx, "list tries", err)
	}
	tries := make([]backstop.CallbackTry, len(rows))
	for i, r := range rows {
		tries[i] = db.tryOf(r)
	}
	c, err := db.callbackOf(row)
	return c, tries, err
}

// replayCallbacks makes callbacks pending again, and due now. The retries of a pending one begin anew.
const replayCallbacks = `WITH c AS (
    UPDATE callbacks SET state = 'pending', queued_at = clock_timestamp(), ended_at = NULL, tries_before_replay = tries
    WHERE id = ANY((SELECT $1::uuid[])::uuid[])
    RETURNING send, url, seq
), q AS (
    INSERT INTO callback_queues (send, url, last_seq, is_due, sweep_at)
    SELECT send, min(url), max(seq), true, clock_timestamp() FROM c GROUP BY send
    ON CONFLICT (send) DO UPDATE SET last_seq = greatest(callback_queues.last_seq, excluded.last_seq),
        changes = callback_queues.changes + 1, is_due = true, next_at = NULL, sweep_at = excluded.sweep_at
    RETURNING send
)
SELECT send FROM q`

// ReplayCallback makes a callback pending again, and due now. An unknown one is an Error of code NotFound.
func (db *DB) ReplayCallback(ctx context.Context, id string) (backstop.QueuedCallback, error) {
	canonical, ok := pool.ParseID(id)
	if !ok {
		return backstop.QueuedCallback{}, pool.NotFound("callback")
	}
	entry := backstop.AuditEntry{Action: backstop.AuditReplay, Kind: backstop.AuditCallback, Target: canonical}
	if err := db.replay(ctx, []string{canonical}, entry); err != nil {
		return backstop.QueuedCallback{}, err
	}
	c, _, err := db.Callback(ctx, canonical)
	return c, err
}

// ReplayCallbacks makes up to limit callbacks that pass a filter, and are not pending, pending again. It begins with the oldest
// after an id. It returns how many there were, and the id of the last one if more follow.
func (db *DB) ReplayCallbacks(
	ctx context.Context, filter backstop.CallbackFilter, after string, limit int,
) (replayed int, last string, err error) {
	ids := allIDs()
	if after != "" {
		if ids, err = pageRange(ids, backstop.Page{After: after, Sort: backstop.ByOldest}); err != nil {
			return 0, "", err
		}
	}
	w, found := callbacksThat(filter, ids)
	if !found {
		return 0, "", nil
	}
	w.and(`state <> 'pending'`)
	var chosen []string
	query := `SELECT id FROM callbacks WHERE ` + w.String() + ` ORDER BY id LIMIT ` + w.param(limit+1)
	if err := db.pool.SelectUnprepared(ctx, &chosen, query, w.values...); err != nil {
		return 0, "", pool.Failed(ctx, "find callbacks", err)
	}
	chosen, more := cutPage(chosen, limit)
	if len(chosen) == 0 {
		return 0, "", nil
	}
	if more {
		last = chosen[len(chosen)-1]
	}
	entry := backstop.AuditEntry{Action: backstop.AuditReplay, Kind: backstop.AuditCallback}
	if entry.After, err = replayedText(filter, chosen); err != nil {
		return 0, "", err
	}
	return len(chosen), last, db.replay(ctx, chosen, entry)
}

// replayedText returns what the audit says of a replay of several callbacks.
func replayedText(f backstop.CallbackFilter, ids []string) ([]byte, error) {
	shown := map[string]any{"callbacks": len(ids), "first": ids[0], "last": ids[len(ids)-1]}
	for name, value := range map[string]string{"send": f.Send, "state": string(f.State), "url": f.URL} {
		if value != "" {
			shown[name] = value
		}
	}
	text, err := json.Marshal(shown)
	if err != nil {
		return nil, fmt.Errorf("write replay: %w", err)
	}
	return text, nil
}

// replay makes callbacks pending again, and adds the entry to the audit if there are any.
func (db *DB) replay(ctx context.Context, ids []string, entry backstop.AuditEntry) error {
	var err error
	if entry.ID, err = pool.NewIDAt(db.Now()); err != nil {
		return err
	}
	var sends []string
	err = pool.UntilKnown(ctx, "replay callbacks", func(bool) error {
		return db.pool.InTx(ctx, "replay callbacks", func(tx *sqlx.Tx) error {
			sends = nil
			if err := tx.SelectContext(ctx, &sends, replayCallbacks, pq.StringArray(ids)); err != nil {
				return fmt.Errorf("replay: %w", err)
			}
			if len(sends) == 0 {
				return nil
			}
			return db.writeEntry(ctx, tx, entry)
		})
	})
	if err != nil {
		return err
	}
	for _, send := range sends {
		db.WakeCallbacks(handoff.CallbackWake{Send: send, IsDue: true})
	}
	return nil
}
