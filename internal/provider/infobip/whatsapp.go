package infobip

import (
	"context"

	"github.com/backstophq/backstop"
)

// The parts of a request to send a WhatsApp message (TextMessage and BulkMessage). The field smsFailover is never set: Backstop
// decides when an SMS goes out.
type (
	textMessage struct {
		envelope

		Content textContent `json:"content"`
	}
	templateRequest struct {
		Messages []templateMessage `json:"messages"`
	}
	templateMessage struct {
		envelope

		Content templateContent `json:"content"`
	}
	templateContent struct {
		Name     string       `json:"templateName"`
		Data     templateData `json:"templateData"`
		Language string       `json:"language"`
	}
	envelope struct {
		From         string `json:"from"`
		To           string `json:"to"`
		MessageID    string `json:"messageId"`
		CallbackData string `json:"callbackData"`
		NotifyURL    string `json:"notifyUrl"`
	}
)

// SendWhatsApp sends a text or a template. Every error is a *backstop.Failure.
func (c *WhatsApp) SendWhatsApp(ctx context.Context, m backstop.WhatsAppMessage) (backstop.Submission, error) {
	ref := m.Ref.String()
	to := envelope{From: c.sender, To: digits(m.To), MessageID: ref, CallbackData: ref, NotifyURL: c.webhookURL}
	var path string
	var request any
	switch {
	case m.Template != nil && m.Text == "":
		data, err := convertComponents(m.Template.Components)
		if err != nil {
			return backstop.Submission{}, invalidMessage(err.Error())
		}
		content := templateContent{Name: m.Template.Name, Language: m.Template.Language, Data: data}
		path, request = "/whatsapp/1/message/template", templateRequest{[]templateMessage{{to, content}}}
	case m.Template == nil && m.Text != "":
		path, request = "/whatsapp/1/message/text", textMessage{to, textContent{m.Text}}
	default:
		return backstop.Submission{}, invalidMessage("the message must have either a text or a template")
	}
	message, err := c.send(ctx, path, request)
	switch {
	case err != nil:
		return backstop.Submission{}, err
	case message.Status.isDuplicate(messageError{}):
		return backstop.Submission{MessageID: ref}, nil
	default:
		return message.submission(), nil
	}
}
