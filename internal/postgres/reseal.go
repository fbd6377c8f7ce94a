package postgres

import (
	"bytes"
	"cmp"
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"github.com/backstophq/backstop/internal/keyring"
	"github.com/backstophq/backstop/internal/postgres/ledgers"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

// SealedTable is a table with texts that may be sealed.
type SealedTable string

// The tables.
const (
	SealedSends   SealedTable = "sends"
	SealedInbound SealedTable = "inbound"
)

// SealedTables returns the tables with texts that may be sealed.
func SealedTables() []SealedTable { return []SealedTable{SealedSends, SealedInbound} }

// Resealed is what became of a batch of rows.
type Resealed struct {
	Last    string // the id of the last row; empty: there are no more rows
	Seen    int
	Changed int
	Busy    int               // rows that others have locked: the batch must be repeated
	Faults  map[string]string // why a row does not open, by its id
}

// Rows are found by their ids alone, which the primary key has in order. A condition on the sealed value would need an index.
const (
	nextSends   = `SELECT id FROM sends WHERE id > $1 ORDER BY id LIMIT $2`
	nextInbound = `SELECT id FROM inbound WHERE id > $1 ORDER BY id LIMIT $2`
)

// isStale is the condition of a sealed value that another key than the first has sealed. $2 is the header of the first key.
func isStale(column string) string {
	return column + ` IS NOT NULL AND substring(` + column + ` FROM 1 FOR octet_length($2::bytea)) <> $2::bytea`
}

var (
	// staleSends returns the sends whose content or hash must be sealed anew, or for the first time if $3.
	staleSends = `SELECT ` + ledgers.Columns.Names() + `, idempotency_hash FROM sends WHERE id = ANY($1) AND (
    (` + isStale("sealed_content") + `) OR $3 AND sealed_content IS NULL AND content_removed_at IS NULL
    OR octet_length(idempotency_hash) > 32 AND ` + isStale("idempotency_hash") + `
    OR $3 AND octet_length(idempotency_hash) BETWEEN 1 AND 32
) ORDER BY id`

	staleInbound = `SELECT id, text, sealed_text FROM inbound WHERE id = ANY($1) AND (
    (` + isStale("sealed_text") + `) OR $3 AND sealed_text IS NULL AND text <> ''
) ORDER BY id`

	resealedColumns = pool.ColumnsOf[resealedRow]()
	resealedRows    = `u AS (SELECT ` + resealedColumns.Names() + ` FROM ` + resealedColumns.Recordset("$1") + `)`

	// resealSends skips the rows that others have locked, so that it waits for nobody while it has locks itself, and rows that
	// were changed since they were read.
	resealSends = `WITH ` + resealedRows + `, l AS (
    SELECT s.id FROM sends AS s JOIN u USING (id) ORDER BY s.id FOR UPDATE OF s SKIP LOCKED
)
UPDATE sends AS s SET sealed_content = u.sealed, idempotency_hash = u.hash,
    text = coalesce(u.text, s.text), sms_text = coalesce(u.sms_text, s.sms_text),
    template = coalesce(u.template::json, s.template), metadata = coalesce(u.metadata::jsonb, s.metadata)
FROM u JOIN l USING (id)
WHERE s.id = u.id AND s.sealed_content IS NOT DISTINCT FROM u.was_sealed AND s.idempotency_hash IS NOT DISTINCT FROM u.was_hash
    AND (u.sealed IS NULL OR s.content_removed_at IS NULL)
RETURNING s.id`

	resealInbound = `WITH ` + resealedRows + `, l AS (
    SELECT i.id FROM inbound AS i JOIN u USING (id) ORDER BY i.id FOR UPDATE OF i SKIP LOCKED
)
UPDATE inbound AS i SET sealed_text = u.sealed, text = u.text FROM u JOIN l USING (id)
WHERE i.id = u.id AND i.sealed_text IS NOT DISTINCT FROM u.was_sealed AND i.text <> ''
RETURNING i.id`
)

// resealedRow is a row as it is written. The columns of the other table are null.
type resealedRow struct {
	ID        string  `json:"id"         type:"uuid"`
	Sealed    *string `json:"sealed"     type:"bytea"` // as pool.Bytea writes it
	WasSealed *string `json:"was_sealed" type:"bytea"`
	Hash      *string `json:"hash"       type:"bytea"`
	WasHash   *string `json:"was_hash"   type:"bytea"`
	Text      *string `json:"text"       type:"text"` // null: the column stays as it is
	SMSText   *string `json:"sms_text"   type:"text"`
	Template  *string `json:"template"   type:"text"` // JSON, as the next one
	Metadata  *string `json:"metadata"   type:"text"`
}

// Reseal seals the texts of up to limit rows of a table with the first key of the keyring: those that another key has sealed,
// and, if this process seals texts, those that are not sealed. The rows are those after an id, in the order of ids. Repeated, it
// changes nothing. A row that does not open stays as it is.
func (db *DB) Reseal(ctx context.Context, table SealedTable, after string, limit int) (Resealed, error) {
	if len(db.seals.Header()) == 0 {
		return Resealed{}, keyring.ErrEmpty
	}
	next, read, write := nextSends, db.staleSends, resealSends
	if table == SealedInbound {
		next, read, write = nextInbound, db.staleInbound, resealInbound
	}
	var ids []string
	if err := db.pool.SelectUnprepared(ctx, &ids, next, cmp.Or(after, uuid.Nil.String()), limit); err != nil {
		return Resealed{}, pool.Failed(ctx, "find rows to seal", err)
	}
	done := Resealed{Seen: len(ids), Faults: map[string]string{}}
	if len(ids) == 0 {
		return done, nil
	}
	done.Last = ids[len(ids)-1]
	rows, err := read(ctx, ids, done.Faults)
	if err != nil || len(rows) == 0 {
		return done, pool.Failed(ctx, "read rows to seal", err)
	}
	written, err := pool.JSONRows(rows)
	if err != nil {
		return Resealed{}, err
	}
	var changed []string
	if err := db.pool.SelectUnprepared(ctx, &changed, write, written); err != nil {
		return Resealed{}, pool.Failed(ctx, "seal rows", err)
	}
	done.Changed, done.Busy = len(changed), len(rows)-len(changed)
	return done, nil
}

// staleSends returns the sends of a batch that must be written, with their new values. It adds those that do not open to faults.
func (db *DB) staleSends(ctx context.Context, ids pq.StringArray, faults map[string]string) ([]resealedRow, error) {
	var rows []struct {
		ledgers.Row

		Hash []byte `db:"idempotency_hash"`
	}
	if err := db.pool.SelectUnprepared(ctx, &rows, staleSends, ids, db.seals.Header(), db.seals.Texts()); err != nil {
		return nil, err
	}
	var stale []resealedRow
	for _, row := range rows {
		fresh := resealedRow{ID: row.ID, WasSealed: byteaOrNull(row.Sealed), WasHash: byteaOrNull(row.Hash)}
		err := errors.Join(db.resealContent(row.Row, &fresh), db.resealHash(row.Hash, &fresh))
		if err != nil {
			faults[row.ID] = err.Error()
			continue
		}
		stale = append(stale, fresh)
	}
	return stale, nil
}

// mustSeal reports whether a value must be written, which is sealed or not.
func (db *DB) mustSeal(value []byte, isSealed bool) bool {
	if isSealed {
		return !bytes.HasPrefix(value, db.seals.Header())
	}
	return db.seals.Texts()
}

func (db *DB) resealContent(row ledgers.Row, fresh *resealedRow) error {
	if fresh.Sealed = fresh.WasSealed; row.ContentRemovedAt != nil || !db.mustSeal(row.Sealed, row.Sealed != nil) {
		return nil
	}
	row, err := db.OpenContent(row)
	if err != nil {
		return err
	}
	if row, err = db.SealContent(row); err != nil {
		return err
	}
	fresh.Sealed, fresh.Text, fresh.SMSText = byteaOrNull(row.Sealed), &row.Text, &row.SMSText
	fresh.Template, fresh.Metadata = row.Template, row.Metadata
	return nil
}

func (db *DB) resealHash(hash []byte, fresh *resealedRow) error {
	isSealed := seals.IsSealed(hash)
	if fresh.Hash = fresh.WasHash; len(hash) == 0 || !db.mustSeal(hash, isSealed) {
		return nil
	}
	if isSealed {
		var err error
		if hash, err = db.seals.Open(seals.RequestHash, fresh.ID, hash); err != nil {
			return err
		}
	}
	sealed, err := db.seals.Seal(seals.RequestHash, fresh.ID, hash)
	fresh.Hash = byteaOrNull(sealed)
	return err
}

// staleInbound is staleSends of the messages that people wrote.
func (db *DB) staleInbound(ctx context.Context, ids pq.StringArray, faults map[string]string) ([]resealedRow, error) {
	var rows []inboundTextRow
	if err := db.pool.SelectUnprepared(ctx, &rows, staleInbound, ids, db.seals.Header(), db.seals.Texts()); err != nil {
		return nil, err
	}
	var stale []resealedRow
	for _, row := range rows {
		text, err := db.inboundText(row)
		if err != nil {
			faults[row.ID] = err.Error()
			continue
		}
		sealed, err := db.seals.Seal(seals.InboundText, row.ID, []byte(text))
		if err != nil {
			return nil, err
		}
		stale = append(stale, resealedRow{
			ID: row.ID, WasSealed: byteaOrNull(row.Sealed), Sealed: byteaOrNull(sealed), Text: new(ledgers.Mark),
		})
	}
	return stale, nil
}

func byteaOrNull(b []byte) *string {
	if b == nil {
		return nil
	}
	return new(pool.Bytea(b))
}

// sealedBy returns the column key: the id of the key of a sealed value, empty if the value is plain, null if there is none.
func sealedBy(sealed, isPlain string) string {
	return `CASE WHEN octet_length(` + sealed + `) > 2
        THEN encode(substring(` + sealed + ` FROM 3 FOR get_byte(` + sealed + `, 1)), 'escape')
        WHEN ` + isPlain + ` THEN '' END AS key`
}

// sealsQuery returns the query of the keys of a batch of rows. It has at least one row if there are rows after $1.
func sealsQuery(columns, table, values string) string {
	return `WITH v AS (SELECT id, ` + columns + ` FROM ` + table + ` WHERE id > $1 ORDER BY id LIMIT $2)
SELECT key, count(*) AS rows, (SELECT id FROM v ORDER BY id DESC LIMIT 1) AS last FROM (` + values + `) AS k GROUP BY key`
}

const hashIfSealed = `CASE WHEN octet_length(idempotency_hash) > 32 THEN idempotency_hash END AS hash`

var (
	countSendSeals = sealsQuery(`sealed_content, content_removed_at, `+hashIfSealed, `sends`, `
    SELECT `+sealedBy(`sealed_content`, `content_removed_at IS NULL`)+` FROM v UNION ALL
    SELECT `+sealedBy(`hash`, `false`)+` FROM v
`)
	countInboundSeals = sealsQuery(`sealed_text, text`, `inbound`,
		`SELECT `+sealedBy(`sealed_text`, `text <> ''`)+` FROM v`)
)

// countBatch is how many rows one statement counts.
const countBatch = 10000

// SealsInUse returns how many values each key has sealed, by its id. Under the empty id are the texts that are not sealed. It
// reads the whole tables, in batches.
func (db *DB) SealsInUse(ctx context.Context) (map[string]int64, error) {
	uses := map[string]int64{}
	for _, query := range []string{countSendSeals, countInboundSeals} {
		if err := db.countSeals(ctx, uses, query, uuid.Nil.String()); err != nil {
			return nil, err
		}
	}
	return uses, nil
}

// RecentSeals is SealsInUse for the newest rows of each table, a batch of them.
func (db *DB) RecentSeals(ctx context.Context) (map[string]int64, error) {
	uses := map[string]int64{}
	for table, query := range map[string]string{"sends": countSendSeals, "inbound": countInboundSeals} {
		var before string
		findBatch := `SELECT coalesce((SELECT id FROM ` + table + ` ORDER BY id DESC OFFSET $1 LIMIT 1), $2)`
		if err := db.pool.GetUnprepared(ctx, &before, findBatch, countBatch, uuid.Nil.String()); err != nil {
			return nil, pool.Failed(ctx, "find newest texts", err)
		}
		if err := db.countSeals(ctx, uses, query, before); err != nil {
			return nil, err
		}
	}
	return uses, nil
}

// countSeals adds the values of the rows after an id.
func (db *DB) countSeals(ctx context.Context, uses map[string]int64, query, last string) error {
	for last != "" {
		var rows []struct {
			Key  *string `db:"key"`
			Rows int64   `db:"rows"`
			Last string  `db:"last"`
		}
		if err := db.pool.SelectUnprepared(ctx, &rows, query, last, countBatch); err != nil {
			return pool.Failed(ctx, "count sealed texts", err)
		}
		last = ""
		for _, row := range rows {
			if last = row.Last; row.Key != nil {
				uses[*row.Key] += row.Rows
			}
		}
	}
	return nil
}
