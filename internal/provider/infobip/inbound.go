package infobip

import (
	"cmp"
	"encoding/json"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// inbound is a message of a person: an SMS (SmsMoReport) or a WhatsApp message (InboundMessagePushko).
type inbound struct {
	From    provider.Loose `json:"from"`
	To      provider.Loose `json:"to"`
	Text    provider.Loose `json:"text"`            // of an SMS, with the keyword
	Paired  provider.Loose `json:"pairedMessageId"` // our message that Infobip matched it with
	Message struct {
		Text    provider.Loose `json:"text"`
		Title   provider.Loose `json:"title"`   // of a tapped button or row
		Caption provider.Loose `json:"caption"` // of a picture, a video or a document
		Context struct {
			ID provider.Loose `json:"id"`
		} `json:"context"`
	} `json:"message"` // of WhatsApp
}

// readInbound parses an inbound message. It returns nil if the message is from no phone number.
func readInbound(raw json.RawMessage) *backstop.Inbound {
	var in inbound
	if decodeJSON(raw, &in) != nil {
		return nil
	}
	text := cmp.Or(in.Text, in.Message.Text, in.Message.Title, in.Message.Caption)
	replyTo := cmp.Or(in.Paired, in.Message.Context.ID)
	return provider.Inbound(string(in.From), string(in.To), string(text), string(replyTo))
}
