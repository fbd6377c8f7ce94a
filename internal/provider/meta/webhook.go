package meta

import (
	"cmp"
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

// Challenge returns the answer to the request with which Meta verifies the webhook's URL. If the verify token is wrong, it
// returns an Error with code Forged.
func (c *Client) Challenge(query url.Values) (string, error) {
	isVerified := false
	for _, token := range c.verifyTokens {
		isVerified = subtle.ConstantTimeCompare([]byte(query.Get("hub.verify_token")), []byte(token)) == 1 || isVerified
	}
	if query.Get("hub.mode") != "subscribe" || !isVerified {
		return "", provider.Forged("the verify token is wrong")
	}
	return query.Get("hub.challenge"), nil
}

// Receipts verifies the signature of the body and returns the statuses and the inbound messages in it. An Error with code Forged
// or Invalid says what is wrong. With code Invalid, Receipts also returns what could be read.
func (c *Client) Receipts(r *http.Request, body []byte) ([]backstop.Receipt, error) {
	signature := r.Header.Get("X-Hub-Signature-256")
	if !c.isSigned(signature, body) {
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
	b := receiptBatch{isSignedFor: func(other *Client) bool { return other.isSigned(signature, body) }}
	if err := json.Unmarshal(body, &post); err != nil {
		if _, partly := errors.AsType[*json.UnmarshalTypeError](err); !partly { // the other fields have been read
			return nil, provider.Invalid("the body is not a Meta webhook", err)
		}
		b.fail(err)
	}
	if post.Object != businessAccount {
		return nil, provider.Invalid("the webhook is not about a WhatsApp business account", nil)
	}
	for _, entry := range post.Entry {
		for _, change := range entry.Changes {
			if change.Field == "messages" || change.Field == "user_preferences" { // others: templates, calls and the account
				b.add(c, change.Value)
			}
		}
	}
	if b.broken > 0 {
		return b.receipts, provider.Invalid(fmt.Sprintf("%d parts of the webhook could not be read", b.broken), b.firstError)
	}
	return b.receipts, nil
}

// isSigned verifies the signature in constant time, before the body is parsed.
func (c *Client) isSigned(header string, body []byte) bool {
	digest, found := strings.CutPrefix(header, "sha256=")
	signature, err := hex.DecodeString(digest)
	if !found || err != nil {
		return false
	}
	isGenuine := false
	for _, secret := range c.appSecrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		isGenuine = hmac.Equal(signature, mac.Sum(nil)) || isGenuine
	}
	return isGenuine
}

// receiptBatch collects the receipts of a webhook. If one part is unreadable, the others still count.
type receiptBatch struct {
	isSignedFor func(*Client) bool // reports whether the webhook is of the app of another account

	receipts   []backstop.Receipt
	broken     int
	firstError error // the error of the first unreadable part
}

func (b *receiptBatch) add(c *Client, raw json.RawMessage) {
	var value struct {
		Metadata struct {
			DisplayNumber provider.Loose `json:"display_phone_number"`
			PhoneNumberID provider.Loose `json:"phone_number_id"`
		} `json:"metadata"`
		Statuses    []json.RawMessage `json:"statuses"`
		Messages    parts             `json:"messages"`
		Preferences parts             `json:"user_preferences"`
	}
	if err := json.Unmarshal(raw, &value); err != nil {
		b.fail(err)
		return
	}
	owner := b.ownerOf(string(value.Metadata.PhoneNumberID), c)
	for _, raw := range value.Statuses {
		receipt, err := c.readReceipt(raw)
		switch {
		case err != nil:
			b.fail(err)
		case receipt.Status == "" || owner == nil && receipt.Ref == backstop.Ref{}:
		default:
			if owner != nil {
				receipt.Account = owner.account
			}
			b.receipts = append(b.receipts, receipt)
		}
	}
	if owner == nil {
		return // nothing says that a person's message to another number is for us
	}
	to := string(cmp.Or(value.Metadata.DisplayNumber, value.Metadata.PhoneNumberID))
	b.addInbound(value.Messages, to, owner.readInbound)
	b.addInbound(value.Preferences, to, owner.readPreference)
}

// ownerOf returns the account of a number: the receiver of the webhook, or another account of the same app. One webhook reports
// about all numbers of an app, and other systems may use some of them: ownerOf returns nil for their numbers. add also accepts a
// status of such a number if it has a reference of ours, because the configured number may have changed.
func (b *receiptBatch) ownerOf(phoneNumberID string, receiver *Client) *Client {
	if phoneNumberID == "" || phoneNumberID == receiver.phoneNumberID {
		return receiver
	}
	if receiver.sibling == nil {
		return nil
	}
	other, isOpen := receiver.sibling("phone_number_id", phoneNumberID).(*Client)
	if !isOpen || !b.isSignedFor(other) {
		return nil
	}
	return other
}

// addInbound adds the receipts of what persons sent to one of our numbers.
func (b *receiptBatch) addInbound(list parts, to string, read func(raw json.RawMessage, to string) (*backstop.Receipt, error)) {
	for _, raw := range list {
		receipt, err := read(raw, to)
		switch {
		case err != nil:
			b.fail(err)
		case receipt != nil:
			b.receipts = append(b.receipts, *receipt)
		}
	}
}

func (b *receiptBatch) fail(err error) {
	b.broken++
	if b.firstError == nil {
		b.firstError = err
	}
}

// readReceipt parses one status. The receipt has an empty Status if the word or the type of the status does not describe a
// state of the message.
func (c *Client) readReceipt(raw json.RawMessage) (backstop.Receipt, error) {
	var report struct {
		ID        provider.Loose `json:"id"`
		Type      string         `json:"type"`
		Status    string         `json:"status"`
		Timestamp provider.Loose `json:"timestamp"`
		Ref       provider.Loose `json:"biz_opaque_callback_data"`
		Errors    apiErrors      `json:"errors"`
	}
	if err := json.Unmarshal(raw, &report); err != nil {
		if _, odd := errors.AsType[*json.UnmarshalTypeError](err); !odd { // else only a field of an unexpected type is missing
			return backstop.Receipt{}, fmt.Errorf("read status: %w", err)
		}
	}
	if report.Type != "" && report.Type != "message" { // such as payment: its failed is about the payment
		return backstop.Receipt{}, nil
	}
	if report.Status == "" || !provider.ValidMessageID(string(report.ID)) {
		return backstop.Receipt{}, errors.New("read status: its id or status is missing or too long")
	}
	receipt := backstop.Receipt{
		Provider:  name,
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

// statusOf returns the status for a word of Meta's. It returns "" for played, deleted and unknown words.
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

// timeOf reads Unix seconds. An impossible time (unreadable, or more than a day after now) becomes now.
func timeOf(l provider.Loose, now time.Time) time.Time {
	seconds, ok := l.Int()
	if !ok || seconds <= 0 || int64(seconds) > now.Add(24*time.Hour).Unix() {
		return now.UTC()
	}
	return time.Unix(int64(seconds), 0).UTC()
}
