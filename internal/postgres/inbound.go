package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/ledgers"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

// maxInboundText is the most characters that are kept of an inbound message: WhatsApp's limit of a text.
const maxInboundText = 4096

var inboundColumns = pool.ColumnsOf[inboundRow]()

// insertInbound stores the messages that are new, each with the send of the message that it answers.
var insertInbound = `INSERT INTO inbound (send, ` + inboundColumns.Names() + `)
SELECT (
    SELECT a.send FROM attempts AS a WHERE u.reply_to <> '' AND a.provider = u.provider AND a.message_id = u.reply_to
    ORDER BY a.started_at DESC LIMIT 1
), ` + inboundColumns.NamesIn("u") + ` FROM ` + inboundColumns.Recordset("$1") + `
ON CONFLICT DO NOTHING
RETURNING id`

// inboundRow is an inbound message without its send. It is written as JSON.
type inboundRow struct {
	ID        string           `json:"id"          type:"uuid"`
	Provider  string           `json:"provider"    type:"text"`
	Account   string           `json:"account"     type:"text"`
	Channel   backstop.Channel `json:"channel"     type:"text"`
	MessageID string           `json:"message_id"  type:"text"`
	Sender    string           `json:"sender"      type:"text"`
	Recipient string           `json:"recipient"   type:"text"`
	Text      string           `json:"text"        type:"text"`
	Sealed    *string          `json:"sealed_text" type:"bytea"` // in hexadecimal; null: the text is not sealed
	Keyword   backstop.Keyword `json:"keyword"     type:"text"`

	Category backstop.Category `json:"category" type:"text"`

	ReplyTo    string    `json:"reply_to"    type:"text"`
	At         time.Time `json:"at"          type:"timestamptz"`
	ReceivedAt time.Time `json:"received_at" type:"timestamptz"`
}

// lockSenders makes the changes of a person follow each other, also those of other processes: a provider may bring a STOP and a
// later START at the same moment.
const lockSenders = `SELECT pg_advisory_xact_lock(hashtextextended('inbound ' || sender, 0))
FROM (SELECT DISTINCT sender FROM unnest($1::text[]) AS u (sender) ORDER BY sender) AS s`

// InsertInbound stores the inbound messages that are new. The receipts have no status. It skips a message without an id. A person
// who writes STOP or START is put on the list of opt-outs, or taken off it, in the same transaction. It returns the receipts of
// the WhatsApp messages that the inbound messages answer, also for those that were stored before.
func (db *DB) InsertInbound(ctx context.Context, receipts []backstop.Receipt) ([]backstop.Receipt, error) {
	now := db.Now()
	var rows []inboundRow
	var stored []backstop.Receipt // those of the rows
	var asking pq.StringArray     // those who write a keyword
	for _, r := range receipts {
		row, err := db.inboundRowOf(r, now)
		if err != nil {
			return nil, err
		}
		if row.MessageID != "" && row.Account != "" {
			rows, stored = append(rows, row), append(stored, r)
			if row.Keyword != "" {
				asking = append(asking, db.NumbersOf(pool.Clean(r.Inbound.From))[0])
			}
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	written, err := pool.JSONRows(rows)
	if err != nil {
		return nil, err
	}
	err = pool.UntilKnown(ctx, "insert inbound messages", func(bool) error { // a repetition stores nothing
		if len(asking) == 0 {
			_, err := db.pool.Exec(ctx, insertInbound, written)
			return err
		}
		return db.pool.InTx(ctx, "insert inbound messages", func(tx *sqlx.Tx) error {
			if err := pool.Execute(ctx, tx, lockSenders, asking); err != nil {
				return err
			}
			var added []string
			if err := tx.SelectContext(ctx, &added, insertInbound, written); err != nil {
				return fmt.Errorf("insert messages: %w", err)
			}
			return db.applyKeywords(ctx, tx, rows, added)
		})
	})
	if err != nil {
		return nil, err
	}
	return db.readByReply(ctx, stored, rows)
}

func (db *DB) inboundRowOf(r backstop.Receipt, now time.Time) (inboundRow, error) {
	id, err := pool.NewID()
	if err != nil {
		return inboundRow{}, err
	}
	row := inboundRow{
		ID: id, Provider: r.Provider, Account: r.Account, Channel: r.Channel,
		MessageID: db.seals.Hide(seals.MessageID, pool.Clean(r.MessageID)),
		Sender:    db.seals.Hide(seals.Number, pool.Clean(r.Inbound.From)), Recipient: pool.Clean(r.Inbound.To),
		Text: firstRunes(pool.Clean(r.Inbound.Text)), Keyword: db.optOuts.Read(r.Channel, *r.Inbound),
		Category: r.Inbound.Category, ReplyTo: db.seals.Hide(seals.MessageID, pool.Clean(r.Inbound.ReplyTo)),
		At: r.At, ReceivedAt: now,
	}
	if !backstop.ValidTime(r.At) || r.At.After(now) {
		row.At = now // a provider's clock may be ahead
	}
	if !db.seals.Texts() || row.Text == "" {
		return row, nil
	}
	sealed, err := db.seals.Seal(seals.InboundText, id, []byte(row.Text))
	row.Text, row.Sealed = ledgers.Mark, new(pool.Bytea(sealed))
	return row, err
}

// inboundTextRow is the text of an inbound message as it is stored.
type inboundTextRow struct {
	ID     string `db:"id"`
	Text   string `db:"text"`
	Sealed []byte `db:"sealed_text"`
}

// inboundText returns the text of an inbound message.
func (db *DB) inboundText(r inboundTextRow) (string, error) {
	if r.Sealed == nil {
		return r.Text, nil
	}
	text, err := db.seals.Open(seals.InboundText, r.ID, r.Sealed)
	return string(text), err
}

// applyKeywords changes the list of opt-outs by the messages that were added, in the order in which they were written.
func (db *DB) applyKeywords(ctx context.Context, tx *sqlx.Tx, rows []inboundRow, added []string) error {
	rows = slices.DeleteFunc(slices.Clone(rows), func(r inboundRow) bool {
		return r.Keyword == "" || !backstop.IsE164(db.seals.Show(seals.Number, r.Sender)) || !slices.Contains(added, r.ID)
	})
	slices.SortStableFunc(rows, func(a, b inboundRow) int { return a.At.Compare(b.At) })
	for _, r := range rows {
		origin := backstop.OptOutOrigin{
			Source: backstop.ByMessage, Channel: r.Channel, Provider: r.Provider, Account: r.Account,
			Inbound: db.seals.Show(seals.MessageID, r.MessageID),
		}
		if r.Category != "" {
			origin.Source = backstop.ByPreference
		}
		if err := db.applyKeyword(ctx, tx, r, origin); err != nil {
			return err
		}
	}
	return nil
}

func (db *DB) applyKeyword(ctx context.Context, tx *sqlx.Tx, r inboundRow, origin backstop.OptOutOrigin) error {
	in, sender := backstop.Inbound{Category: r.Category}, db.seals.Show(seals.Number, r.Sender)
	if r.Keyword == backstop.StartKeyword {
		return db.removeEntries(ctx, tx.GetContext, r.ReceivedAt, backstop.OptOutChange{
			To: sender, At: r.At, OptOutOrigin: origin,
		}, db.optOuts.EndedBy(in)...)
	}
	var entries []backstop.OptOut
	for _, category := range db.optOuts.StoppedBy(in) {
		entries = append(entries, backstop.OptOut{To: sender, Category: category, Since: r.At, OptOutOrigin: origin})
	}
	_, err := db.addEntries(ctx, tx.GetContext, r.ReceivedAt, entries)
	return err
}

func firstRunes(text string) string {
	if runes := []rune(text); len(runes) > maxInboundText {
		return string(runes[:maxInboundText])
	}
	return text
}
