package ledgers

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// Columns are the columns of a send, without those of the sweeper.
var Columns = pool.ColumnsOf[Row]()

// Row is a send as it is stored. A new column of a send needs a field in accepted or in state, and its line in the two functions
// below that turn a send into a row and back.
type Row struct {
	accepted
	state
}

// accepted has the columns that no change of a ledger sets.
type accepted struct {
	ID         string            `db:"id"`
	To         string            `db:"recipient"`
	Country    string            `db:"country"`
	Text       string            `db:"text"`
	Template   *string           `db:"template"` // JSON; text, because the driver sends bytes as bytea
	SMSText    string            `db:"sms_text"`
	Category   backstop.Category `db:"category"`
	ExpiresAt  *time.Time        `db:"expires_at"`
	Plan       string            `db:"plan"`     // JSON
	Callback   *string           `db:"callback"` // JSON
	AcceptedAt time.Time         `db:"accepted_at"`
	SendAt     *time.Time        `db:"send_at"`
	StartedAt  *time.Time        `db:"started_at"` // set once, by the sweeper
	IsTest     bool              `db:"is_test"`

	CorrelationID     string  `db:"correlation_id"`
	CorrelationUnique bool    `db:"correlation_unique"`
	Metadata          *string `db:"metadata"` // JSON

	MessageID      *string `db:"message_id"` // all null: the send has its content from its caller
	MessageName    *string `db:"message_name"`
	MessageVersion *int    `db:"message_version"`

	ContentRemovedAt *time.Time `db:"content_removed_at"`

	Sealed []byte `db:"sealed_content"` // see Store.Seal; null: the content is in the other columns

	Traceparent *string `db:"traceparent"` // null: the send has no trace
}

// state has the columns that a change may set.
type state struct {
	WhatsApp          backstop.Status         `db:"whatsapp_status"`
	SMS               backstop.Status         `db:"sms_status"`
	Fired             string                  `db:"fired"`
	FiredReason       string                  `db:"fired_reason"`
	FiredCause        backstop.FallbackReason `db:"fired_cause"`
	FallbackReason    backstop.FallbackReason `db:"fallback_reason"`
	DeliveredAt       *time.Time              `db:"delivered_at"`
	DeliveredBy       backstop.Channel        `db:"delivered_by"`
	DuplicateDelivery bool                    `db:"duplicate_delivery"`
	Expired           bool                    `db:"expired"`
	FinishedAt        *time.Time              `db:"finished_at"`
	ConfirmedAt       *time.Time              `db:"confirmed_at"`
	Outcome           backstop.Outcome        `db:"outcome"`
	ReceiptBy         *time.Time              `db:"receipt_by"`
}

// RowOf returns the row of a send, with its content as it is. It is stored as Store.Seal returns it.
func RowOf(s backstop.Send) (Row, error) {
	plan, err := json.Marshal(s.Plan)
	if err != nil {
		return Row{}, fmt.Errorf("write plan: %w", err)
	}
	template, err := pool.JSONOrNull(s.Template)
	if err != nil {
		return Row{}, fmt.Errorf("write template: %w", err)
	}
	callback, err := pool.JSONOrNull(s.Callback)
	if err != nil {
		return Row{}, fmt.Errorf("write callback: %w", err)
	}
	row := Row{
		accepted: accepted{
			ID: s.ID, To: s.To, Country: s.Country, Text: s.Text, Template: template, SMSText: s.SMSText, Category: s.Category,
			ExpiresAt: pool.StampPtr(s.ExpiresAt), Plan: string(plan), AcceptedAt: pool.Stamp(s.AcceptedAt),
			CorrelationID: s.CorrelationID, CorrelationUnique: s.CorrelationUnique, Callback: callback,
			SendAt: pool.StampPtr(s.SendAt), StartedAt: pool.StampPtr(s.StartedAt), IsTest: s.IsTest,
			ContentRemovedAt: pool.StampPtr(s.ContentRemovedAt),
		},
		state: stateOf(s),
	}
	if m := s.Message; m != nil {
		row.MessageID, row.MessageName, row.MessageVersion = &m.ID, &m.Name, &m.Version
	}
	if s.Traceparent != "" {
		row.Traceparent = &s.Traceparent
	}
	if len(s.Metadata) > 0 {
		if row.Metadata, err = pool.JSONOrNull(&s.Metadata); err != nil {
			return Row{}, fmt.Errorf("write metadata: %w", err)
		}
	}
	return row, nil
}

func stateOf(s backstop.Send) state {
	return state{
		WhatsApp: s.Status.WhatsApp, SMS: s.Status.SMS, Fired: s.Fired, FiredReason: pool.Clean(s.FiredReason),
		FiredCause: s.FiredCause, FallbackReason: s.FallbackReason, DeliveredAt: pool.StampPtr(s.DeliveredAt),
		DeliveredBy: s.DeliveredBy, DuplicateDelivery: s.DuplicateDelivery, Expired: s.Expired,
		FinishedAt: pool.StampPtr(s.FinishedAt), ConfirmedAt: pool.StampPtr(s.ConfirmedAt), Outcome: s.Outcome,
		ReceiptBy: pool.StampPtr(s.ReceiptBy),
	}
}

// HasNumber is that of the send.
func (r Row) HasNumber() bool { return backstop.Send{To: r.To}.HasNumber() }

// Send returns the send of a row that is not sealed.
func (r Row) Send() (backstop.Send, error) {
	if r.Sealed != nil {
		return backstop.Send{}, fmt.Errorf("read send %s: its content is sealed", r.ID)
	}
	s := backstop.Send{
		ID: r.ID, To: r.To, Country: r.Country, Text: r.Text, SMSText: r.SMSText, Category: r.Category,
		ExpiresAt: pool.StampPtr(r.ExpiresAt), AcceptedAt: pool.Stamp(r.AcceptedAt),
		SendAt: pool.StampPtr(r.SendAt), StartedAt: pool.StampPtr(r.StartedAt), IsTest: r.IsTest,
		Status: backstop.Statuses{WhatsApp: r.WhatsApp, SMS: r.SMS}, Fired: r.Fired, FiredReason: r.FiredReason,
		FiredCause: r.FiredCause, FallbackReason: r.FallbackReason, DeliveredAt: pool.StampPtr(r.DeliveredAt),
		DeliveredBy: r.DeliveredBy, DuplicateDelivery: r.DuplicateDelivery, Expired: r.Expired,
		FinishedAt: pool.StampPtr(r.FinishedAt), ConfirmedAt: pool.StampPtr(r.ConfirmedAt), Outcome: r.Outcome,
		ReceiptBy:     pool.StampPtr(r.ReceiptBy),
		CorrelationID: r.CorrelationID, CorrelationUnique: r.CorrelationUnique,
		ContentRemovedAt: pool.StampPtr(r.ContentRemovedAt),
	}
	if err := json.Unmarshal([]byte(r.Plan), &s.Plan); err != nil {
		return backstop.Send{}, fmt.Errorf("read plan of send %s: %w", r.ID, err)
	}
	if r.Template != nil {
		if err := json.Unmarshal([]byte(*r.Template), &s.Template); err != nil {
			return backstop.Send{}, fmt.Errorf("read template of send %s: %w", r.ID, err)
		}
	}
	if r.Callback != nil {
		if err := json.Unmarshal([]byte(*r.Callback), &s.Callback); err != nil {
			return backstop.Send{}, fmt.Errorf("read callback of send %s: %w", r.ID, err)
		}
	}
	if r.MessageID != nil && r.MessageName != nil && r.MessageVersion != nil {
		s.Message = &backstop.UsedMessage{ID: *r.MessageID, Name: *r.MessageName, Version: *r.MessageVersion}
	}
	if r.Traceparent != nil {
		s.Traceparent = *r.Traceparent
	}
	if r.Metadata != nil {
		if err := json.Unmarshal([]byte(*r.Metadata), &s.Metadata); err != nil {
			return backstop.Send{}, fmt.Errorf("read metadata of send %s: %w", r.ID, err)
		}
	}
	return s, nil
}
