package meta

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// Challenge answers Meta's question whether the webhook's address is ours, or returns an Error of code Forged.
func (c *Client) Challenge(query url.Values) (string, error) {
	known := subtle.ConstantTimeCompare([]byte(query.Get("hub.verify_token")), c.verifyToken) == 1
	if query.Get("hub.mode") != "subscribe" || !known {
		return "", provider.Forged("the verify token is wrong")
	}
	return query.Get("hub.challenge"), nil
}

// Receipts checks the signature over the body and returns the statuses in it. An Error of code Forged or Invalid says
// what is wrong; with Invalid, the statuses that could be read are returned.
func (c *Client) Receipts(r *http.Request, body []byte) ([]backstop.Receipt, error) {
	if !c.isSigned(r.Header.Get("X-Hub-Signature-256"), body) {
		return nil, provider.Forged("the signature is missing or wrong")
	}
	var post struct {
		Object string `json:"object"`
		Entry  []struct {
			Changes []struct {
				Field string          `json:"field"`
				Value json.RawMessage `json:"value"`
			} `json:"changes"`
		} `json:"entry"`
	}
	var b receiptBatch
	if err := json.Unmarshal(body, &post); err != nil {
		if _, partly := errors.AsType[*json.UnmarshalTypeError](err); !partly { // then the rest has been read
			return nil, provider.Invalid("the body is not a webhook of Meta's", err)
		}
		b.fail(err)
	}
	if post.Object != "whatsapp_business_account" {
		return nil, provider.Invalid("the webhook is not about a WhatsApp business account", nil)
	}
	for _, entry := range post.Entry {
		for _, change := range entry.Changes {
			if change.Field == "messages" { // others tell about templates, calls and the account
				b.add(c, change.Value)
			}
		}
	}
	if b.broken > 0 {
		return b.receipts, provider.Invalid(fmt.Sprintf("%d parts of the webhook could not be read", b.broken), b.firstError)
	}
	return b.receipts, nil
}

// signed compares in constant time, before anything of the body is parsed.
func (c *Client) isSigned(header string, body []byte) bool {
	digest, found := strings.CutPrefix(header, "sha256=")
	signature, err := hex.DecodeString(digest)
	if !found || err != nil {
		return false
	}
	mac := hmac.New(sha256.New, c.appSecret)
	mac.Write(body)
	return hmac.Equal(signature, mac.Sum(nil))
}

// batch gathers what can be read: one broken status must not cost the others, which would not be sent again.
type receiptBatch struct {
	receipts   []backstop.Receipt
	broken     int
	firstError error // that broke something
}

func (b *receiptBatch) add(c *Client, raw json.RawMessage) {
	var value struct {
		Metadata struct {
			PhoneNumberID provider.Loose `json:"phone_number_id"`
		} `json:"metadata"`
		Statuses []json.RawMessage `json:"statuses"` // inbound messages stand beside them and are not ours to handle
	}
	if err := json.Unmarshal(raw, &value); err != nil {
		b.fail(err)
		return
	}
	number := string(value.Metadata.PhoneNumberID)
	for _, raw := range value.Statuses {
		receipt, err := c.receipt(raw)
		switch {
		case err != nil:
			b.fail(err)
		case receipt.Status != "" && (c.isOurs(number) || receipt.Ref != backstop.Ref{}):
			b.receipts = append(b.receipts, receipt)
		}
	}
}

// isOurs reports whether a status may be about our messages. One webhook reports on all numbers of an app, also those from which
// other systems send. A status with our reference counts with any number, because the number may have been changed.
func (c *Client) isOurs(phoneNumberID string) bool {
	return phoneNumberID == "" || phoneNumberID == c.phoneNumberID
}

func (b *receiptBatch) fail(err error) {
	b.broken++
	if b.firstError == nil {
		b.firstError = err
	}
}

// receipt reads one status. The receipt has no Status when the word, or the type of the status, says nothing about how far the
// message has come.
func (c *Client) receipt(raw json.RawMessage) (backstop.Receipt, error) {
	var report struct {
		ID        provider.Loose `json:"id"`
		Type      string         `json:"type"`
		Status    string         `json:"status"`
		Timestamp provider.Loose `json:"timestamp"`
		Ref       provider.Loose `json:"biz_opaque_callback_data"`
		Errors    apiErrors      `json:"errors"`
	}
	if err := json.Unmarshal(raw, &report); err != nil {
		if _, odd := errors.AsType[*json.UnmarshalTypeError](err); !odd { // a field of an odd type: the others have been read
			return backstop.Receipt{}, fmt.Errorf("read status: %w", err)
		}
	}
	if report.Type != "" && report.Type != "message" { // such as payment: its failed is the payment's, not the message's
		return backstop.Receipt{}, nil
	}
	if report.Status == "" || !provider.ValidMessageID(string(report.ID)) {
		return backstop.Receipt{}, errors.New("read status: its id or status is missing or too long")
	}
	receipt := backstop.Receipt{
		Provider:  c.Name(),
		Channel:   backstop.WhatsApp,
		MessageID: string(report.ID),
		Ref:       provider.Ref(string(report.Ref)),
		Status:    statusOf(report.Status),
		At:        timeOf(report.Timestamp, time.Now()),
	}
	if receipt.Status == backstop.Failed {
		receipt.Failure = c.poster.Undelivered(report.Errors.refusal())
	}
	return receipt, nil
}

// statusOf is empty for played, deleted and words that are not known here.
func statusOf(word string) backstop.Status {
	switch word {
	case "sent":
		return backstop.Sent
	case "delivered":
		return backstop.Delivered
	case "read":
		return backstop.Read
	case "failed":
		return backstop.Failed
	default:
		return ""
	}
}

// timeOf reads Unix seconds. A time that cannot be, more than a day ahead of now, becomes now.
func timeOf(l provider.Loose, now time.Time) time.Time {
	seconds, ok := l.Int()
	if !ok || seconds <= 0 || int64(seconds) > now.Add(24*time.Hour).Unix() {
		return now.UTC()
	}
	return time.Unix(int64(seconds), 0).UTC()
}
