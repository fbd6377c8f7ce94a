package postgres

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
)

const sendColumns = `id, recipient, country, text, template, sms_text, category, expires_at, plan, accepted_at,
    whatsapp_status, sms_status, fired, fired_reason, fallback_reason, delivered_at, delivered_by, duplicate_delivery, expired,
    finished_at, outcome, receipt_by`

type sendRow struct {
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

func (r sendRow) send() (backstop.Send, error) {
	s := backstop.Send{
		ID: r.ID, To: r.Recipient, Country: r.Country, Text: r.Text, SMSText: r.SMSText, Category: r.Category,
		ExpiresAt: stampPtr(r.ExpiresAt), AcceptedAt: stamp(r.AcceptedAt),
		WhatsAppStatus: r.WhatsAppStatus, SMSStatus: r.SMSStatus, Fired: r.Fired, FiredReason: r.FiredReason,
		FallbackReason: r.FallbackReason, DeliveredAt: stampPtr(r.DeliveredAt), DeliveredBy: r.DeliveredBy,
		DuplicateDelivery: r.DuplicateDelivery, Expired: r.Expired, FinishedAt: stampPtr(r.FinishedAt), Outcome: r.Outcome,
		ReceiptBy: stampPtr(r.ReceiptBy),
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

func sends(rows []sendRow) ([]backstop.Send, error) {
	list := make([]backstop.Send, len(rows))
	for i, row := range rows {
		send, err := row.send()
		if err != nil {
			return nil, err
		}
		list[i] = send
	}
	return list, nil
}

// insertSend stores a send and its first event in one statement; no row when the key was used before.
const insertSend = `WITH s AS (
    INSERT INTO sends (` + sendColumns + `, policy_id, idempotency_key, idempotency_hash, check_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
        $22, $23, $24, $25, $26)
    ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
    RETURNING id, accepted_at
)
INSERT INTO events (send, seq, at, kind, channel, status, rule, code, detail)
SELECT id, 1, accepted_at, 'accepted', '', '', '', '', '' FROM s`

// InsertSend stores a send whose ID is a UUIDv7 made when it was accepted, with its first event. When the key was
// used before with the same hash it stores nothing and returns the earlier send and false; with another hash, an
// Error of code Mismatch.
func (db *DB) InsertSend(
	ctx context.Context, send backstop.Send, key *handoff.Idempotency,
) (stored backstop.Send, created bool, err error) {
	send.ExpiresAt, send.AcceptedAt = stampPtr(send.ExpiresAt), stamp(send.AcceptedAt)
	send.DeliveredAt, send.FinishedAt = stampPtr(send.DeliveredAt), stampPtr(send.FinishedAt)
	send.ReceiptBy = stampPtr(send.ReceiptBy)
	plan, err := json.Marshal(send.Plan)
	if err != nil {
		return backstop.Send{}, false, fmt.Errorf("write plan: %w", err)
	}
	template, err := jsonOrNull(send.Template)
	if err != nil {
		return backstop.Send{}, false, fmt.Errorf("write template: %w", err)
	}
	var name sql.NullString
	var hash []byte
	if key != nil {
		name, hash = sql.NullString{String: key.Key, Valid: true}, key.Hash
	}
	rows, err := db.exec(ctx, insertSend,
		send.ID, send.To, send.Country, send.Text, template, send.SMSText, send.Category, send.ExpiresAt, string(plan),
		send.AcceptedAt, send.WhatsAppStatus, send.SMSStatus, send.Fired, send.FiredReason, send.FallbackReason,
		send.DeliveredAt, send.DeliveredBy, send.DuplicateDelivery, send.Expired, send.FinishedAt,
		send.Outcome, send.ReceiptBy, send.Plan.PolicyID, name, hash, stamp(send.CheckAt()))
	if err != nil {
		return backstop.Send{}, false, failed(ctx, "insert send", err)
	}
	if rows > 0 || key == nil {
		db.recent.remember(&draft{revision: firstRevision - 1, send: send, isWhole: true})
		return send, true, nil
	}
	stored, found, err := db.SendByKey(ctx, *key)
	if err == nil && !found {
		err = fmt.Errorf("insert send: %w", sql.ErrNoRows)
	}
	return stored, false, err
}

const getSendByKey = `SELECT ` + sendColumns + `, idempotency_hash FROM sends WHERE idempotency_key = $1`

// SendByKey returns the send that was stored with this key, or false; with another hash, an Error of code Mismatch.
func (db *DB) SendByKey(ctx context.Context, key handoff.Idempotency) (backstop.Send, bool, error) {
	var row struct {
		sendRow

		Hash []byte `db:"idempotency_hash"`
	}
	err := db.get(ctx, &row, getSendByKey, key.Key)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return backstop.Send{}, false, nil
	case err != nil:
		return backstop.Send{}, false, failed(ctx, "get send by key", err)
	case !bytes.Equal(row.Hash, key.Hash):
		return backstop.Send{}, false, &backstop.Error{
			Code: backstop.Mismatch, Message: "this idempotency key was used before with another request",
		}
	}
	send, err := row.send()
	return send, err == nil, err
}

const getSend = `SELECT ` + sendColumns + ` FROM sends WHERE id = $1`

// Send returns a send, or an Error of code NotFound.
func (db *DB) Send(ctx context.Context, id string) (backstop.Send, error) {
	id, ok := parseID(id)
	if !ok {
		return backstop.Send{}, notFound("send")
	}
	var row sendRow
	if err := db.get(ctx, &row, getSend, id); err != nil {
		return backstop.Send{}, failed(ctx, "get send", orNotFound(err, "send"))
	}
	return row.send()
}

// listSends leaves out what a parameter does not ask for. The driver plans it anew for each call, with the values,
// so every combination finds its index.
const listSends = `SELECT ` + sendColumns + ` FROM sends
WHERE id >= $1 AND id < $2
    AND ($3 = '' OR outcome = $3)
    AND ($4::uuid IS NULL OR policy_id = $4)
    AND ($5 = '' OR recipient = $5)
    AND ($6::timestamptz IS NULL OR accepted_at >= $6)
    AND ($7::timestamptz IS NULL OR accepted_at < $7)
ORDER BY id DESC LIMIT $8`

// ListSends returns the sends that pass the filter, newest first, and whether more follow.
func (db *DB) ListSends(
	ctx context.Context, filter backstop.SendFilter, page backstop.Page,
) (list []backstop.Send, more bool, err error) {
	last, err := before(page)
	if err != nil {
		return nil, false, err
	}
	first := uuid.Nil.String()
	if !filter.From.IsZero() {
		first = idAt(filter.From.Add(-idSlack))
	}
	if !filter.Until.IsZero() {
		last = min(last, idAt(filter.Until.Add(idSlack)))
	}
	policy := sql.NullString{Valid: filter.PolicyID != ""}
	if policy.Valid {
		if policy.String, policy.Valid = parseID(filter.PolicyID); !policy.Valid {
			return nil, false, nil
		}
	}
	var rows []sendRow
	err = db.db.SelectContext(ctx, &rows, listSends,
		first, last, filter.Outcome, policy, filter.To, orNull(filter.From), orNull(filter.Until), page.Limit+1)
	if err != nil {
		return nil, false, failed(ctx, "list sends", err)
	}
	rows, more = cut(rows, page.Limit)
	list, err = sends(rows)
	return list, more, err
}

// idSlack is how far the time in a send's id may be from AcceptedAt: they are read from the clock one after the other.
const idSlack = time.Second

// idAt returns the smallest UUIDv7 of a time: it begins with 48 bits of Unix milliseconds (RFC 9562, 5.7).
func idAt(t time.Time) string {
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(max(t.UnixMilli(), 0)))
	var id uuid.UUID
	copy(id[:6], ms[2:])
	return id.String()
}

func orNull(t time.Time) sql.NullTime { return sql.NullTime{Time: stamp(t), Valid: !t.IsZero()} }

// markSent has its ids in a subquery for the reason that save.go gives.
const markSent = `UPDATE sends SET handed_over = true WHERE id = ANY((SELECT $1::uuid[])::uuid[]) AND NOT handed_over`

// MarkSent records that the engine has the sends with these ids. Repeated, it changes nothing.
func (db *DB) MarkSent(ctx context.Context, ids []string) error {
	canonical := make(pq.StringArray, len(ids))
	for i, id := range ids {
		var ok bool
		if canonical[i], ok = parseID(id); !ok {
			return notFound("send")
		}
	}
	_, err := db.exec(ctx, markSent, canonical)
	return failed(ctx, "mark sends", err)
}

// jsonOrNull returns the JSON of what v points to, or NULL. It is a string, because the driver sends bytes as bytea.
func jsonOrNull[T any](v *T) (sql.NullString, error) {
	if v == nil {
		return sql.NullString{}, nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return sql.NullString{}, fmt.Errorf("write json: %w", err)
	}
	return sql.NullString{String: string(b), Valid: true}, nil
}
