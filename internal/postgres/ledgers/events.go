package ledgers

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

// EventColumns are the columns of an event, without its send.
var EventColumns = pool.ColumnsOf[eventRow]()

// WriteEvents writes the events of a send that is stored with more than its first one, for EventColumns.
func (s *Store) WriteEvents(send string, accepted time.Time, more []backstop.Event) (string, error) {
	first := backstop.Event{Send: send, At: accepted, Kind: backstop.EventAccepted}
	rows, err := s.eventRows(&backstop.Ledger{Events: append([]backstop.Event{first}, more...)})
	if err != nil {
		return "", err
	}
	return pool.JSONRows(rows)
}

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

	// These are null in most events.
	Account *string                  `db:"account" json:"account,omitempty" type:"text"`
	Cause   *backstop.FallbackReason `db:"cause"   json:"cause,omitempty"   type:"text"`
	Failure *json.RawMessage         `db:"failure" json:"failure,omitempty" type:"jsonb"`
}

// eventRows returns the new events of a ledger.
func (s *Store) eventRows(l *backstop.Ledger) ([]eventRow, error) {
	rows := make([]eventRow, len(l.Events))
	for i, e := range l.Events {
		rows[i] = eventRow{
			Seq: l.Revision + 1 + i, At: pool.Stamp(e.At), Kind: e.Kind, Channel: e.Channel, Status: e.Status,
			Rule: pool.Clean(e.Rule), Code: pool.Clean(e.Code), Detail: s.seals.Hide(seals.Words, pool.Clean(e.Detail)),
		}
		if e.Account != "" {
			rows[i].Account = &e.Account
		}
		if e.Cause != "" {
			rows[i].Cause = &e.Cause
		}
		if e.Failure == nil {
			continue
		}
		failure, err := json.Marshal(s.hideReason(cleanFailure(e.Failure)))
		if err != nil {
			return nil, fmt.Errorf("write failure: %w", err)
		}
		rows[i].Failure = (*json.RawMessage)(&failure)
	}
	return rows, nil
}

func (s *Store) eventOf(r eventRow, send string) (backstop.Event, error) {
	e := backstop.Event{
		Send: send, At: pool.Stamp(r.At), Kind: r.Kind, Channel: r.Channel, Status: r.Status, Rule: r.Rule, Code: r.Code,
		Detail: s.seals.Show(seals.Words, r.Detail),
	}
	if r.Account != nil {
		e.Account = *r.Account
	}
	if r.Cause != nil {
		e.Cause = *r.Cause
	}
	if r.Failure == nil {
		return e, nil
	}
	if err := json.Unmarshal(*r.Failure, &e.Failure); err != nil {
		return backstop.Event{}, fmt.Errorf("read failure: %w", err)
	}
	e.Failure = s.showReason(e.Failure)
	return e, nil
}
