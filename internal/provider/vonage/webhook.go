package vonage

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// Receipts verifies the token of a webhook and returns its receipt: a status or an inbound message. It returns no receipt if the
// webhook is about the other channel, or if its status is not known. An Error with code Forged or Invalid says what is wrong. A
// webhook without a token is Forged, so Vonage repeats it.
func (c *Client) Receipts(r *http.Request, body []byte) ([]backstop.Receipt, error) {
	if !isSigned(r.Header.Get("Authorization"), body, c.secrets) {
		return nil, provider.Forged("the token is missing or wrong")
	}
	var hook webhook
	if err := decodeJSON(body, &hook); err != nil {
		return nil, provider.Invalid("the body is not a Vonage webhook", err)
	}
	if !provider.ValidMessageID(string(hook.ID)) || hook.Status == "" && hook.MessageType == "" {
		return nil, provider.Invalid("message_uuid or status is missing or too long", nil)
	}
	if hook.Channel != "" && string(hook.Channel) != string(c.channel) {
		return nil, nil // the application's webhooks carry both channels
	}
	receipt := backstop.Receipt{
		Provider: name, Account: c.account, Channel: c.channel, MessageID: string(hook.ID),
		At: timeOf(hook.Timestamp, time.Now()),
	}
	if hook.Status == "" {
		receipt.Inbound = hook.inbound()
		if receipt.Inbound == nil {
			return nil, nil
		}
		return []backstop.Receipt{receipt}, nil
	}
	receipt.Ref, receipt.Status = provider.Ref(string(hook.ClientRef)), statusOf(string(hook.Status))
	if receipt.Status == backstop.Failed {
		refusal := hook.Error.refusal()
		if refusal.Code == codeSentBefore {
			return nil, nil // it says nothing about the message that was sent before
		}
		receipt.Failure = c.poster.Undelivered(refusal)
	}
	if receipt.Status == "" {
		return nil, nil
	}
	return []backstop.Receipt{receipt}, nil
}

// webhook is a status or an inbound message.
type webhook struct {
	ID        provider.Loose `json:"message_uuid"`
	Channel   provider.Loose `json:"channel"`
	Timestamp provider.Loose `json:"timestamp"` // ISO 8601

	Status    provider.Loose `json:"status"`
	ClientRef provider.Loose `json:"client_ref"`
	Error     apiError       `json:"error"`

	MessageType provider.Loose `json:"message_type"`
	From        provider.Loose `json:"from"`
	To          provider.Loose `json:"to"`
	Text        provider.Loose `json:"text"`
	Reply       struct {
		Title provider.Loose `json:"title"`
	} `json:"reply"` // a tapped button or row of an interactive message
	Button struct {
		Text provider.Loose `json:"text"`
	} `json:"button"` // a tapped quick reply of a template
	Image   caption `json:"image"`
	Video   caption `json:"video"`
	File    caption `json:"file"`
	Context struct {
		ID provider.Loose `json:"message_uuid"`
	} `json:"context"` // the message that this one answers
}

type caption struct {
	Text provider.Loose `json:"caption"`
}

func (h webhook) inbound() *backstop.Inbound {
	text := cmp.Or(h.Text, h.Reply.Title, h.Button.Text, h.Image.Text, h.Video.Text, h.File.Text)
	return provider.Inbound(string(h.From), string(h.To), string(text), string(h.Context.ID))
}

// statusOf returns the status for a word of Vonage's, or "" for unknown words. Submitted means that Vonage has passed the message
// on, to the carrier or to WhatsApp.
func statusOf(word string) backstop.Status {
	switch word {
	case "submitted":
		return backstop.Sent
	case "delivered":
		return backstop.Delivered
	case "read":
		return backstop.Read
	case "rejected", "undeliverable":
		return backstop.Failed
	default:
		return ""
	}
}

// timeOf reads a time. An impossible time (unreadable, before 1970, or more than a day after now) becomes now.
func timeOf(text provider.Loose, now time.Time) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05 -0700"} {
		at, err := time.Parse(layout, string(text))
		if err == nil && at.Unix() > 0 && at.Before(now.Add(24*time.Hour)) {
			return at.UTC()
		}
	}
	return now.UTC()
}

// decodeJSON parses JSON. A field of an unexpected type stays empty and the other fields are read. A body that is not JSON is an
// error.
func decodeJSON(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	if _, odd := errors.AsType[*json.UnmarshalTypeError](err); odd {
		return nil
	}
	return err //nolint:wrapcheck // the text of the error is not used, because it quotes the answer
}
