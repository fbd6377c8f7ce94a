package vonage

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// request is a message (POST /v1/messages).
type request struct {
	Type      string      `json:"message_type"` // text or custom
	Channel   string      `json:"channel"`
	To        string      `json:"to"`
	From      string      `json:"from"`
	Text      string      `json:"text,omitempty"`
	Custom    *custom     `json:"custom,omitempty"`
	TTL       int         `json:"ttl,omitempty"` // in seconds
	SMS       *smsOptions `json:"sms,omitempty"`
	ClientRef string      `json:"client_ref"` // up to 100 characters; every status contains it
	// Statuses go to this address instead of the one that the application has.
	WebhookURL     string `json:"webhook_url"`
	WebhookVersion string `json:"webhook_version"`
}

type smsOptions struct {
	Encoding string `json:"encoding_type"`
}

// custom is a message in Meta's form, which Vonage passes on.
type custom struct {
	Type     string   `json:"type"`
	Template template `json:"template"`
}

type template struct {
	Name       string          `json:"name"`
	Language   language        `json:"language"`
	Components json.RawMessage `json:"components,omitempty"`
}

type language struct {
	Code   string `json:"code"`
	Policy string `json:"policy"`
}

// SendSMS sends a text. Every error is a *backstop.Failure.
func (c *Client) SendSMS(ctx context.Context, m backstop.SMSMessage) (backstop.Submission, error) {
	return c.send(ctx, request{
		Type: "text", Channel: "sms", To: digits(m.To), From: digits(m.SendID), Text: m.Text, TTL: timeToLive(m.ValidFor),
		SMS: &smsOptions{Encoding: "auto"}, ClientRef: m.Ref.String(),
	})
}

// timeToLive returns the seconds for which Vonage may try to deliver a message, or 0 if the request has none: then the default of
// 72 hours applies. It is rounded down, because an expired code is worse than none. Vonage recommends at least 30 minutes, and
// its SMS API allows no less than 20 seconds, so that is the least here.
func timeToLive(d time.Duration) int {
	const least, most = 20, 72 * 60 * 60
	switch seconds := int64(d / time.Second); {
	case d == 0 || seconds > most:
		return 0
	default:
		return int(max(seconds, least))
	}
}

// SendWhatsApp sends a text or a template. Every error is a *backstop.Failure.
func (c *Client) SendWhatsApp(ctx context.Context, m backstop.WhatsAppMessage) (backstop.Submission, error) {
	r := request{Channel: "whatsapp", To: digits(m.To), From: c.sender, ClientRef: m.Ref.String()}
	switch {
	case m.Template != nil && m.Text == "":
		t := m.Template
		r.Type = "custom"
		r.Custom = &custom{Type: "template", Template: template{
			Name: t.Name, Language: language{Code: t.Language, Policy: "deterministic"}, Components: t.Components,
		}}
	case m.Template == nil && m.Text != "":
		r.Type, r.Text = "text", m.Text
	default:
		return backstop.Submission{}, invalidMessage("the message must have either a text or a template")
	}
	return c.send(ctx, r)
}

func (c *Client) send(ctx context.Context, r request) (backstop.Submission, error) {
	r.WebhookURL, r.WebhookVersion = c.webhookURL, "v1"
	var content bytes.Buffer
	encoder := json.NewEncoder(&content)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r); err != nil {
		return backstop.Submission{}, invalidMessage("the template's components are not JSON")
	}
	header, err := c.header()
	if err != nil {
		return backstop.Submission{}, &backstop.Failure{
			Kind: backstop.Rejected, Class: backstop.AccountFault, Reason: "the private key cannot sign a token",
		}
	}
	answer, err := c.poster.Post(ctx, c.messagesURL, header, content.Bytes())
	if err != nil {
		return backstop.Submission{}, err
	}
	if !answer.Accepted() {
		return backstop.Submission{}, c.refused(answer)
	}
	var taken struct {
		ID string `json:"message_uuid"`
	}
	if json.Unmarshal(answer.Body, &taken) != nil || !provider.ValidMessageID(taken.ID) {
		return backstop.Submission{}, c.poster.Unconfirmed(answer)
	}
	return backstop.Submission{MessageID: taken.ID}, nil
}

// refused returns the failure of a call that Vonage did not accept.
func (c *Client) refused(answer provider.Answer) *backstop.Failure {
	refusal := readRefusal(answer.Body)
	if refusal != nil && answer.Status == http.StatusTooManyRequests {
		// Vonage's SDKs show HTTP 429 with code 1010, which else means a missing parameter.
		refusal.Meaning = provider.Throttled
	}
	failure := c.poster.Refused(answer, refusal)
	if failure.Code == codeSentBefore {
		failure.Kind, failure.Class = backstop.Unknown, ""
	}
	return failure
}

// apiError is Vonage's error (RFC 9457), in an answer and in a status. In a status the title is the code.
type apiError struct {
	Type   provider.Loose `json:"type"` // an address that ends in #1120 or #unauthorized
	Title  provider.Loose `json:"title"`
	Detail provider.Loose `json:"detail"`
	Wrong  []struct {
		Name   provider.Loose `json:"name"`
		Reason provider.Loose `json:"reason"`
	} `json:"invalid_parameters"`
}

// code returns the code: a number, or a word such as unauthorized. It returns "" if there is none.
func (e apiError) code() string {
	if n, ok := e.Title.Int(); ok {
		return strconv.Itoa(n)
	}
	address, fragment, _ := strings.Cut(string(e.Type), "#")
	if fragment == "" && address != "" {
		fragment = path.Base(address)
	}
	if len(fragment) > 64 || strings.ContainsFunc(fragment, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return fragment
}

func (e apiError) refusal() provider.Refusal {
	code := e.code()
	texts := []string{}
	for _, text := range []provider.Loose{e.Title, e.Detail} {
		if text != "" && string(text) != code {
			texts = append(texts, string(text))
		}
	}
	for _, wrong := range e.Wrong {
		texts = append(texts, string(wrong.Name)+": "+string(wrong.Reason))
	}
	text := cmp.Or(strings.Join(texts, "; "), "an error without a text")
	return provider.Refusal{Code: code, Text: text, Meaning: codeMeaning(code)}
}

// readRefusal parses the body of an error. It returns nil if Vonage did not write the body.
func readRefusal(body []byte) *provider.Refusal {
	var answer apiError
	if decodeJSON(body, &answer) != nil || answer.Type == "" {
		return nil
	}
	refusal := answer.refusal()
	if refusal.Code == "" {
		return nil
	}
	return &refusal
}

func invalidMessage(reason string) *backstop.Failure {
	return &backstop.Failure{Kind: backstop.Rejected, Class: backstop.TemplateFault, Reason: reason}
}
