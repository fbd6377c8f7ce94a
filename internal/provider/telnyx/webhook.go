package telnyx

import (
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// The events that Receipts reads. Others, such as messaging-profile.spend-limit-reached, say nothing about one message.
const (
	eventSent      = "message.sent"
	eventFinalized = "message.finalized"
	eventReceived  = "message.received"
)

// Receipts verifies the signature of a webhook and returns its receipt: of a status, or of an inbound message. It returns no
// receipt if the webhook is not about an SMS, or if its status says nothing about the end of the message. An Error with code
// Forged or Invalid says what is wrong.
func (c *Client) Receipts(r *http.Request, body []byte) ([]backstop.Receipt, error) {
	if !c.isSigned(r.Header, body, time.Now()) {
		return nil, provider.Forged("the signature or the timestamp is missing or wrong")
	}
	var hook struct {
		Data event `json:"data"`
	}
	if err := decodeJSON(body, &hook); err != nil || hook.Data.Type == "" {
		return nil, provider.Invalid("the body is not a Telnyx webhook", err)
	}
	e := hook.Data
	if !e.isOfSMS() {
		return nil, nil
	}
	if !provider.ValidMessageID(string(e.Payload.ID)) {
		return nil, provider.Invalid("payload.id is missing or too long", nil)
	}
	receipt := backstop.Receipt{
		Provider: name, Account: c.account, Channel: backstop.SMS, MessageID: string(e.Payload.ID),
		At: timeOf(e.OccurredAt, time.Now()),
	}
	if e.Type == eventReceived {
		if receipt.Inbound = e.Payload.inbound(); receipt.Inbound == nil {
			return nil, nil
		}
		return []backstop.Receipt{receipt}, nil
	}
	word := e.Payload.status()
	if word == "" {
		return nil, provider.Invalid("the status of the recipient is missing", nil)
	}
	receipt.Status, receipt.Ref = statusOf(word), refOf(e.Payload.WebhookURL)
	if receipt.Status == "" {
		return nil, nil
	}
	if receipt.Status == backstop.Failed {
		receipt.Failure = c.undelivered(word, e.Payload.Errors)
	}
	return []backstop.Receipt{receipt}, nil
}

// event is a webhook, without its envelope.
type event struct {
	Type       provider.Loose `json:"event_type"`
	OccurredAt provider.Loose `json:"occurred_at"` // ISO 8601
	Payload    message        `json:"payload"`
}

// isOfSMS reports whether an event is about one SMS or MMS. Webhooks of WhatsApp and RCS have the same events.
func (e event) isOfSMS() bool {
	switch e.Type {
	case eventSent, eventFinalized, eventReceived:
		return e.Payload.Type == "" || e.Payload.Type == "SMS" || e.Payload.Type == "MMS"
	}
	return false
}

// message is a message in a webhook, and in the answer to a look-up.
type message struct {
	ID           provider.Loose `json:"id"`
	Type         provider.Loose `json:"type"`
	From         party          `json:"from"`
	To           []party        `json:"to"` // an SMS has one recipient
	Text         provider.Loose `json:"text"`
	Parts        provider.Loose `json:"parts"`
	WebhookURL   provider.Loose `json:"webhook_url"`
	Errors       []apiError     `json:"errors"`
	AutoResponse provider.Loose `json:"autoresponse_type"` // STOP, START or HELP, if Telnyx recognized a keyword of the profile
}

type party struct {
	Number provider.Loose `json:"phone_number"`
	Status provider.Loose `json:"status"`
}

// status returns Telnyx's word for the status, or "".
func (m message) status() string {
	if len(m.To) == 0 {
		return ""
	}
	return string(m.To[0].Status)
}

// inbound returns an inbound message, or nil if its sender is no phone number. Telnyx's word for the keyword counts before the
// text, because a profile may have keywords of its own, in any language. The list of Telnyx's default words has STOP ALL too.
func (m message) inbound() *backstop.Inbound {
	to := ""
	if len(m.To) > 0 {
		to = string(m.To[0].Number)
	}
	in := provider.Inbound(string(m.From.Number), to, string(m.Text), "")
	if in == nil {
		return nil
	}
	switch strings.ToUpper(string(m.AutoResponse)) {
	case "STOP":
		in.Keyword = backstop.StopKeyword
	case "START":
		in.Keyword = backstop.StartKeyword
	}
	return in
}

// statusOf returns the status for a word of Telnyx's. It returns "" for a message that has not left Telnyx (queued, sending) and
// for unknown words. Delivery_unconfirmed means that the carrier has the message and reports nothing.
func statusOf(word string) backstop.Status {
	switch word {
	case "sent", "delivery_unconfirmed":
		return backstop.Sent
	case "delivered":
		return backstop.Delivered
	case "sending_failed", "delivery_failed", "expired":
		return backstop.Failed
	default:
		return ""
	}
}

// undelivered returns the failure of a message whose last status is this word. The list of errors may be empty.
func (c *Client) undelivered(word string, list []apiError) *backstop.Failure {
	if len(list) == 0 {
		return c.poster.Undelivered(provider.Refusal{Text: "reported as " + word})
	}
	return c.poster.Undelivered(refusalOf(list))
}

// refOf returns the reference in the address of a message's webhooks. The address is read from the body, because the signature
// does not cover the address that was called.
func refOf(webhookURL provider.Loose) backstop.Ref {
	address, err := url.Parse(string(webhookURL))
	if err != nil {
		return backstop.Ref{}
	}
	return provider.Ref(address.Query().Get(refParameter))
}

// tolerance is how far the time of a signature may be from ours: that of Telnyx's SDK.
const tolerance = 5 * time.Minute

// isSigned verifies a signature: base64 of Ed25519 over the timestamp, a vertical bar, and the body.
func (c *Client) isSigned(header http.Header, body []byte, now time.Time) bool {
	signature, err := base64.StdEncoding.Strict().DecodeString(header.Get("Telnyx-Signature-Ed25519"))
	if err != nil || len(signature) != ed25519.SignatureSize {
		return false
	}
	stamp := header.Get("Telnyx-Timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > tolerance {
		return false
	}
	signed := append([]byte(stamp+"|"), body...)
	for _, key := range c.keys {
		if ed25519.Verify(key, signed, signature) {
			return true
		}
	}
	return false
}

// timeOf reads a time. An impossible time (unreadable, before 1970, or more than a day after now) becomes now.
func timeOf(text provider.Loose, now time.Time) time.Time {
	at, err := time.Parse(time.RFC3339, string(text))
	if err != nil || at.Unix() <= 0 || at.After(now.Add(24*time.Hour)) {
		return now.UTC()
	}
	return at.UTC()
}
