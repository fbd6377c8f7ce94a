package ledgers

import (
	"cmp"
	"context"

	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

// byReference finds the send and step of each receipt by its reference. It returns the receipts by send, and in rest the
// receipts without a reference to a step of a stored send.
func (s *Store) byReference(
	ctx context.Context, receipts []backstop.Receipt,
) (batches map[string]*batch, rest []backstop.Receipt, err error) {
	var ids []string
	for _, r := range receipts {
		if id, ok := pool.ParseID(r.Ref.Send); ok && r.Ref.Step > 0 {
			ids = append(ids, id)
		}
	}
	known, err := s.loadAll(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	batches = map[string]*batch{}
	for _, r := range receipts {
		id, _ := pool.ParseID(r.Ref.Send)
		if !known[id] || r.Ref.Step < 1 {
			rest = append(rest, r)
			continue
		}
		r.Ref.Send = id
		addTo(batches, r)
	}
	return batches, rest, nil
}

// byMessage finds the send and step of each receipt by its message id. It returns in rest the receipts that match no attempt.
func (s *Store) byMessage(
	ctx context.Context, receipts []backstop.Receipt,
) (batches map[string]*batch, rest []backstop.Receipt, err error) {
	refs, err := s.refsByMessage(ctx, receipts)
	if err != nil {
		return nil, nil, err
	}
	batches = map[string]*batch{}
	for _, r := range receipts {
		ref, found := refs[s.messageOf(r)]
		if !found {
			rest = append(rest, r)
			continue
		}
		r.Ref = ref
		addTo(batches, r)
	}
	return batches, rest, nil
}

func addTo(batches map[string]*batch, r backstop.Receipt) {
	b := batches[r.Ref.Send]
	if b == nil {
		b = &batch{send: r.Ref.Send}
		batches[r.Ref.Send] = b
	}
	b.receipts = append(b.receipts, r)
}

// message is the key by which a receipt without a reference finds its attempt.
type message struct {
	Channel  backstop.Channel `db:"channel"`
	Provider string           `db:"provider"`
	Account  string           `db:"account"`    // of an attempt before accounts had names: empty
	ID       string           `db:"message_id"` // as it is stored
}

func (s *Store) messageOf(r backstop.Receipt) message {
	return message{
		Channel: r.Channel, Provider: r.Provider, Account: cmp.Or(r.Account, r.Provider),
		ID: s.seals.Hide(seals.MessageID, r.MessageID),
	}
}

const attemptsByMessage = `SELECT channel, provider, account, message_id, send, step FROM attempts
WHERE message_id <> '' AND (provider, message_id) IN (SELECT p, m FROM unnest($1::text[], $2::text[]) AS u (p, m))
ORDER BY started_at`

func (s *Store) refsByMessage(ctx context.Context, receipts []backstop.Receipt) (map[message]backstop.Ref, error) {
	var providers, ids pq.StringArray
	for _, r := range receipts {
		providers, ids = append(providers, r.Provider), append(ids, s.seals.Hide(seals.MessageID, r.MessageID))
	}
	type row struct {
		message

		Send string `db:"send"`
		Step int    `db:"step"`
	}
	rows, err := selectAll[row](ctx, s, "find attempts", attemptsByMessage, providers, ids)
	if err != nil {
		return nil, err
	}
	refs := map[message]backstop.Ref{}
	for _, row := range rows { // the newest attempt wins
		row.Account = cmp.Or(row.Account, row.Provider)
		refs[row.message] = backstop.Ref{Send: row.Send, Step: row.Step}
	}
	return refs, nil
}

// Owner returns the attempt that has a receipt's message, by the account and the provider's id of the message; false if no stored
// attempt has it.
func (s *Store) Owner(ctx context.Context, of backstop.Receipt) (owner backstop.Ref, found bool, err error) {
	refs, err := s.refsByMessage(ctx, []backstop.Receipt{of})
	if err != nil {
		return backstop.Ref{}, false, err
	}
	owner, found = refs[s.messageOf(of)]
	return owner, found, nil
}

// batch holds receipts of one send.
type batch struct {
	send     string
	receipts []backstop.Receipt
	isSilent bool // no signal is needed: the caller returns the view to the workflow
	isOrphan bool // the receipts were stored without a send
}
