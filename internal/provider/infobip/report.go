package infobip

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// Receipts returns the receipts of a webhook: delivery reports, seen reports and inbound messages, in any mix. Infobip signs
// nothing; the caller has verified the key in the path. An Error with code Invalid says what could not be read. Receipts then
// also returns the others.
func (c *Client) Receipts(_ *http.Request, body []byte) ([]backstop.Receipt, error) {
	var post struct {
		Results *[]json.RawMessage `json:"results"`
	}
	if err := json.Unmarshal(body, &post); err != nil || post.Results == nil {
		return nil, provider.Invalid("the body is not an Infobip report", err)
	}
	var receipts []backstop.Receipt
	var firstError error
	broken := 0
	for _, raw := range *post.Results {
		receipt, err := c.readReceipt(raw)
		switch {
		case err != nil:
			broken++
			firstError = cmp.Or(firstError, err)
		case receipt.Status != "" || receipt.Inbound != nil:
			receipts = append(receipts, receipt)
		}
	}
	if broken > 0 {
		return receipts, provider.Invalid(fmt.Sprintf("%d parts of the webhook could not be read", broken), firstError)
	}
	return receipts, nil
}

// report is an entry of a webhook. Its fields say which kind it is: a delivery report has a status, a seen report has seenAt, an
// inbound message has receivedAt.
type report struct {
	MessageID    provider.Loose `json:"messageId"`
	CallbackData provider.Loose `json:"callbackData"` // not in a seen report
	Status       messageStatus  `json:"status"`
	Error        messageError   `json:"error"`
	SentAt       provider.Loose `json:"sentAt"`
	DoneAt       provider.Loose `json:"doneAt"`
	SeenAt       provider.Loose `json:"seenAt"`
	ReceivedAt   provider.Loose `json:"receivedAt"`
}

// readReceipt parses one entry. The receipt is empty if the entry says nothing about a message of ours.
func (c *Client) readReceipt(raw json.RawMessage) (backstop.Receipt, error) {
	var r report
	if err := decodeJSON(raw, &r); err != nil {
		return backstop.Receipt{}, err
	}
	if !provider.ValidMessageID(string(r.MessageID)) {
		return backstop.Receipt{}, errors.New("read report: its id is missing or too long")
	}
	receipt := backstop.Receipt{
		Provider:  name,
		Account:   c.account,
		Channel:   c.channel,
		MessageID: string(r.MessageID),
		Ref:       provider.Ref(string(r.CallbackData)),
	}
	if receipt.Ref == (backstop.Ref{}) {
		receipt.Ref = provider.Ref(string(r.MessageID)) // the id is our reference too
	}
	now := time.Now()
	switch {
	case !r.Status.isEmpty():
		c.readDelivery(&receipt, r, now)
	case r.SeenAt != "":
		receipt.Status, receipt.At = backstop.Read, timeOf(now, r.SeenAt)
	case r.ReceivedAt != "":
		receipt.Ref = backstop.Ref{} // the callbackData of an inbound message belongs to another message, or to the number
		receipt.At, receipt.Inbound = timeOf(now, r.ReceivedAt), readInbound(raw)
	default:
		return backstop.Receipt{}, errors.New("read report: it has no status")
	}
	return receipt, nil
}

func (c *Client) readDelivery(receipt *backstop.Receipt, r report, now time.Time) {
	if r.Status.isDuplicate(r.Error) {
		return // the report is about a refused repeat
	}
	receipt.Status, receipt.At = r.Status.status(), timeOf(now, r.DoneAt, r.SentAt)
	if receipt.Status == backstop.Failed {
		receipt.Failure = c.poster.Undelivered(r.Status.refusal(r.Error))
	}
}

// timeLayout is the form of Infobip's times, like 2026-01-31T10:00:00.000+0000. The fraction may be absent.
const timeLayout = "2006-01-02T15:04:05-0700"

// timeOf reads the first time that is possible: not before 1970 and not more than a day after now. Else the time is now.
func timeOf(now time.Time, texts ...provider.Loose) time.Time {
	for _, text := range texts {
		for _, layout := range []string{timeLayout, time.RFC3339} {
			at, err := time.Parse(layout, string(text))
			if err == nil && at.Unix() > 0 && at.Before(now.Add(24*time.Hour)) {
				return at.UTC()
			}
		}
	}
	return now.UTC()
}
