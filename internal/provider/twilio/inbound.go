package twilio

import (
	"net/url"
	"strings"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// whatsAppPrefix begins the addresses of WhatsApp.
const whatsAppPrefix = "whatsapp:"

// isInbound reports whether a callback is a message of a person: it has a text, which may be empty, and no status of a message
// of ours (manual, "Twilio's request to your incoming message Webhook URL").
func isInbound(form url.Values) bool { return form.Has("Body") && !form.Has("MessageStatus") }

// readInbound returns the receipt of an inbound message, or none for a message to another account or from a sender that is no
// phone number, such as a short code.
func (c *Client) readInbound(form url.Values) ([]backstop.Receipt, error) {
	id := form.Get("MessageSid")
	if !provider.ValidMessageID(id) {
		return nil, provider.Invalid("MessageSid is missing or too long", nil)
	}
	if c.isOfAnother(form) {
		return nil, nil
	}
	from, isWhatsApp := strings.CutPrefix(form.Get("From"), whatsAppPrefix)
	if isWhatsApp != (c.channel == backstop.WhatsApp) {
		return nil, provider.Invalid("the inbound message came by another channel than that of this account", nil)
	}
	to := strings.TrimPrefix(form.Get("To"), whatsAppPrefix)
	in := provider.Inbound(from, to, form.Get("Body"), form.Get("OriginalRepliedMessageSid"))
	if in == nil {
		return nil, nil
	}
	in.Keyword = keywordOf(form.Get("OptOutType"), *in)
	receipt := c.newReceipt(id)
	receipt.Inbound = in
	return []backstop.Receipt{receipt}, nil
}

// keywordOf returns what an inbound message asks for. With Advanced Opt-Out, Twilio itself says so in OptOutType, for words of
// any language. Without it, Twilio acts upon its default words, to which YES belongs, and the text alone says which it is.
func keywordOf(optOutType string, in backstop.Inbound) backstop.Keyword {
	switch strings.ToUpper(optOutType) {
	case "STOP":
		return backstop.StopKeyword
	case "START":
		return backstop.StartKeyword
	case "HELP":
		return ""
	}
	if strings.EqualFold(strings.TrimSpace(in.Text), "YES") {
		return backstop.StartKeyword
	}
	return in.Keyword
}
