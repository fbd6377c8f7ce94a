package postgres

import (
	"context"
	"fmt"

	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// byReference finds the send and step of each receipt by the reference that it carries. It returns the receipts by send,
// and those that name none of ours.
func (db *DB) byReference(
	ctx context.Context, receipts []backstop.Receipt,
) (parcels map[string]*parcel, rest []backstop.Receipt, err error) {
	remembered, drafts, err := db.draftsOf(ctx, receipts)
	if err != nil {
		return nil, nil, err
	}
	parcels = map[string]*parcel{}
	for _, r := range receipts {
		id, _ := pool.ParseID(r.Ref.Send)
		if drafts[id] == nil && !remembered[id] || r.Ref.Step < 1 {
			rest = append(rest, r)
			continue
		}
		r.Ref.Send = id
		if parcels[id] == nil {
			parcels[id] = &parcel{send: id, draft: drafts[id]}
		}
		parcels[id].receipts = append(parcels[id].receipts, r)
	}
	return parcels, rest, nil
}

// draftsOf finds the sends that receipts refer to: which of them are remembered, and the others as they are read, by id.
func (db *DB) draftsOf(
	ctx context.Context, receipts []backstop.Receipt,
) (remembered map[string]bool, drafts map[string]*draft, err error) {
	remembered = map[string]bool{}
	var unknown []string
	for _, r := range receipts {
		id, ok := pool.ParseID(r.Ref.Send)
		if !ok {
			continue
		}
		if d := db.recent.recall(id); d != nil && d.isWhole {
			remembered[id] = true
		} else {
			unknown = append(unknown, id)
		}
	}
	if len(unknown) > 0 {
		drafts, err = db.readForReceipts(ctx, unknown, receipts)
	}
	return remembered, drafts, err
}

// byMessage finds them by the id of the message.
func (db *DB) byMessage(
	ctx context.Context, receipts []backstop.Receipt,
) (parcels map[string]*parcel, rest []backstop.Receipt, err error) {
	refs, err := db.refsByMessage(ctx, receipts)
	if err != nil {
		return nil, nil, err
	}
	parcels = map[string]*parcel{}
	for _, r := range receipts {
		ref, found := refs[messageOf(r)]
		if !found {
			rest = append(rest, r)
			continue
		}
		r.Ref = ref
		if parcels[ref.Send] == nil {
			parcels[ref.Send] = &parcel{send: ref.Send}
		}
		parcels[ref.Send].receipts = append(parcels[ref.Send].receipts, r)
	}
	return parcels, rest, nil
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

func (db *DB) refsByMessage(ctx context.Context, receipts []backstop.Receipt) (map[message]backstop.Ref, error) {
	var providers, ids pq.StringArray
	for _, r := range receipts {
		providers, ids = append(providers, r.Provider), append(ids, r.MessageID)
	}
	var rows []struct {
		message

		Send string `db:"send"`
		Step int    `db:"step"`
	}
	if err := db.pool.SelectAll(ctx, &rows, attemptsByMessage, providers, ids); err != nil {
		return nil, fmt.Errorf("find attempts: %w", err)
	}
	refs := map[message]backstop.Ref{}
	for _, row := range rows { // the newest wins
		refs[row.message] = backstop.Ref{Send: row.Send, Step: row.Step}
	}
	return refs, nil
}
