package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

// hidden is a value that is a token if numbers are sealed.
type hidden struct {
	table, column string
	key           string // of the value within a column of JSON; empty: the value is the column
	kind          seals.Kind
	exempt        string // the condition of what stays plain
}

// What stands in place of a number or an id that was removed, and the key of a cap that is no number.
const (
	isMask    = `%s LIKE '%•%'`
	isRemoved = `%s LIKE 'removed-%'`
	isCountry = `guard = 'country_cap'`
)

// hiddenValues returns all values that may have a phone number. A column that is added with one needs its line here, and Hide
// and Show where it is written and read; TestNumbers fails otherwise, if its sends fill the column.
//
// The conversion has their order, because of a process that was not stopped. Such a process refuses a converted erasure. A
// constraint refuses it the call of a send that is not converted. A converted send finds its opt-outs: they were converted
// before.
func hiddenValues() []hidden {
	return []hidden{
		{table: "erasures", column: "recipient", kind: seals.Number},
		{table: "opt_outs", column: "recipient", kind: seals.Number},
		{table: "opt_outs", column: "inbound", kind: seals.MessageID},
		{table: "opt_outs", column: "note", kind: seals.Words},
		{table: "sends", column: "recipient", kind: seals.Number, exempt: isMask},
		{table: "sends", column: "fired_reason", kind: seals.Words},
		{table: "attempts", column: "message_id", kind: seals.MessageID, exempt: isRemoved},
		{table: "attempts", column: "reason", kind: seals.Words},
		{table: "attempts", column: "failure", key: "reason", kind: seals.Words},
		{table: "attempts", column: "refusal", key: "reason", kind: seals.Words},
		{table: "receipts", column: "message_id", kind: seals.MessageID, exempt: isRemoved},
		{table: "receipts", column: "failure", key: "reason", kind: seals.Words},
		{table: "events", column: "detail", kind: seals.Words},
		{table: "events", column: "failure", key: "reason", kind: seals.Words},
		{table: "callback_tries", column: "answer", kind: seals.Words},
		{table: "callback_tries", column: "error", kind: seals.Words},
		{table: "callback_endpoints", column: "error", kind: seals.Words},
		{table: "inbound", column: "sender", kind: seals.Number, exempt: isMask},
		{table: "inbound", column: "message_id", kind: seals.MessageID, exempt: isRemoved},
		{table: "inbound", column: "reply_to", kind: seals.MessageID},
		{table: "opt_out_changes", column: "recipient", kind: seals.Number},
		{table: "opt_out_changes", column: "inbound", kind: seals.MessageID},
		{table: "opt_out_changes", column: "note", kind: seals.Words},
		{table: "audit", column: "recipient", kind: seals.Number, exempt: isMask},
		{table: "audit", column: "before", key: "inbound", kind: seals.MessageID},
		{table: "audit", column: "before", key: "note", kind: seals.Words},
		{table: "audit", column: "after", key: "inbound", kind: seals.MessageID},
		{table: "audit", column: "after", key: "note", kind: seals.Words},
		{table: "guard_counts", column: "key", kind: seals.Number, exempt: isCountry},
	}
}

// text returns the expression of the value.
func (v hidden) text() string {
	if v.key == "" {
		return v.column
	}
	return v.column + ` ->> '` + v.key + `'`
}

// constraint returns the name of the constraint that holds the value to the mode.
func (v hidden) constraint() string {
	return strings.TrimSuffix(v.table+`_tokens_`+v.column+`_`+v.key, `_`)
}

// hiddenTables returns the values by their tables, in the order of hiddenValues.
func hiddenTables() (tables [][]hidden) {
	for _, v := range hiddenValues() {
		if last := len(tables) - 1; last >= 0 && tables[last][0].table == v.table {
			tables[last] = append(tables[last], v)
			continue
		}
		tables = append(tables, []hidden{v})
	}
	return tables
}

// isDone returns the condition of a value that is as this process stores it.
func (db *DB) isDone(v hidden) string {
	text := `(` + v.text() + `)`
	conditions := []string{text + ` IS NULL`, text + ` = ''`}
	if !db.seals.IsSealed() {
		conditions = append(conditions, text+` !~ '`+seals.TokenPattern(v.kind)+`'`)
	} else if conditions = append(conditions, `starts_with(`+text+`, '`+db.seals.Begin(v.kind)+`')`); v.exempt != "" {
		conditions = append(conditions, strings.ReplaceAll(v.exempt, `%s`, text))
	}
	return `(` + strings.Join(conditions, ` OR `) + `)`
}

// setNumberMode stores what the database is converted to.
const setNumberMode = `UPDATE number_mode SET mode = $1, key = $2, proof = $3`

// Converted is how far a conversion has come.
type Converted struct {
	Table string
	Rows  int // that were changed in the table
}

// ConvertNumbers makes the phone numbers in the database, and all that may repeat them, what this process stores: tokens of the
// first key, or plain. It needs the keys of the tokens that are there. It returns a NumberModeError while a process serves. No
// process starts meanwhile. Constraints refuse the numbers of a process that was not seen. If it dies, it is called again, and
// skips what is done. It calls report after each batch.
func (db *DB) ConvertNumbers(ctx context.Context, report func(Converted)) error {
	m, err := db.numberMode(ctx)
	if err != nil {
		return err
	}
	if _, proof := db.seals.Key(); m.Mode != modeConverting && db.seals.IsSealed() == (m.Mode == modeSealed) && proof == m.Proof {
		return nil
	}
	if m.Key != "" && !db.seals.Opens(m.Proof) {
		return NumberModeError(fmt.Sprintf("the phone numbers in the database are encrypted with key %q, which is missing in %s",
			m.Key, seals.NumberVariable))
	}
	if err := db.beginConversion(ctx); err != nil {
		return err
	}
	for _, values := range hiddenTables() {
		if err := db.convertTable(ctx, values, report); err != nil {
			return fmt.Errorf("convert %s: %w", values[0].table, err)
		}
	}
	return db.endConversion(ctx)
}

// beginConversion replaces the constraints of the former mode by those of the new one. They hold for new rows, and for changed
// ones. No process serves.
func (db *DB) beginConversion(ctx context.Context) error {
	key, proof := db.seals.Key()
	serving := 0
	err := db.pool.InTx(ctx, "begin conversion of numbers", func(tx *sqlx.Tx) error {
		if err := pool.Execute(ctx, tx, `SET LOCAL lock_timeout = '10s'`); err != nil {
			return err
		}
		if err := pool.Execute(ctx, tx, setNumberMode, modeConverting, key, proof); err != nil {
			return err
		}
		if err := tx.GetContext(ctx, &serving, countServing, servingFor.Seconds()); err != nil {
			return fmt.Errorf("count processes: %w", err)
		}
		if serving > 0 {
			return errServing
		}
		for _, v := range hiddenValues() {
			change := `ALTER TABLE ` + v.table + ` DROP CONSTRAINT IF EXISTS ` + v.constraint() +
				`, ADD CONSTRAINT ` + v.constraint() + ` CHECK ` + db.isDone(v) + ` NOT VALID`
			if err := pool.Execute(ctx, tx, change); err != nil {
				return fmt.Errorf("hold %s to the mode: %w", v.table, err)
			}
		}
		return nil
	})
	if serving > 0 {
		return NumberModeError(fmt.Sprintf("%d processes serve, or did a moment ago: stop all of them, and wait %v if one was "+
			"killed", serving, servingFor))
	}
	return err
}

// errServing rolls the beginning of a conversion back.
var errServing = errors.New("a process serves")

// endConversion proves that all rows are converted.
func (db *DB) endConversion(ctx context.Context) error {
	for _, v := range hiddenValues() {
		err := db.pool.InTx(ctx, "check "+v.table, func(tx *sqlx.Tx) error {
			return errors.Join(
				pool.Execute(ctx, tx, `SET LOCAL statement_timeout = 0`), // it reads the table
				pool.Execute(ctx, tx, `ALTER TABLE `+v.table+` VALIDATE CONSTRAINT `+v.constraint()),
			)
		})
		if err != nil {
			return err
		}
	}
	key, proof := db.seals.Key()
	return db.pool.InTx(ctx, "end conversion of numbers", func(tx *sqlx.Tx) error {
		if db.seals.IsSealed() {
			return pool.Execute(ctx, tx, setNumberMode, modeSealed, key, proof)
		}
		return pool.Execute(ctx, tx, setNumberMode, modePlain, key, proof)
	})
}

// convertPages is how many pages of a table one batch reads: some 2,000 rows at most.
const convertPages = 32

const countPages = `SELECT pg_relation_size($1::regclass) / current_setting('block_size')::int`

// convertTable converts the rows in the order of their pages. The new versions of rows are at the end, or in pages that were
// read, and are skipped.
func (db *DB) convertTable(ctx context.Context, values []hidden, report func(Converted)) error {
	done := Converted{Table: values[0].table}
	for page := int64(0); ; page += convertPages {
		var pages int64
		if err := db.pool.GetUnprepared(ctx, &pages, countPages, done.Table); err != nil {
			return pool.Failed(ctx, "count pages", err)
		}
		if page >= pages {
			return nil
		}
		var changed int
		err := db.pool.InTx(ctx, "convert numbers", func(tx *sqlx.Tx) (err error) {
			changed, err = db.convertBatch(ctx, tx, values, page)
			return err
		})
		if err != nil {
			return err
		}
		done.Rows += changed
		report(done)
	}
}

// openDoor lets the conversion change the audit; see schema/00040.
const openDoor = `SELECT set_config('backstop.audit_door', 'convert', true)`

// convertBatch converts the rows of some pages.
func (db *DB) convertBatch(ctx context.Context, tx *sqlx.Tx, values []hidden, page int64) (changed int, err error) {
	var found []struct {
		Place  string         `db:"place"`
		Values pq.StringArray `db:"values"`
	}
	if err := tx.SelectContext(ctx, &found, db.readHidden(values), tid(page), tid(page+convertPages)); err != nil {
		return 0, fmt.Errorf("read rows: %w", err)
	}
	if len(found) == 0 {
		return 0, nil
	}
	rows := make([]map[string]any, len(found))
	places := make(pq.StringArray, len(found))
	for i, row := range found {
		texts, err := db.convertRow(values, row.Values)
		if err != nil {
			return 0, fmt.Errorf("row %s: %w", row.Place, err)
		}
		places[i], rows[i] = row.Place, map[string]any{"place": row.Place, "texts": texts}
	}
	written, err := pool.JSONRows(rows)
	if err != nil {
		return 0, err
	}
	if err := pool.Execute(ctx, tx, openDoor); err != nil {
		return 0, err
	}
	return len(found), pool.Execute(ctx, tx, writeHidden(values), written, places)
}

func tid(page int64) string { return fmt.Sprintf("(%d,0)", page) }

// convertRow returns the values of a row as this process stores them.
func (db *DB) convertRow(values []hidden, stored []string) ([]string, error) {
	texts := make([]string, len(values))
	for i, v := range values {
		text, err := db.seals.OpenToken(v.kind, stored[i])
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", v.column, err)
		}
		texts[i] = db.seals.Hide(v.kind, text)
	}
	return texts, nil
}

// readHidden returns the query of the rows between two pages that have a value to convert. A null value is an empty text.
func (db *DB) readHidden(values []hidden) string {
	texts, todo := make([]string, len(values)), make([]string, len(values))
	for i, v := range values {
		texts[i], todo[i] = `coalesce(`+v.text()+`, '')`, `NOT `+db.isDone(v)
	}
	return `SELECT ctid::text AS place, ARRAY[` + strings.Join(texts, `, `) + `]::text[] AS values FROM ` + values[0].table + `
WHERE ctid >= $1::tid AND ctid < $2::tid AND (` + strings.Join(todo, ` OR `) + `) FOR UPDATE`
}

// writeHidden returns the statement that writes converted rows. A value that is empty stays as it is.
func writeHidden(values []hidden) string {
	written := map[string]string{} // by column
	for i, v := range values {
		text := fmt.Sprintf(`u.texts[%d]`, i+1)
		was := cmp.Or(written[v.column], `t.`+v.column)
		is := text
		if v.key != "" {
			is = `jsonb_set(` + was + `, '{` + v.key + `}', to_jsonb(` + text + `))`
		}
		written[v.column] = `CASE WHEN ` + text + ` <> '' THEN ` + is + ` ELSE ` + was + ` END`
	}
	var assignments []string
	if values[0].table == "sends" { // so no process changes a send as it was before
		assignments = append(assignments, `revision = t.revision + 1`)
	}
	for _, name := range slices.Sorted(maps.Keys(written)) {
		assignments = append(assignments, name+` = `+written[name])
	}
	return `UPDATE ` + values[0].table + ` AS t SET ` + strings.Join(assignments, `, `) + `
FROM jsonb_to_recordset($1::jsonb) AS u (place tid, texts text[]) WHERE t.ctid = ANY($2::tid[]) AND t.ctid = u.place`
}
