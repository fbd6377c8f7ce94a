package ledgers

import (
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

var eventColumns = pool.ColumnsOf[eventRow]()

// eventRow is an event without its send. It is written as JSON.
type eventRow struct {
	Seq     int                `db:"seq"     json:"seq"     type:"int"`
	At      time.Time          `db:"at"      json:"at"      type:"timestamptz"`
	Kind    backstop.EventKind `db:"kind"    json:"kind"    type:"text"`
	Channel backstop.Channel   `db:"channel" json:"channel" type:"text"`
	Status  backstop.Status    `db:"status"  json:"status"  type:"text"`
	Rule    string             `db:"rule"    json:"rule"    type:"text"`
	Code    string             `db:"code"    json:"code"    type:"text"`
	Detail  string             `db:"detail"  json:"detail"  type:"text"`
}

// eventRows returns the new events of a ledger.
func eventRows(l *backstop.Ledger) []eventRow {
	rows := make([]eventRow, len(l.Events))
	for i, e := range l.Events {
		rows[i] = eventRow{
			Seq: l.Revision + 1 + i, At: pool.Stamp(e.At), Kind: e.Kind, Channel: e.Channel, Status: e.Status,
			Rule: pool.Clean(e.Rule), Code: pool.Clean(e.Code), Detail: pool.Clean(e.Detail),
		}
	}
	return rows
}

func (r eventRow) event(send string) backstop.Event {
	return backstop.Event{
		Send: send, At: pool.Stamp(r.At), Kind: r.Kind, Channel: r.Channel, Status: r.Status, Rule: r.Rule, Code: r.Code,
		Detail: r.Detail,
	}
}
