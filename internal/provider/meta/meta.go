// Package meta sends messages through the WhatsApp Cloud API and reads its webhooks.
//
// Sources: Meta's Cloud API manual and its published OpenAPI description (facebook/openapi, business-messaging v23.0).
package meta

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// Options configure a Client.
type Options struct {
	BaseURL       string        // https://graph.facebook.com if empty
	Version       string        // the version of the Graph API; v23.0 if empty
	PhoneNumberID string        // the id of the business phone number that sends
	AccessToken   string        // the token of a system user
	AppSecret     string        // the key that signs the webhooks
	VerifyToken   string        // the token that Meta sends when it verifies the webhook's URL
	Timeout       time.Duration // the timeout of one call: at most 1 minute; 10 s if zero

	// Secrets are the secrets of all accounts, which failures hide. New adds the secrets of this account. If Secrets is nil,
	// failures hide the secrets of this account only.
	Secrets *provider.Secrets
}

// Client calls the Cloud API with one business phone number. It is safe for concurrent use.
type Client struct {
	poster        *provider.Poster
	messagesURL   string // the URL to send messages
	header        http.Header
	phoneNumberID string
	appSecret     []byte
	verifyToken   []byte
}

// New returns a client, or an error with all problems of the options.
func New(o Options) (*Client, error) {
	o.BaseURL = cmp.Or(o.BaseURL, "https://graph.facebook.com")
	o.Version = cmp.Or(o.Version, "v23.0")
	base, err := provider.ParseURL("BaseURL", o.BaseURL)
	if err := errors.Join(
		err,
		provider.CheckText("Version", o.Version),
		provider.CheckText("PhoneNumberID", o.PhoneNumberID),
		provider.CheckText("AccessToken", o.AccessToken),
		provider.CheckText("AppSecret", o.AppSecret),
		provider.CheckText("VerifyToken", o.VerifyToken),
		provider.CheckTimeout("Timeout", o.Timeout),
	); err != nil {
		return nil, err
	}
	return &Client{
		poster:      provider.NewPoster(o.Timeout, o.Secrets, o.AccessToken, o.AppSecret, o.VerifyToken),
		messagesURL: base.JoinPath(url.PathEscape(o.Version), url.PathEscape(o.PhoneNumberID), "messages").String(),
		header: http.Header{
			"Accept":        {"application/json"},
			"Authorization": {"Bearer " + o.AccessToken},
			"Content-Type":  {"application/json"},
		},
		phoneNumberID: o.PhoneNumberID,
		appSecret:     []byte(o.AppSecret),
		verifyToken:   []byte(o.VerifyToken),
	}, nil
}

// Name returns the name of the provider in attempts, receipts and the path of the webhook.
func (*Client) Name() string { return "meta" }

// SendWhatsApp sends a text or a template. Every error is a *backstop.Failure.
func (c *Client) SendWhatsApp(ctx context.Context, m backstop.WhatsAppMessage) (backstop.Submission, error) {
	content, err := encodeMessage(m)
	if err != nil {
		return backstop.Submission{}, err
	}
	answer, err := c.poster.Post(ctx, c.messagesURL, c.header, content)
	if err != nil {
		return backstop.Submission{}, err
	}
	if !answer.Accepted() {
		return backstop.Submission{}, c.poster.Refused(answer, readRefusal(answer.Body))
	}
	// messages[].message_status may be accepted, held_for_quality_assessment or paused. The message is submitted in each case.
	var taken struct {
		Messages []struct {
			ID string `json:"id"`
		} `json:"messages"`
	}
	if json.Unmarshal(answer.Body, &taken) != nil || len(taken.Messages) == 0 || !provider.ValidMessageID(taken.Messages[0].ID) {
		return backstop.Submission{}, c.poster.Unconfirmed(answer)
	}
	return backstop.Submission{MessageID: taken.Messages[0].ID}, nil
}

type request struct {
	Product       string    `json:"messaging_product"`
	RecipientType string    `json:"recipient_type"`
	To            string    `json:"to"` // begins with +, else Meta adds the sender's country code
	Type          string    `json:"type"`
	Text          *text     `json:"text,omitempty"`
	Template      *template `json:"template,omitempty"`
	Ref           string    `json:"biz_opaque_callback_data"` // up to 512 characters; every status contains it
}

type text struct {
	Body       string `json:"body"`
	PreviewURL bool   `json:"preview_url"`
}

type template struct {
	Name       string          `json:"name"`
	Language   language        `json:"language"`
	Components json.RawMessage `json:"components,omitempty"`
}

type language struct {
	Code string `json:"code"`
}

func encodeMessage(m backstop.WhatsAppMessage) ([]byte, error) {
	r := request{Product: "whatsapp", RecipientType: "individual", To: m.To, Ref: m.Ref.String()}
	switch {
	case m.Template != nil && m.Text == "":
		t := m.Template
		r.Type = "template"
		r.Template = &template{Name: t.Name, Language: language{Code: t.Language}, Components: t.Components}
	case m.Template == nil && m.Text != "":
		r.Type, r.Text = "text", &text{Body: m.Text}
	default:
		return nil, invalidMessage("the message must have either a text or a template")
	}
	content, err := json.Marshal(r)
	if err != nil {
		return nil, invalidMessage("the template's components are not JSON")
	}
	return content, nil
}

func invalidMessage(reason string) *backstop.Failure {
	return &backstop.Failure{Kind: backstop.Rejected, Class: backstop.TemplateFault, Reason: reason}
}
