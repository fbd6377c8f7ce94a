package postgres

import (
	"context"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
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
ON CONFLICT DO NOTHING`

// inboundRow is an inbound message without its send. It is written as JSON.
type inboundRow struct {
	ID         string           `json:"id"          type:"uuid"`
	Provider   string           `json:"provider"    type:"text"`
	Account    string           `json:"account"     type:"text"`
	Channel    backstop.Channel `json:"channel"     type:"text"`
	MessageID  string           `json:"message_id"  type:"text"`
	Sender     string           `json:"sender"      type:"text"`
	Recipient  string           `json:"recipient"   type:"text"`
	Text       string           `json:"text"        type:"text"`
	Keyword    backstop.Keyword `json:"keyword"     type:"text"`
	ReplyTo    string           `json:"reply_to"    type:"text"`
	At         time.Time        `json:"at"          type:"timestamptz"`
	ReceivedAt time.Time        `json:"received_at" type:"timestamptz"`
}

// InsertInbound stores the inbound messages that are new. The receipts have no status. It skips a message without an id. It
// returns the receipts of the WhatsApp messages that the inbound messages answer, also for those that were stored before.
func (db *DB) InsertInbound(ctx context.Context, receipts []backstop.Receipt) ([]backstop.Receipt, error) {
	now := db.Now()
	var rows []inboundRow
	var stored []backstop.Receipt // those of the rows
	for _, r := range receipts {
		id, err := pool.NewID()
		if err != nil {
			return nil, err
		}
		row := inboundRow{
			ID: id, Provider: r.Provider, Account: r.Account, Channel: r.Channel, MessageID: pool.Clean(r.MessageID),
			Sender: pool.Clean(r.Inbound.From), Recipient: pool.Clean(r.Inbound.To), Text: firstRunes(pool.Clean(r.Inbound.Text)),
			Keyword: r.Inbound.Keyword, ReplyTo: pool.Clean(r.Inbound.ReplyTo), At: r.At, ReceivedAt: now,
		}
		if !backstop.ValidTime(r.At) {
			row.At = now
		}
		if row.MessageID != "" && row.Account != "" {
			rows, stored = append(rows, row), append(stored, r)
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
		_, err := db.pool.Exec(ctx, insertInbound, written)
		return err
	})
	if err != nil {
		return nil, err
	}
	return db.readByReply(ctx, stored, rows)
}

func firstRunes(text string) string {
	if runes := []rune(text); len(runes) > maxInboundText {
		return string(runes[:maxInboundText])
	}
	return text
}
