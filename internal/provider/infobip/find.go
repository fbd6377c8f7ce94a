package infobip

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// logsKept is how far back Infobip's logs reach.
const logsKept = 48 * time.Hour

// logEntry is a message in Infobip's logs (SmsLogSmsMessageContent), with the fields that the driver uses.
type logEntry struct {
	MessageID provider.Loose `json:"messageId"`
	Parts     provider.Loose `json:"messageCount"`
	Status    messageStatus  `json:"status"`
	Error     messageError   `json:"error"`
}

// Find returns Infobip's status of an SMS, or nil if Infobip has no such message. Every error is a *backstop.Failure:
// Unavailable and Throttled may be retried later, Rejected needs an operator, and Unknown means that the logs do not reach back
// to the message.
//
// The message's id is the reference that went out with it, so the search needs no other field. The logs are read, not the
// reports: Infobip gives each report once, either to the webhook or to a reader.
func (c *SMS) Find(ctx context.Context, q backstop.Inquiry) (*backstop.Found, error) {
	id := cmp.Or(q.MessageID, q.Ref.String())
	answer, err := c.poster.Get(ctx, c.address("/sms/3/logs")+"?"+url.Values{"messageId": {id}}.Encode(), c.header)
	if err != nil {
		return nil, err
	}
	if !answer.Accepted() {
		return nil, c.lookupFailure(answer)
	}
	var log struct {
		Results *[]logEntry `json:"results"`
	}
	if decodeJSON(answer.Body, &log) != nil || log.Results == nil {
		return nil, unreadableLog()
	}
	return c.foundIn(*log.Results, id, q.Since)
}

// foundIn returns the message that the entries are about. A refused repeat may have an entry of its own, which says nothing
// about the message.
func (c *SMS) foundIn(entries []logEntry, id string, since time.Time) (*backstop.Found, error) {
	var found *backstop.Found
	for _, entry := range entries {
		switch {
		case string(entry.MessageID) != id || entry.Status.isEmpty():
			return nil, unreadableLog()
		case entry.Status.isDuplicate(entry.Error):
		case found == nil:
			found = c.foundMessage(entry)
		default:
			return nil, &backstop.Failure{Kind: backstop.Unknown, Reason: "several messages have this id"}
		}
	}
	if found == nil && (len(entries) > 0 || time.Since(since) > logsKept) {
		return nil, &backstop.Failure{Kind: backstop.Unknown, Reason: "the logs do not reach back to the message"}
	}
	return found, nil
}

func (c *SMS) foundMessage(entry logEntry) *backstop.Found {
	found := &backstop.Found{
		MessageID: string(entry.MessageID),
		Status:    cmp.Or(entry.Status.status(), backstop.Submitted),
		Segments:  partsOf(entry.Parts),
	}
	if found.Status == backstop.Failed {
		found.Failure = c.poster.Undelivered(entry.Status.refusal(entry.Error))
	}
	return found
}

// lookupFailure returns the failure of a request that sends nothing: an Unknown failure becomes Unavailable and may be retried.
func (c *Client) lookupFailure(answer provider.Answer) *backstop.Failure {
	failure := c.poster.Refused(answer, readRefusal(answer.Body))
	if failure.Kind == backstop.Unknown {
		failure.Kind = backstop.Unavailable
	}
	return failure
}

func unreadableLog() *backstop.Failure {
	return &backstop.Failure{Kind: backstop.Unavailable, Reason: "the answer is not readable"}
}

// Check asks for the newest log. It needs the rights of the key that Find needs.
func (c *SMS) Check(ctx context.Context) error {
	_, err := c.check(ctx, c.address("/sms/3/logs")+"?limit=1")
	return err
}

// Check asks for the quality of the sender, which Infobip answers only for senders of the account.
func (c *WhatsApp) Check(ctx context.Context) error {
	query := url.Values{"senders": {c.sender}}
	body, err := c.check(ctx, c.address("/whatsapp/1/senders/quality")+"?"+query.Encode())
	if err != nil {
		return err
	}
	var quality struct {
		Results *[]struct {
			Sender provider.Loose `json:"sender"`
		} `json:"results"`
	}
	if decodeJSON(body, &quality) != nil || quality.Results == nil {
		return unreadableLog()
	}
	for _, known := range *quality.Results {
		if digits(string(known.Sender)) == c.sender {
			return nil
		}
	}
	return &provider.FieldError{Field: "sender", Reason: "is not a WhatsApp sender of this Infobip account"}
}

// check makes a GET request that changes nothing, and returns the body of its answer.
func (c *Client) check(ctx context.Context, target string) ([]byte, error) {
	answer, err := c.poster.Get(ctx, target, c.header)
	if err != nil {
		return nil, err
	}
	switch {
	case answer.Accepted():
		return answer.Body, nil
	case answer.Status == http.StatusUnauthorized:
		return nil, &provider.FieldError{Field: "api_key", Reason: "is not accepted by Infobip"}
	case answer.Status == http.StatusForbidden:
		return nil, &provider.FieldError{Field: "api_key", Reason: "has too few scopes, or does not allow this IP address"}
	case answer.Status == http.StatusNotFound:
		return nil, &provider.FieldError{Field: "base_url", Reason: "is not the address of Infobip's API"}
	default:
		return nil, c.lookupFailure(answer)
	}
}
