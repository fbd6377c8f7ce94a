package alibaba

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/mail"
	"strings"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// WebhookAnswer is the answer that Alibaba Cloud expects, or it repeats the receipts. The manual prints it for SMS only.
func (c *Client) WebhookAnswer() (contentType string, body []byte) {
	return "application/json", []byte(`{"code":0,"msg":"ok"}`)
}

// report is a receipt or an inbound message, with the fields that the driver uses. Receipts of SMS have no Timestamp, those of
// WhatsApp no ReceiveDate.
type report struct {
	MessageID        provider.Loose  `json:"MessageId"`
	TaskID           provider.Loose  `json:"TaskId"` // our reference
	Status           provider.Loose  `json:"Status"`
	ErrorCode        provider.Loose  `json:"ErrorCode"`
	ErrorDescription provider.Loose  `json:"ErrorDescription"`
	ReceiveDate      provider.Loose  `json:"ReceiveDate"` // RFC 2822
	Timestamp        provider.Loose  `json:"Timestamp"`   // milliseconds
	From             provider.Loose  `json:"From"`
	OriginNumber     provider.Loose  `json:"OriginPhoneNumber"`
	To               provider.Loose  `json:"To"`
	Type             provider.Loose  `json:"Type"`
	Text             json.RawMessage `json:"Message"` // of an inbound message: a text, or the JSON of another type
}

// Receipts returns the receipts and the inbound messages in a webhook. Alibaba Cloud signs nothing: the API has compared the
// secret in the address. With an Error of code Invalid, Receipts also returns what could be read.
func (c *Client) Receipts(_ *http.Request, body []byte) ([]backstop.Receipt, error) {
	list, err := readList(body)
	if err != nil {
		return nil, provider.Invalid("the body is not a list of receipts", err)
	}
	var receipts []backstop.Receipt
	var broken int
	var first error
	now := time.Now()
	for _, raw := range list {
		receipt, err := c.readReport(raw, now)
		switch {
		case err != nil:
			broken, first = broken+1, cmp.Or(first, err)
		case receipt != nil:
			receipts = append(receipts, *receipt)
		}
	}
	if broken > 0 {
		return receipts, provider.Invalid(fmt.Sprintf("%d parts of the webhook could not be read", broken), first)
	}
	return receipts, nil
}

// readList splits a webhook into its reports. A single report without a list around it is read too.
func readList(body []byte) ([]json.RawMessage, error) {
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		body = bytes.Join([][]byte{[]byte("["), body, []byte("]")}, nil)
	}
	var list []json.RawMessage
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("read list: %w", err)
	}
	if len(list) == 0 {
		return nil, errors.New("read list: it is empty")
	}
	return list, nil
}

// readReport parses one report. It returns nil if there is nothing to tell.
func (c *Client) readReport(raw json.RawMessage, now time.Time) (*backstop.Receipt, error) {
	var r report
	if err := json.Unmarshal(raw, &r); err != nil {
		if _, odd := errors.AsType[*json.UnmarshalTypeError](err); !odd {
			return nil, fmt.Errorf("read report: %w", err)
		}
	}
	isInbound := c.channel == backstop.WhatsApp && r.Status == "" && len(r.Text) > 0
	if !provider.ValidMessageID(string(r.MessageID)) || r.Status == "" && !isInbound {
		return nil, errors.New("read report: its id or status is missing or too long")
	}
	receipt := &backstop.Receipt{
		Provider: name, Account: c.account, Channel: c.channel, MessageID: string(r.MessageID), At: r.at(now),
	}
	if isInbound {
		receipt.Inbound = r.inbound()
		if receipt.Inbound == nil || !c.isSender(r.To) {
			return nil, nil //nolint:nilnil // nil: it is not from a person, or not to this number
		}
		return receipt, nil
	}
	receipt.Ref = provider.Ref(string(r.TaskID))
	if c.channel == backstop.WhatsApp && !c.isSender(r.From, r.OriginNumber) {
		if receipt.Ref == (backstop.Ref{}) {
			return nil, nil //nolint:nilnil // nil: another number has sent it, and the reference is not ours
		}
		receipt.Account = ""
	}
	receipt.Status = c.statusOf(string(r.Status))
	if receipt.Status == "" {
		return nil, nil //nolint:nilnil // nil: the word says nothing about the message
	}
	if receipt.Status == backstop.Failed {
		receipt.Failure = c.undeliveredFailure(string(r.Status), string(r.ErrorCode), string(r.ErrorDescription))
	}
	return receipt, nil
}

// isSender reports whether one of the numbers is that of this account, or none is given. The manual has numbers with a plus and
// without.
func (c *Client) isSender(numbers ...provider.Loose) bool {
	isGiven := false
	for _, number := range numbers {
		if strings.TrimPrefix(string(number), "+") == c.sender {
			return true
		}
		isGiven = isGiven || number != ""
	}
	return !isGiven
}

// statusOf returns the status for a word, or "" for words that say nothing about the message, such as Deleted.
func (c *Client) statusOf(word string) backstop.Status {
	if c.channel == backstop.SMS {
		return smsStatus(word)
	}
	switch word {
	case "Sent":
		return backstop.Sent
	case "Delivered":
		return backstop.Delivered
	case "Read":
		return backstop.Read
	case "Failed":
		return backstop.Failed
	default:
		return ""
	}
}

// at returns the time of a report. An impossible time (unreadable, or more than a day after now) becomes now.
func (r report) at(now time.Time) time.Time {
	at, err := mail.ParseDate(string(r.ReceiveDate))
	if ms, ok := r.Timestamp.Int(); ok {
		at, err = time.UnixMilli(int64(ms)), nil
	}
	if err != nil || at.Unix() <= 0 || at.After(now.Add(24*time.Hour)) {
		at = now
	}
	return at.UTC()
}

// inbound returns a message of a person, or nil if the sender is no phone number, or the message is a notice of the system.
func (r report) inbound() *backstop.Inbound {
	if r.Type == "SYSTEM" {
		return nil
	}
	return provider.Inbound(string(r.From), string(r.To), r.text(), "")
}

// text returns the words of a person: a text, or the label of a tapped button. Other types have none. Their Message is JSON,
// which the manual has as a text and as an object.
func (r report) text() string {
	var text provider.Loose
	_ = text.UnmarshalJSON(r.Text) // it never fails
	switch r.Type {
	case "TEXT":
		return string(text)
	case "REPLY":
		var reply struct {
			Text provider.Loose `json:"text"`
		}
		if json.Unmarshal(r.Text, &reply) != nil {
			_ = json.Unmarshal([]byte(text), &reply) // without a label the message has no text
		}
		return string(reply.Text)
	default:
		return ""
	}
}
