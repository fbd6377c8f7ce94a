package api

import (
	"encoding/json"
	"fmt"

	"github.com/backstophq/backstop"
)

// contentFrom returns the content of a send as its caller gives it.
func contentFrom(in SendInput) (backstop.Content, error) {
	content := backstop.Content{
		Text: orZero(in.Whatsapp.Text), SMSText: in.Fallback.Text,
		IsPattern: in.Variables != nil, Variables: backstop.Variables(orZero(in.Variables)),
		MaxSegments: orZero(in.Fallback.MaxSegments), Transliterates: orZero(in.Fallback.Transliterate),
	}
	var err error
	content.Template, err = templateFrom(in.Whatsapp.Template)
	return content, err
}

// templateFrom returns the template of a request. The domain's type has the same form in JSON.
func templateFrom(in *TemplateInput) (*backstop.ContentTemplate, error) {
	if in == nil {
		return nil, nil //nolint:nilnil // the message is a text
	}
	text, err := json.Marshal(TemplateInput{Body: in.Body, Header: in.Header, Buttons: in.Buttons})
	if err != nil {
		return nil, fmt.Errorf("write template: %w", err)
	}
	t := backstop.ContentTemplate{Name: in.Name, Language: in.Language, Components: in.Components}
	if err := json.Unmarshal(text, &t.SimpleTemplate); err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	return &t, nil
}

// showContent shows the final content of a send.
func showContent(s backstop.Send) FinalContent {
	shown := FinalContent{WhatsappText: omitZero(s.Text), SmsText: s.SMSText}
	if s.Template != nil {
		shown.Components = s.Template.Components
	}
	return shown
}
