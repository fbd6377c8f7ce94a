package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/backstophq/backstop"
)

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
WHERE message_id <> '' AND (provider, message_id) IN (SELECT p, m FROM unnest($1::text[], $2::text[]) AS u (p, m))
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
