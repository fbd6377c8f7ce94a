package alibaba

import (
	"context"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// SendWhatsApp sends a text or a template. Every error is a *backstop.Failure.
func (c *Client) SendWhatsApp(ctx context.Context, m backstop.WhatsAppMessage) (backstop.Submission, error) {
	parameters := url.Values{
		"ChannelType": {"whatsapp"},
		"From":        {c.sender},
		"To":          {strings.TrimPrefix(m.To, "+")},
		"TaskId":      {m.Ref.String()},
	}
	if c.spaceID != "" {
		parameters.Set("CustSpaceId", c.spaceID)
	}
	switch {
	case m.Template == nil && m.Text != "":
		parameters.Set("Type", "message")
		parameters.Set("MessageType", "text")
		parameters.Set("Content", encode(map[string]string{"text": m.Text}))
	case m.Template != nil && m.Text == "":
		if err := c.setTemplate(parameters, *m.Template); err != nil {
			return backstop.Submission{}, err
		}
	default:
		return backstop.Submission{}, invalidMessage("the message must have either a text or a template")
	}
	raw, err := c.call(ctx, "SendChatappMessage", parameters)
	if err != nil {
		return backstop.Submission{}, err
	}
	return c.submission(raw)
}

// setTemplate sets a template by its code, if the account's settings name it, else by its name. The manual does not say how the
// parameters of a template that was made at Meta are called: the driver sends Meta's names, or the positions from "1".
func (c *Client) setTemplate(parameters url.Values, t backstop.Template) error {
	values, err := provider.BodyParameters(t.Components)
	if err != nil {
		return invalidMessage(err.Error())
	}
	parameters.Set("Type", "template")
	parameters.Set("Language", t.Language)
	code, known := c.templateCodes[t.Name+"/"+t.Language]
	if !known {
		code, known = c.templateCodes[t.Name]
	}
	if known {
		parameters.Set("TemplateCode", code)
	} else {
		parameters.Set("TemplateName", t.Name)
	}
	if len(values) > 0 {
		parameters.Set("TemplateParams", encode(values))
	}
	return nil
}

// encode writes texts as JSON, which cannot fail.
func encode(texts map[string]string) string {
	encoded, err := json.Marshal(texts)
	if err != nil {
		panic(err)
	}
	return string(encoded)
}

func invalidMessage(reason string) *backstop.Failure {
	return &backstop.Failure{Kind: backstop.Rejected, Class: backstop.TemplateFault, Reason: reason}
}

// templateCode matches the code of a template.
var templateCode = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// parseTemplateCodes reads the setting that names the code of each template.
func parseTemplateCodes(setting string) (map[string]string, error) {
	codes := map[string]string{}
	fault := &provider.FieldError{Field: "template_codes", Reason: `must be a JSON object like {"order_ready/en": "1119..."}`}
	if strings.TrimSpace(setting) != "" && json.Unmarshal([]byte(setting), &codes) != nil {
		return nil, fault
	}
	for name, code := range codes {
		if !templateCode.MatchString(code) {
			fault.Reason = "must have a code of letters and digits for " + name
			return nil, fault
		}
	}
	return codes, nil
}
