package infobip

import (
	"context"
	"net/http"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// The parts of a request to send an SMS (SmsRequestEnvelope).
type (
	smsRequest struct {
		Messages []smsMessage `json:"messages"`
		Options  struct {
			CountParts bool `json:"includeSmsCountInResponse"`
		} `json:"options"`
	}
	smsMessage struct {
		Sender       string        `json:"sender"`
		Destinations []destination `json:"destinations"`
		Content      textContent   `json:"content"`
		Options      *smsOptions   `json:"options,omitempty"`
		Webhooks     webhooks      `json:"webhooks"`
	}
	destination struct {
		To        string `json:"to"`
		MessageID string `json:"messageId"`
	}
	textContent struct {
		Text string `json:"text"`
	}
	smsOptions struct {
		Validity validity `json:"validityPeriod"`
	}
	validity struct {
		Amount int    `json:"amount"`
		Unit   string `json:"timeUnit"`
	}
	webhooks struct {
		Delivery     delivery `json:"delivery"`
		ContentType  string   `json:"contentType"`
		CallbackData string   `json:"callbackData"`
	}
	delivery struct {
		URL          string `json:"url"`
		Intermediate bool   `json:"intermediateReport"` // also reports that the operator has the message
		Notify       bool   `json:"notify"`
	}
)

// SendSMS sends a text. Every error is a *backstop.Failure.
func (c *SMS) SendSMS(ctx context.Context, m backstop.SMSMessage) (backstop.Submission, error) {
	ref := m.Ref.String()
	sms := smsMessage{
		Sender:       m.SendID,
		Destinations: []destination{{To: digits(m.To), MessageID: ref}},
		Content:      textContent{Text: m.Text},
		Webhooks: webhooks{
			Delivery:     delivery{URL: c.webhookURL, Intermediate: true, Notify: true},
			ContentType:  "application/json",
			CallbackData: ref,
		},
	}
	if seconds := validitySeconds(m.ValidFor); seconds > 0 {
		sms.Options = &smsOptions{Validity: validity{Amount: seconds, Unit: "SECONDS"}}
	}
	request := smsRequest{Messages: []smsMessage{sms}}
	request.Options.CountParts = true
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	message, err := c.send(ctx, "/sms/3/messages", request)
	switch {
	case err != nil:
		return backstop.Submission{}, err
	case message.Status.isDuplicate(messageError{}):
		return c.firstCall(ctx, ref)
	default:
		return message.submission(), nil
	}
}

// firstCall returns the end of the call that a refused repeat has repeated. The message is accepted, unless the log says that
// Infobip rejected it: a rejected message may have used up its id, and then no repeat can send it.
func (c *SMS) firstCall(ctx context.Context, ref string) (backstop.Submission, error) {
	found, err := c.Find(ctx, backstop.Inquiry{MessageID: ref, Since: time.Now()})
	switch {
	case err != nil || found == nil:
		return backstop.Submission{MessageID: ref}, nil //nolint:nilerr // the receipts say how the message ends
	case found.Failure != nil:
		return backstop.Submission{}, found.Failure
	default:
		return backstop.Submission{MessageID: ref, Segments: found.Segments}, nil
	}
}

// validitySeconds returns the validity period of a message that Infobip may keep for d, or 0 if the request has none. It is
// rounded down, because an expired code is worse than none, and is at least 1. Infobip supports at most 48 hours, which is also
// its default.
func validitySeconds(d time.Duration) int {
	const most = 48 * time.Hour
	if d == 0 || d > most {
		return 0
	}
	return int(max(d/time.Second, 1))
}

// send makes one request. It returns no error if Infobip has a message with this id already: the status then says so.
func (c *Client) send(ctx context.Context, path string, request any) (taken, error) {
	content, err := encodeJSON(request)
	if err != nil {
		return taken{}, invalidMessage("the message cannot be written as JSON")
	}
	answer, err := c.poster.Post(ctx, c.address(path), c.header, content)
	if err != nil {
		return taken{}, err
	}
	if !answer.Accepted() {
		return taken{}, c.poster.Refused(answer, readRefusal(answer.Body))
	}
	return c.readAnswer(answer)
}

// taken is the part of an answer that is about one message.
type taken struct {
	MessageID string        `json:"messageId"`
	Status    messageStatus `json:"status"`
	Details   struct {
		Parts provider.Loose `json:"messageCount"`
	} `json:"details"` // of an SMS
}

func (t taken) submission() backstop.Submission {
	return backstop.Submission{MessageID: t.MessageID, Segments: partsOf(t.Details.Parts)}
}

// readAnswer reads an answer of HTTP 200. The status of the message decides, because a refused destination has HTTP 200 too.
func (c *Client) readAnswer(answer provider.Answer) (taken, error) {
	var body struct {
		taken // the answer to a WhatsApp text is one message

		Messages []taken `json:"messages"`
	}
	if decodeJSON(answer.Body, &body) != nil {
		return taken{}, c.poster.Unconfirmed(answer)
	}
	message := body.taken
	if len(body.Messages) > 0 {
		message = body.Messages[0]
	}
	switch {
	case message.Status.isDuplicate(messageError{}):
		return message, nil
	case message.Status.isRefused() && c.channel == backstop.WhatsApp:
		// Final, also if the cause may pass: the refused message may have used up its id, and a WhatsApp message cannot be
		// looked up then.
		return taken{}, c.poster.Undelivered(message.Status.refusal(messageError{}))
	case message.Status.isRefused():
		refusal := message.Status.refusal(messageError{})
		answer.Status = http.StatusUnprocessableEntity // a status of an unknown name is a refusal too
		return taken{}, c.poster.Refused(answer, &refusal)
	case !provider.ValidMessageID(message.MessageID):
		return taken{}, c.poster.Unconfirmed(answer)
	default:
		return message, nil
	}
}

func invalidMessage(reason string) *backstop.Failure {
	return &backstop.Failure{Kind: backstop.Rejected, Class: backstop.TemplateFault, Reason: reason}
}
