package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// removeLaterEvery is the least time until a send that could not be removed is tried again.
const removeLaterEvery = time.Hour

const (
	startRemoval = `INSERT INTO removals (name, through, ran_at) VALUES ($1, '` + noPolicy + `', $2) ON CONFLICT DO NOTHING`
	lockRemoval  = `SELECT through FROM removals WHERE name = $1 FOR UPDATE SKIP LOCKED`
	saveRemoval  = `UPDATE removals SET through = $2, removed = removed + $3, ran_at = $4 WHERE name = $1`

	listRemovable = `SELECT id, category FROM sends WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3`

	// lockRemovable locks those of the sends that nothing happens to any more, but for late receipts. The age of a scheduled send
	// counts from its start.
	lockRemovable = `SELECT id FROM sends AS s WHERE id = ANY($1) AND finished_at IS NOT NULL
    AND (started_at IS NULL OR started_at < $2)
    AND NOT EXISTS (SELECT FROM callback_queues AS q WHERE q.send = s.id)
    AND NOT EXISTS (SELECT FROM callbacks AS c WHERE c.send = s.id AND c.state = 'pending')
    AND NOT EXISTS (SELECT FROM receipts AS r WHERE r.send = s.id AND r.needs_signal)
ORDER BY id FOR UPDATE SKIP LOCKED`

	removeLater = `INSERT INTO removals_later (name, send, due_at)
SELECT $1, id, greatest($3, started_at + $4 * interval '1 microsecond') FROM sends WHERE id = ANY($2)
ON CONFLICT (name, send) DO UPDATE SET due_at = excluded.due_at`
	listLater = `SELECT send FROM removals_later WHERE name = $1 AND due_at <= $2 ORDER BY due_at LIMIT $3`
	dropLater = `DELETE FROM removals_later AS l WHERE name = $1 AND send = ANY($2)
    AND (send = ANY($3) OR NOT EXISTS (SELECT FROM sends WHERE id = l.send))`
)

// RemoveOld removes one batch of a removal in one transaction, and reports how many sends it has looked at: none, if nothing is
// left for now, or another process is at it.
func (db *DB) RemoveOld(ctx context.Context, r backstop.Removal, limit int) (seen int, err error) {
	now := db.Now()
	if err := db.pool.ExecUnprepared(ctx, startRemoval, r.Name(), now); err != nil {
		return 0, pool.Failed(ctx, "start removal", err)
	}
	err = db.pool.InTx(ctx, "remove old sends", func(tx *sqlx.Tx) error {
		seen = 0
		var through string
		err := tx.GetContext(ctx, &through, lockRemoval, r.Name())
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("lock removal: %w", err)
		}
		b := batch{tx: tx, removal: r, now: now}
		if err := b.find(ctx, through, limit); err != nil {
			return err
		}
		seen = b.seen
		return b.remove(ctx)
	})
	return seen, err
}

// batch is the sends that one transaction of a removal looks at.
type batch struct {
	tx      *sqlx.Tx
	removal backstop.Removal
	now     time.Time

	through string         // the last one in the order of ids
	seen    int            //
	sends   pq.StringArray // of the categories
	later   bool           // the batch has the sends that an earlier run postponed
}

// find returns the sends that waited, or else the next ones in the order of their ids.
func (b *batch) find(ctx context.Context, through string, limit int) error {
	b.through = through
	b.sends = pq.StringArray{}
	if err := b.tx.SelectContext(ctx, &b.sends, listLater, b.removal.Name(), b.now, limit); err != nil {
		return fmt.Errorf("list sends to remove later: %w", err)
	}
	if len(b.sends) > 0 {
		b.seen, b.later = len(b.sends), true
		return nil
	}
	var rows []struct {
		ID       string            `db:"id"`
		Category backstop.Category `db:"category"`
	}
	end := pool.MinID(b.now.Add(-b.removal.Age))
	if err := b.tx.SelectContext(ctx, &rows, listRemovable, through, end, limit); err != nil {
		return fmt.Errorf("list sends to remove: %w", err)
	}
	b.seen = len(rows)
	for _, row := range rows {
		b.through = row.ID
		if slices.Contains(b.removal.Categories, row.Category) {
			b.sends = append(b.sends, row.ID)
		}
	}
	return nil
}

func (b *batch) remove(ctx context.Context) error {
	ready := pq.StringArray{}
	if len(b.sends) > 0 {
		if err := b.tx.SelectContext(ctx, &ready, lockRemovable, b.sends, b.now.Add(-b.removal.Age)); err != nil {
			return fmt.Errorf("lock sends to remove: %w", err)
		}
	}
	if err := b.postpone(ctx, ready); err != nil {
		return err
	}
	if len(ready) > 0 {
		if err := removeFrom(ctx, b.tx, b.removal.What, ready, b.now); err != nil {
			return err
		}
	}
	return pool.Execute(ctx, b.tx, saveRemoval, b.removal.Name(), b.through, len(ready), b.now)
}

// postpone stores the sends that must wait, and deletes the entries of the others.
func (b *batch) postpone(ctx context.Context, ready pq.StringArray) error {
	name := b.removal.Name()
	wait := slices.DeleteFunc(slices.Clone(b.sends), func(id string) bool {
		_, isReady := slices.BinarySearch(ready, id)
		return isReady
	})
	if len(wait) > 0 {
		err := pool.Execute(ctx, b.tx, removeLater, name, wait, b.now.Add(removeLaterEvery), b.removal.Age.Microseconds())
		if err != nil {
			return err
		}
	}
	if b.later {
		return pool.Execute(ctx, b.tx, dropLater, name, b.sends, ready)
	}
	return nil
}

func removeFrom(ctx context.Context, tx *sqlx.Tx, what backstop.Removable, sends pq.StringArray, now time.Time) error {
	switch what {
	case backstop.RemoveRecords:
		return removeRecords(ctx, tx, sends)
	case backstop.RemoveNumbers:
		return countRows(ctx, tx, []string{maskNumbers, dropMessageIDs, dropReceiptIDs, dropReasons}, sends)
	case backstop.RemoveContent:
	}
	return errors.Join(pool.Execute(ctx, tx, dropContent, sends, now), pool.Execute(ctx, tx, dropAnswers, sends))
}

// maskOf returns the mask of a number in a column. That of a number that is sealed has no digit.
func maskOf(column string) string {
	return `CASE WHEN ` + column + ` LIKE '~%' THEN '+•••••'
        ELSE left(` + column + `, 3) || '•••••' || right(` + column + `, 2) END`
}

var maskNumbers = `UPDATE sends SET recipient = ` + maskOf(`recipient`) + `, ` + dropFiredReason + `,
    revision = revision + 1
WHERE id = ANY($1) AND recipient NOT LIKE '%•%'`

const (
	// dropFiredReason and the statements below remove the providers' words. That a rule fired because of a failure repeats them.
	dropFiredReason = `fired_reason = CASE WHEN fired_cause = 'failed' THEN '' ELSE fired_reason END`
	dropMessageIDs  = `UPDATE attempts SET message_id = '', failure = failure - 'reason', refusal = refusal - 'reason',
    reason = CASE WHEN cause = 'failed' THEN '' ELSE reason END
WHERE send = ANY($1)`
	// dropReceiptIDs keeps receipts_once, in which each message has an id of its own.
	dropReceiptIDs = `UPDATE receipts SET message_id = 'removed-' || gen_random_uuid(), failure = failure - 'reason'
WHERE send = ANY($1)`
	dropReasons = `UPDATE events SET detail = '', failure = failure - 'reason'
WHERE send = ANY($1) AND (failure IS NOT NULL OR cause = 'failed')`

	dropContent = `UPDATE sends SET text = CASE WHEN text <> '' THEN '•' ELSE '' END, sms_text = '•', metadata = NULL,
    template = CASE WHEN template IS NOT NULL
        THEN json_build_object('name', template -> 'name', 'language', template -> 'language') END,
    sealed_content = NULL, content_removed_at = $2, revision = revision + 1
WHERE id = ANY($1) AND content_removed_at IS NULL`
	dropAnswers = `UPDATE callback_tries SET answer = '', error = ''
WHERE callback IN (SELECT id FROM callbacks WHERE send = ANY($1))`
)

var countGone = counters(`true`, `sends.id = ANY($3::uuid[])`)

const (
	markDaysGone = `INSERT INTO stats_days (day)
SELECT DISTINCT (accepted_at AT TIME ZONE 'UTC')::date AS day FROM sends WHERE id = ANY($1) ORDER BY day
ON CONFLICT (day) DO UPDATE SET counted_at = NULL, open = 0 RETURNING day`
	deleteDaysCounts = `DELETE FROM stats_counts WHERE day = ANY($1::date[]) AND NOT is_gone`
)

// removeRecords adds the sends to the counters of removed sends, and deletes them. The other counters of their days had them, so
// they are void until the next CountDays.
func removeRecords(ctx context.Context, tx *sqlx.Tx, sends pq.StringArray) error {
	var days []time.Time
	if err := tx.SelectContext(ctx, &days, markDaysGone, sends); err != nil {
		return fmt.Errorf("mark days: %w", err)
	}
	texts := make(pq.StringArray, len(days))
	for i, d := range days {
		texts[i] = d.Format(time.DateOnly)
	}
	if err := pool.Execute(ctx, tx, deleteDaysCounts, texts); err != nil {
		return err
	}
	if err := countRows(ctx, tx, countGone, sends[0], pool.NextID(sends[len(sends)-1]), sends); err != nil {
		return err
	}
	for _, table := range []string{"callbacks", "events", "receipts", "attempts"} {
		if err := pool.Execute(ctx, tx, `DELETE FROM `+table+` WHERE send = ANY($1)`, sends); err != nil {
			return err
		}
	}
	return pool.Execute(ctx, tx, `DELETE FROM sends WHERE id = ANY($1)`, sends)
}

const listRemovals = `SELECT r.name, r.through, r.removed, r.ran_at,
    (SELECT count(*) FROM removals_later AS l WHERE l.name = r.name) AS later
FROM removals AS r WHERE r.name = ANY($1)`

// Removals returns the progress of removals, in their order.
func (db *DB) Removals(ctx context.Context, all []backstop.Removal) ([]backstop.RemovalState, error) {
	names := make(pq.StringArray, len(all))
	states := make([]backstop.RemovalState, len(all))
	for i, r := range all {
		names[i], states[i].Removal = r.Name(), r
	}
	var rows []struct {
		Name    string    `db:"name"`
		Through string    `db:"through"`
		Removed int64     `db:"removed"`
		RanAt   time.Time `db:"ran_at"`
		Later   int       `db:"later"`
	}
	if err := db.pool.SelectUnprepared(ctx, &rows, listRemovals, names); err != nil {
		return nil, pool.Failed(ctx, "list removals", err)
	}
	for _, row := range rows {
		s := &states[slices.Index(names, row.Name)]
		s.Removed, s.RanAt, s.Later = row.Removed, pool.Stamp(row.RanAt), row.Later
		if row.Through != noPolicy {
			s.Through = pool.TimeOf(row.Through)
		}
	}
	return states, nil
}

const (
	dropInboundTexts = `UPDATE inbound SET text = '', sealed_text = NULL WHERE id = ANY(ARRAY(
    SELECT id FROM inbound WHERE id < $1 AND text <> '' ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
))`
	deleteInbound = `DELETE FROM inbound WHERE id = ANY(ARRAY(
    SELECT id FROM inbound WHERE id < $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
))`
)

var maskInbound = `UPDATE inbound SET message_id = 'removed-' || id, reply_to = '',
    sender = CASE WHEN sender <> '' THEN ` + maskOf(`sender`) + ` ELSE '' END
WHERE id = ANY(ARRAY(
    SELECT id FROM inbound WHERE id < $1 AND message_id NOT LIKE 'removed-%' ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
))`

// RemoveOldInbound removes the texts or the numbers of up to limit messages of people that came before an age, or the messages,
// and returns how many it has changed. The ids of the messages are kept for as long as providers repeat a webhook.
func (db *DB) RemoveOldInbound(ctx context.Context, what backstop.Removable, age time.Duration, limit int) (int, error) {
	statement := dropInboundTexts
	switch what {
	case backstop.RemoveContent:
	case backstop.RemoveNumbers:
		statement, age = maskInbound, max(age, orphanAge)
	case backstop.RemoveRecords:
		statement, age = deleteInbound, max(age, orphanAge)
	}
	n, err := db.pool.Exec(ctx, statement, pool.MinID(db.Now().Add(-age)), limit)
	return int(n), pool.Failed(ctx, "remove old inbound messages", err)
}
