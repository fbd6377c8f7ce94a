package meta

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// parts is a list of which each element is read on its own. JSON that is no list has no elements, so an odd list does not make
// the lists beside it unreadable.
type parts []json.RawMessage

// UnmarshalJSON never fails.
func (p *parts) UnmarshalJSON(raw []byte) error {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = nil
	}
	*p = list
	return nil
}

// inboundMessage is a message of a person, with the fields that the driver uses.
type inboundMessage struct {
	ID        provider.Loose `json:"id"`
	From      provider.Loose `json:"from"` // missing if the person is known by a user id only
	Timestamp provider.Loose `json:"timestamp"`
	Type      provider.Loose `json:"type"`
	Context   struct {
		ID provider.Loose `json:"id"` // the message that the person answers, or whose button the person tapped
	} `json:"context"`
	Text struct {
		Body provider.Loose `json:"body"`
	} `json:"text"`
	Button struct {
		Text provider.Loose `json:"text"`
	} `json:"button"`
	Interactive struct {
		ButtonReply inboundChoice `json:"button_reply"`
		ListReply   inboundChoice `json:"list_reply"`
	} `json:"interactive"`
}

type inboundChoice struct {
	Title provider.Loose `json:"title"`
}

// text returns the words of the person: a text, or the label of a tapped button or row. Other types have none.
func (m inboundMessage) text() string {
	switch m.Type {
	case "text":
		return string(m.Text.Body)
	case "button":
		return string(m.Button.Text)
	case "interactive":
		return string(m.Interactive.ButtonReply.Title + m.Interactive.ListReply.Title) // one of them is empty
	default:
		return ""
	}
}

// readInbound parses a message of a person. It returns nil for a person without a phone number, and for a notice of the system
// (a person has a new number).
func (c *Client) readInbound(raw json.RawMessage, to string) (*backstop.Receipt, error) {
	var m inboundMessage
	if err := decodeParts(raw, &m); err != nil {
		return nil, fmt.Errorf("read inbound message: %w", err)
	}
	if !provider.ValidMessageID(string(m.ID)) {
		return nil, errors.New("read inbound message: its id is missing or too long")
	}
	in := provider.Inbound(string(m.From), to, m.text(), string(m.Context.ID))
	if in == nil || m.Type == "system" {
		return nil, nil //nolint:nilnil // nil: there is nothing to report
	}
	return c.inboundReceipt(string(m.ID), timeOf(m.Timestamp, time.Now()), in), nil
}

// readPreference parses a change of a person's preference: whether the person wants marketing messages of this business. It has
// no text and no id, so the receipt gets an id that is the same each time Meta sends the change.
func (c *Client) readPreference(raw json.RawMessage, to string) (*backstop.Receipt, error) {
	var p struct {
		WAID      provider.Loose `json:"wa_id"`
		Category  provider.Loose `json:"category"`
		Value     provider.Loose `json:"value"`
		Timestamp provider.Loose `json:"timestamp"`
	}
	if err := decodeParts(raw, &p); err != nil {
		return nil, fmt.Errorf("read user preference: %w", err)
	}
	in := provider.Inbound(string(p.WAID), to, "", "")
	if in == nil || p.Category != "" && p.Category != "marketing_messages" {
		return nil, nil //nolint:nilnil // nil: there is nothing to report
	}
	in.Category = backstop.Marketing
	switch p.Value {
	case "stop":
		in.Keyword = backstop.StopKeyword
	case "resume":
		in.Keyword = backstop.StartKeyword
	default:
		return nil, nil //nolint:nilnil // nil: there is nothing to report
	}
	digest := sha256.Sum256([]byte(in.From + " " + to + " " + string(p.Value) + " " + string(p.Timestamp)))
	return c.inboundReceipt("preference-"+hex.EncodeToString(digest[:16]), timeOf(p.Timestamp, time.Now()), in), nil
}

func (c *Client) inboundReceipt(id string, at time.Time, in *backstop.Inbound) *backstop.Receipt {
	return &backstop.Receipt{Provider: name, Account: c.account, Channel: backstop.WhatsApp, MessageID: id, At: at, Inbound: in}
}

// decodeParts parses a JSON object. A field of an unexpected type stays empty and the other fields are read. Anything but an
// object is an error.
func decodeParts(raw json.RawMessage, into any) error {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return err //nolint:wrapcheck // the caller wraps it
	}
	if object == nil {
		return errors.New("it is null")
	}
	err := json.Unmarshal(raw, into)
	if _, odd := errors.AsType[*json.UnmarshalTypeError](err); odd {
		return nil
	}
	return err //nolint:wrapcheck // the caller wraps it
}
