package ledgers

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// Columns are the columns of a send that Row reads.
const Columns = `id, recipient, country, text, template, sms_text, category, expires_at, plan, accepted_at,
    whatsapp_status, sms_status, fired, fired_reason, fallback_reason, delivered_at, delivered_by, duplicate_delivery, expired,
    finished_at, outcome, receipt_by`

// Row is a send as it is stored.
type Row struct {
	ID                string                  `db:"id"`
	Recipient         string                  `db:"recipient"`
	Country           string                  `db:"country"`
	Text              string                  `db:"text"`
	Template          []byte                  `db:"template"`
	SMSText           string                  `db:"sms_text"`
	Category          backstop.Category       `db:"category"`
	ExpiresAt         *time.Time              `db:"expires_at"`
	Plan              []byte                  `db:"plan"`
	AcceptedAt        time.Time               `db:"accepted_at"`
	WhatsAppStatus    backstop.Status         `db:"whatsapp_status"`
	SMSStatus         backstop.Status         `db:"sms_status"`
	Fired             string                  `db:"fired"`
	FiredReason       string                  `db:"fired_reason"`
	FallbackReason    backstop.FallbackReason `db:"fallback_reason"`
	DeliveredAt       *time.Time              `db:"delivered_at"`
	DeliveredBy       backstop.Channel        `db:"delivered_by"`
	DuplicateDelivery bool                    `db:"duplicate_delivery"`
	Expired           bool                    `db:"expired"`
	FinishedAt        *time.Time              `db:"finished_at"`
	Outcome           backstop.Outcome        `db:"outcome"`
	ReceiptBy         *time.Time              `db:"receipt_by"`
}

// Send returns the send of a row.
func (r Row) Send() (backstop.Send, error) {
	s := backstop.Send{
		ID: r.ID, To: r.Recipient, Country: r.Country, Text: r.Text, SMSText: r.SMSText, Category: r.Category,
		ExpiresAt: pool.StampPtr(r.ExpiresAt), AcceptedAt: pool.Stamp(r.AcceptedAt),
		Status: backstop.Statuses{WhatsApp: r.WhatsAppStatus, SMS: r.SMSStatus}, Fired: r.Fired, FiredReason: r.FiredReason,
		FallbackReason: r.FallbackReason, DeliveredAt: pool.StampPtr(r.DeliveredAt), DeliveredBy: r.DeliveredBy,
		DuplicateDelivery: r.DuplicateDelivery, Expired: r.Expired, FinishedAt: pool.StampPtr(r.FinishedAt), Outcome: r.Outcome,
		ReceiptBy: pool.StampPtr(r.ReceiptBy),
	}
	if err := json.Unmarshal(r.Plan, &s.Plan); err != nil {
		return backstop.Send{}, fmt.Errorf("read plan of send %s: %w", r.ID, err)
	}
	if r.Template != nil {
		if err := json.Unmarshal(r.Template, &s.Template); err != nil {
			return backstop.Send{}, fmt.Errorf("read template of send %s: %w", r.ID, err)
		}
	}
	return s, nil
}

// Sends returns the sends of rows, in their order.
func Sends(rows []Row) ([]backstop.Send, error) {
	list := make([]backstop.Send, len(rows))
	for i, row := range rows {
		send, err := row.Send()
		if err != nil {
			return nil, err
		}
		list[i] = send
	}
	return list, nil
}
