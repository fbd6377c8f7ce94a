package twilio

import (
	"context"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// contentSID matches the id of a content template.
var contentSID = regexp.MustCompile(`^HX[0-9a-fA-F]{32}$`)

// SendWhatsApp sends a text or a template. Every error is a *backstop.Failure.
func (c *Client) SendWhatsApp(ctx context.Context, m backstop.WhatsAppMessage) (backstop.Submission, error) {
	form := url.Values{"To": {whatsAppPrefix + m.To}, "From": {whatsAppPrefix + c.whatsAppSender}}
	switch {
	case m.Template == nil && m.Text != "":
		form.Set("Body", m.Text)
	case m.Template != nil && m.Text == "":
		if err := c.setContent(form, *m.Template); err != nil {
			return backstop.Submission{}, err
		}
	default:
		return backstop.Submission{}, invalidMessage("the message must have either a text or a template")
	}
	return c.createMessage(ctx, m.Ref, form)
}

// setContent sets the content template and its variables. At Twilio a template has an id of its own, which the account's settings
// name.
func (c *Client) setContent(form url.Values, t backstop.Template) error {
	sid, known := c.contentSIDs[t.Name+"/"+t.Language]
	if !known {
		sid, known = c.contentSIDs[t.Name]
	}
	if !known {
		return invalidMessage("the account's content_sids have no template of this name")
	}
	variables, err := provider.BodyParameters(t.Components)
	if err != nil {
		return invalidMessage(err.Error())
	}
	form.Set("ContentSid", sid)
	if len(variables) > 0 {
		encoded, err := json.Marshal(variables)
		if err != nil {
			return invalidMessage("the template's parameters cannot be written as JSON")
		}
		form.Set("ContentVariables", string(encoded))
	}
	return nil
}

func invalidMessage(reason string) *backstop.Failure {
	return &backstop.Failure{Kind: backstop.Rejected, Class: backstop.TemplateFault, Reason: reason}
}

// checkSender checks the sender of a WhatsApp account.
func checkSender(channel backstop.Channel, sender string) error {
	if channel != backstop.WhatsApp {
		return nil
	}
	return provider.CheckText("whatsapp_sender", sender)
}

// parseContents reads the setting that names the content template of each template.
func parseContents(setting string) (map[string]string, error) {
	contents := map[string]string{}
	fault := &provider.FieldError{Field: "content_sids", Reason: `must be a JSON object like {"order_ready/en": "HX..."}`}
	if strings.TrimSpace(setting) != "" && json.Unmarshal([]byte(setting), &contents) != nil {
		return nil, fault
	}
	for name, sid := range contents {
		if !contentSID.MatchString(sid) {
			fault.Reason = "must have a content SID of HX and 32 hexadecimal digits for " + name
			return nil, fault
		}
	}
	return contents, nil
}
