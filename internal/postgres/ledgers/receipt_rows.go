package ledgers

import (
	"slices"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

var (
	receiptColumns = pool.ColumnsOf[receiptRow]()
	orphanColumns  = pool.ColumnsOf[receivedRow]()
)

// receivedRow is a receipt as it came. It is written as JSON.
type receivedRow struct {
	ID         string            `json:"id"          type:"uuid"`
	Provider   string            `json:"provider"    type:"text"`
	Account    string            `json:"account"     type:"text"`
	Channel    backstop.Channel  `json:"channel"     type:"text"`
	MessageID  string            `json:"message_id"  type:"text"`
	Status     backstop.Status   `json:"status"      type:"text"`
	At         time.Time         `json:"at"          type:"timestamptz"`
	Failure    *backstop.Failure `json:"failure"     type:"jsonb"`
	ReceivedAt time.Time         `json:"received_at" type:"timestamptz"`
}

// receiptRow is a receipt of a known step.
type receiptRow struct {
	receivedRow

	Step        int  `json:"step"         type:"int"`
	NeedsSignal bool `json:"needs_signal" type:"boolean"`
}

// receiptRows gives each receipt an id. Receipts of one message with the same status, under two references, are one row.
func (s *Store) receiptRows(receipts []backstop.Received) (rows []receiptRow, ids []string, err error) {
	at := s.pool.Now()
	for _, r := range receipts {
		message := s.seals.Hide(seals.MessageID, r.MessageID)
		same := func(o receiptRow) bool {
			return o.Provider == r.Provider && o.Account == r.Account && o.MessageID == message && o.Status == r.Status
		}
		if i := slices.IndexFunc(rows, same); i >= 0 {
			rows[i].NeedsSignal = rows[i].NeedsSignal || r.NeedsSignal
			ids = append(ids, rows[i].ID)
			continue
		}
		id, err := pool.NewID()
		if err != nil {
			return nil, nil, err
		}
		ids = append(ids, id)
		rows = append(rows, receiptRow{
			receivedRow: receivedRow{
				ID: id, Provider: r.Provider, Account: r.Account, Channel: r.Channel, MessageID: message,
				Status: r.Status, At: r.At, Failure: s.hideReason(cleanFailure(r.Failure)), ReceivedAt: at,
			},
			Step: r.Ref.Step, NeedsSignal: r.NeedsSignal,
		})
	}
	return rows, ids, nil
}
