package ledgers

import (
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

var callbackColumns = pool.ColumnsOf[callbackRow]()

// callbackRow is a new callback without its send. It is written as JSON.
type callbackRow struct {
	ID        string                 `json:"id"         type:"uuid"`
	Seq       int                    `json:"seq"        type:"int"`
	Event     backstop.CallbackEvent `json:"event"      type:"text"`
	URL       string                 `json:"url"        type:"text"`
	CreatedAt time.Time              `json:"created_at" type:"timestamptz"`
}

// AddCallbacks returns the parts of a statement that queue the callbacks of its events. The part s of the statement returns the
// id of the send. The rows are in the nth parameter, as CallbackRows returns them. A send whose receiver wants no more callbacks
// gets them as ended.
func AddCallbacks(n int) string {
	return `, c AS (
    INSERT INTO callbacks (send, ` + callbackColumns.Names() + `, queued_at, tries, state, ended_at)
    SELECT s.id, ` + callbackColumns.NamesIn("u") + `, u.created_at, 0, CASE WHEN gone THEN 'gone' ELSE 'pending' END,
        CASE WHEN gone THEN u.created_at END
    FROM s, ` + callbackColumns.Recordset(pool.Param(n)) + `,
        LATERAL (SELECT EXISTS (SELECT FROM callbacks WHERE send = s.id AND state = 'gone') AS gone) AS g
    RETURNING send, url, seq, state
), q AS (
    INSERT INTO callback_queues (send, url, last_seq, sweep_at)
    SELECT send, min(url), max(seq), clock_timestamp() + interval '5 seconds' FROM c WHERE state = 'pending' GROUP BY send
    ON CONFLICT (send) DO UPDATE SET last_seq = excluded.last_seq, changes = callback_queues.changes + 1
)`
}

// Queued are the callbacks that a change adds.
type Queued struct {
	Rows string // for AddCallbacks
	Last int    // the number of the newest event that is posted; 0: none is
}

// CallbacksOf returns the callbacks of new events of a send, whose numbers begin after a revision.
func CallbacksOf(c *backstop.Callback, events []backstop.Event, revision int) (q Queued, err error) {
	if c == nil {
		return Queued{}, nil
	}
	var rows []callbackRow
	for i, e := range events {
		name := c.Wants(e)
		if name == "" {
			continue
		}
		row := callbackRow{Seq: revision + 1 + i, Event: name, URL: c.URL, CreatedAt: pool.Stamp(e.At)}
		if row.ID, err = pool.NewIDAt(row.CreatedAt); err != nil {
			return Queued{}, err
		}
		rows, q.Last = append(rows, row), row.Seq
		for j := len(rows) - 1; j > 0 && rows[j].CreatedAt.Equal(rows[j-1].CreatedAt) && rows[j].ID < rows[j-1].ID; j-- {
			rows[j].ID, rows[j-1].ID = rows[j-1].ID, rows[j].ID // the list is in the order of the ids
		}
	}
	if len(rows) == 0 {
		return Queued{}, nil
	}
	q.Rows, err = pool.JSONRows(rows)
	return q, err
}

// maxWakes is how many queued callbacks may wait for the hand-over. More are left to the sweeper.
const maxWakes = 4096

// WakeCallbacks notifies the hand-over of callbacks that were stored. It does not wait.
func (s *Store) WakeCallbacks(w handoff.CallbackWake) {
	select {
	case s.wakes <- w:
	default: // the sweeper wakes the workflow
	}
}

// CallbackWakes returns the callbacks that this process has stored.
func (s *Store) CallbackWakes() <-chan handoff.CallbackWake { return s.wakes }
