package api

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/backstophq/backstop"
)

// renderInput returns the send of an input with its final content. If the content is not valid, the error has all that is
// wrong with the send.
func (s *server) renderInput(ctx context.Context, in SendInput) (backstop.Send, error) {
	send := sendFrom(in)
	content, err := s.contentOf(ctx, in, &send)
	if err != nil {
		return backstop.Send{}, err
	}
	send, err = content.Render(send)
	if err != nil {
		_, badNumber := backstop.CountryOf(send.To)
		err = mergeInvalid(err, badNumber, send.Validate(s.now()))
	}
	return send, err
}

// sendFrom returns the send of an input without its content.
func sendFrom(in SendInput) backstop.Send {
	send := backstop.Send{
		To: in.To, Category: backstop.Category(orZero(in.Category)), SendAt: inUTC(in.SendAt), ExpiresAt: inUTC(in.ExpiresAt),
		CorrelationID: orZero(in.CorrelationID), CorrelationUnique: orZero(in.CorrelationUnique),
	}
	if len(in.Metadata) > 0 {
		send.Metadata = in.Metadata
	}
	return send
}

// contentOf returns the content of a send: that of its message, or else its own. It sets the message of the send and, from the
// message, its category.
func (s *server) contentOf(ctx context.Context, in SendInput, send *backstop.Send) (backstop.Content, error) {
	if in.Message == nil {
		return contentFrom(in)
	}
	if in.Whatsapp.Text != nil || in.Whatsapp.Template != nil || in.Fallback.Text != "" {
		return backstop.Content{}, badMessage(backstop.NewField(
			"message", backstop.FieldMessageOrTexts, "must not be given with whatsapp.text, whatsapp.template or fallback.text"))
	}
	message, err := s.findMessage(ctx, *in.Message)
	if err != nil {
		return backstop.Content{}, err
	}
	send.Message = &backstop.UsedMessage{ID: message.ID, Name: message.Name, Version: message.Version}
	if send.Category == "" {
		send.Category = message.Category
	}
	content := message.Content(backstop.Variables(orZero(in.Variables)))
	if most := in.Fallback.MaxSegments; most != nil {
		content.MaxSegments = *most
	}
	if is := in.Fallback.Transliterate; is != nil {
		content.Transliterates = *is
	}
	return content, nil
}

// contentFrom returns the content of a send as its caller gives it.
func contentFrom(in SendInput) (backstop.Content, error) {
	template, err := templateFrom(in.Whatsapp.Template)
	return backstop.Content{
		Text: orZero(in.Whatsapp.Text), Template: template, SMSText: in.Fallback.Text,
		IsPattern: in.Variables != nil, Variables: backstop.Variables(orZero(in.Variables)),
		MaxSegments: orZero(in.Fallback.MaxSegments), Transliterates: orZero(in.Fallback.Transliterate),
	}, err
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

// showContentTemplate shows a template as its caller gave it.
func showContentTemplate(t *backstop.ContentTemplate) (*TemplateInput, error) {
	if t == nil {
		return nil, nil //nolint:nilnil // the message is a text
	}
	text, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("write template: %w", err)
	}
	var shown TemplateInput
	if err := json.Unmarshal(text, &shown); err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	return &shown, nil
}

// showContent shows the final content of a send.
func showContent(s backstop.Send) FinalContent {
	shown := FinalContent{WhatsappText: omitZero(s.Text), SmsText: s.SMSText}
	if s.Template != nil {
		shown.Components = s.Template.Components
	}
	return shown
}
