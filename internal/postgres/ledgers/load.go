package ledgers

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// ledgerColumns are the columns of a send, its revision, its attempts and its averted rules. They are read as one row, so in
// one round trip and from one snapshot.
var ledgerColumns = Columns.Names() + `, revision, changed_at,
    (SELECT json_agg(a ORDER BY step) FROM attempts AS a WHERE send = s.id) AS attempts,
    (SELECT json_agg(json_build_object('rule', rule, 'status', status)) FROM events AS e
        WHERE e.send = s.id AND kind = 'averted') AS averted,
    (SELECT json_agg(category ORDER BY category) FROM opt_outs WHERE recipient = s.recipient) AS opted_out_of`

type ledgerRow struct {
	Row

	Revision  int       `db:"revision"`
	ChangedAt time.Time `db:"changed_at"`
	Attempts  []byte    `db:"attempts"`
	Averted   []byte    `db:"averted"`
	OptedOut  []byte    `db:"opted_out_of"`
}

func (s *Store) ledgerOf(r ledgerRow) (*backstop.Ledger, error) {
	send, err := s.SendOf(r.Row)
	if err != nil {
		return nil, err
	}
	l := &backstop.Ledger{Revision: r.Revision, Send: send, At: pool.Stamp(r.ChangedAt)}
	if l.Attempts, err = s.readAttempts(r.Attempts, r.ID); err != nil {
		return nil, err
	}
	if r.OptedOut != nil {
		if err := json.Unmarshal(r.OptedOut, &l.OptedOutOf); err != nil {
			return nil, fmt.Errorf("read opt-outs: %w", err)
		}
	}
	if r.Averted == nil {
		return l, nil
	}
	var averted []struct {
		Rule   string          `json:"rule"`
		Status backstop.Status `json:"status"`
	}
	if err := json.Unmarshal(r.Averted, &averted); err != nil {
		return nil, fmt.Errorf("read averted rules: %w", err)
	}
	for _, e := range averted {
		l.Averted = append(l.Averted, backstop.Event{Kind: backstop.EventAverted, Rule: e.Rule, Status: e.Status})
	}
	return l, nil
}

var readLedger = `SELECT ` + ledgerColumns + ` FROM sends AS s WHERE id = $1`

// load reads the ledger of a send, or returns an Error of code NotFound.
func (s *Store) load(ctx context.Context, id string) (*backstop.Ledger, error) {
	var row ledgerRow
	if err := s.pool.Get(ctx, &row, readLedger, id); err != nil {
		return nil, pool.OrNotFound(err, "send")
	}
	return s.ledgerOf(row)
}

// selectAll reads rows. It repeats the query if the connection breaks before the answer has come.
func selectAll[T any](ctx context.Context, s *Store, what, query string, args ...any) (rows []T, err error) {
	err = pool.UntilKnown(ctx, what, func(bool) error {
		rows = nil
		return s.pool.SelectAll(ctx, &rows, query, args...)
	})
	return rows, err
}

// readLedgers has its ids in a subquery. Postgres then expects the same number of ids in every call, so it keeps one plan.
var readLedgers = `SELECT ` + ledgerColumns + ` FROM sends AS s WHERE id = ANY((SELECT $1::uuid[])::uuid[])`

// loadAll returns the ids of the sends that exist. It reads the ledgers that are not cached, and caches them. A send that
// cannot be read exists too: its own change fails, not those of the others. A cached send may have been deleted.
func (s *Store) loadAll(ctx context.Context, ids []string) (map[string]bool, error) {
	known := map[string]bool{}
	var missing pq.StringArray
	for _, id := range ids {
		if _, isCached := s.cache.get(id); isCached {
			known[id] = true
		} else {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return known, nil
	}
	rows, err := selectAll[ledgerRow](ctx, s, "read sends", readLedgers, missing)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		known[row.ID] = true
		if l, err := s.ledgerOf(row); err == nil {
			s.cache.put(l)
		}
	}
	return known, nil
}

// Ledger reads the ledger of a send from Postgres.
func (s *Store) Ledger(ctx context.Context, send string) (*backstop.Ledger, error) {
	id, ok := pool.ParseID(send)
	if !ok {
		return nil, pool.NotFound("send")
	}
	l, err := s.load(ctx, id)
	return l, pool.Failed(ctx, "read send", err)
}

// View reads the view of a send from Postgres.
func (s *Store) View(ctx context.Context, send string) (backstop.View, error) {
	l, err := s.Ledger(ctx, send)
	if err != nil {
		return backstop.View{}, err
	}
	return l.View(), nil
}

// Views reads the views of several sends from Postgres, by id. It leaves out unknown sends.
func (s *Store) Views(ctx context.Context, sends []string) (map[string]backstop.View, error) {
	rows, err := selectAll[ledgerRow](ctx, s, "read sends", readLedgers, pq.StringArray(sends))
	if err != nil {
		return nil, err
	}
	views := map[string]backstop.View{}
	for _, row := range rows {
		l, err := s.ledgerOf(row)
		if err != nil {
			return nil, err
		}
		views[row.ID] = l.View()
	}
	return views, nil
}

// Preload caches the ledgers of sends that are about to change, by one query. It skips unknown sends.
func (s *Store) Preload(ctx context.Context, sends []string) error {
	_, err := s.loadAll(ctx, sends)
	return err
}

var listEvents = `SELECT ` + EventColumns.Names() + ` FROM events WHERE send = $1 ORDER BY seq`

// Events returns the events of a send in the order in which they were stored.
func (s *Store) Events(ctx context.Context, send string) ([]backstop.Event, error) {
	var rows []eventRow
	if err := s.pool.SelectAll(ctx, &rows, listEvents, send); err != nil {
		return nil, pool.Failed(ctx, "list events", err)
	}
	events := make([]backstop.Event, len(rows))
	for i, row := range rows {
		var err error
		if events[i], err = s.eventOf(row, send); err != nil {
			return nil, err
		}
	}
	return events, nil
}

// NumberedEvents returns the events of a send, and the place in them of the event with a number; an Error of code NotFound if
// there is none.
func (s *Store) NumberedEvents(ctx context.Context, send string, seq int) (events []backstop.Event, index int, err error) {
	var rows []eventRow
	if err := s.pool.SelectAll(ctx, &rows, listEvents, send); err != nil {
		return nil, 0, pool.Failed(ctx, "list events", err)
	}
	events, index = make([]backstop.Event, len(rows)), -1
	for i, row := range rows {
		if events[i], err = s.eventOf(row, send); err != nil {
			return nil, 0, err
		}
		if row.Seq == seq {
			index = i
		}
	}
	if index < 0 {
		return nil, 0, pool.NotFound("event")
	}
	return events, index, nil
}
