package twilio

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/mail"
	"strings"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// message is Twilio's message resource, with the fields that the driver uses (twilio_api_v2010, api.v2010.account.message).
type message struct {
	SID          string         `json:"sid"`
	Status       string         `json:"status"`
	Direction    string         `json:"direction"`
	From         string         `json:"from"`
	Service      string         `json:"messaging_service_sid"`
	Body         string         `json:"body"`
	Created      string         `json:"date_created"` // RFC 2822, whole seconds
	Segments     provider.Loose `json:"num_segments"` // a number in quotes
	ErrorCode    provider.Loose `json:"error_code"`   // a number or null
	ErrorMessage provider.Loose `json:"error_message"`
}

// decodeJSON parses JSON. A field of an unexpected type stays empty and the other fields are read. A body that is not JSON is
// an error.
func decodeJSON(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	if _, odd := errors.AsType[*json.UnmarshalTypeError](err); odd {
		return nil
	}
	return err //nolint:wrapcheck // the text of the error is not used, because it quotes the answer
}

// segments returns Twilio's number of segments, or 0 if Twilio has not counted them yet, as for a message of a messaging service
// that is still accepted, or if the number is impossible.
// Twilio's longest text, 1600 characters, has at most 24 segments.
func (m message) segments() int {
	n, ok := m.Segments.Int()
	if !ok || n < 0 || n > 24 {
		return 0
	}
	return n
}

// created returns the time at which Twilio created the message, or the zero time if the date is missing or unreadable.
func (m message) created() time.Time {
	at, err := mail.ParseDate(m.Created)
	if err != nil {
		return time.Time{}
	}
	return at
}

// sentBy reports whether the message has this sender. The id of a messaging service is compared with
// messaging_service_sid, any other sender with from.
func (m message) sentBy(sendID string) bool {
	if messagingService.MatchString(sendID) {
		return strings.EqualFold(m.Service, sendID)
	}
	return strings.EqualFold(m.From, sendID)
}

// foundMessage returns a message with the status that a callback would report. If statusOf returns no status for the word
// (queued, accepted, scheduled, sending), the status is Submitted: Twilio has the message.
func (c *Client) foundMessage(m message) *backstop.Found {
	found := &backstop.Found{MessageID: m.SID, Status: cmp.Or(statusOf(m.Status), backstop.Submitted), Segments: m.segments()}
	if found.Status == backstop.Failed {
		found.Failure = c.undeliveredFailure(m.Status, m.ErrorCode, string(m.ErrorMessage))
	}
	return found
}
