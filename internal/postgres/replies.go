package postgres

import (
	"context"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

// findAnswered finds the WhatsApp messages that inbound messages answer and that are not known to be read. A reply with the id of
// a message answers that one. A reply without an id answers the messages that its account sent to the person before it, of the
// newest 100 sends of the number: a person who writes in a chat has the chat open. Its time is by the provider's clock, so it may
// answer a message less if the clocks differ.
const findAnswered = `WITH u AS MATERIALIZED (
    SELECT n, provider, account, sender, reply_to, at FROM jsonb_to_recordset($1::jsonb)
        AS u (n int, provider text, account text, sender text, reply_to text, at timestamptz)
)
SELECT u.n, a.send, a.step, a.message_id FROM u JOIN attempts AS a ON a.provider = u.provider AND a.message_id = u.reply_to
WHERE u.reply_to <> '' AND a.channel = 'whatsapp' AND COALESCE(NULLIF(a.account, ''), a.provider) = u.account
    AND a.status <> 'read'
UNION ALL
SELECT u.n, a.send, a.step, a.message_id FROM u CROSS JOIN LATERAL (
    SELECT id FROM sends AS s WHERE reverse(s.recipient) = reverse(u.sender) ORDER BY id DESC LIMIT 100
) AS s JOIN attempts AS a ON a.send = s.id
WHERE u.reply_to = '' AND u.sender <> '' AND a.channel = 'whatsapp' AND a.message_id <> '' AND a.started_at < u.at
    AND a.provider = u.provider AND COALESCE(NULLIF(a.account, ''), a.provider) = u.account
    AND a.status IN ('submitted', 'sent', 'delivered')`

// answeredRow is a message that the inbound message n answers.
type answeredRow struct {
	N         int    `db:"n"`
	Send      string `db:"send"`
	Step      int    `db:"step"`
	MessageID string `db:"message_id"`
}

// reply is an inbound message as findAnswered reads it.
type reply struct {
	inboundRow

	N int `json:"n"`
}

// readByReply returns the receipts of the WhatsApp messages that stored inbound messages answer. A change of a preference, which
// has a category, answers none: the person need not have the chat open.
func (db *DB) readByReply(ctx context.Context, inbound []backstop.Receipt, rows []inboundRow) ([]backstop.Receipt, error) {
	var replies []reply
	for i, row := range rows {
		if row.Channel != backstop.WhatsApp || row.Category != "" {
			continue
		}
		numbers := []string{row.Sender}
		if row.ReplyTo == "" {
			numbers = db.NumbersOf(pool.Clean(inbound[i].Inbound.From))
		}
		for _, row.Sender = range numbers {
			replies = append(replies, reply{inboundRow: row, N: i})
		}
	}
	if len(replies) == 0 {
		return nil, nil
	}
	written, err := pool.JSONRows(replies)
	if err != nil {
		return nil, err
	}
	var answered []answeredRow
	if err := db.pool.SelectUnprepared(ctx, &answered, findAnswered, written); err != nil {
		return nil, pool.Failed(ctx, "find answered messages", err)
	}
	read := make([]backstop.Receipt, len(answered))
	for i, a := range answered {
		read[i] = inbound[a.N].ReadOf(backstop.Ref{Send: a.Send, Step: a.Step}, db.seals.Show(seals.MessageID, a.MessageID))
	}
	return read, nil
}
