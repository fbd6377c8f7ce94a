// Package meta sends messages through the WhatsApp Cloud API and reads its webhooks.
//
// Sources: Meta's Cloud API manual and its published OpenAPI description (facebook/openapi, business-messaging v23.0).
package meta

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

//go:embed account.json
var description []byte

// Driver returns the driver of Meta's accounts: WhatsApp numbers.
func Driver() provider.Driver {
	return provider.Driver{
		Provider:   provider.MustDescribe(description),
		Open:       func(s provider.Settings) (provider.Client, error) { return New(s) },
		ErrorCodes: ErrorCodes,
	}
}

// Client calls the Cloud API with one business phone number. It is safe for concurrent use.
type Client struct {
	poster        *provider.Poster
	numberURL     string // the URL of the number
	messagesURL   string // the URL to send messages
	header        http.Header
	phoneNumberID string
	appSecrets    []string // the present one first
	verifyTokens  []string // the same
	account       string
	pace          *pacer
	sibling       func(field, value string) provider.Client // another account; may be nil

	wabaID        string // the id of the WhatsApp Business account; may be empty
	subscribedURL string // the URL of the apps that get its webhooks
	templatesURL  string // the URL of its templates
}

// name is the name of the provider.
const name = "meta"

// New returns an open account. Its error joins a *provider.FieldError for each wrong setting.
func New(s provider.Settings) (*Client, error) {
	v := s.Values
	base, err := provider.ParseURL("base_url", v["base_url"])
	if err := errors.Join(
		err,
		provider.CheckText("version", v["version"]),
		provider.CheckText("phone_number_id", v["phone_number_id"]),
		provider.CheckText("access_token", v["access_token"]),
		provider.CheckText("app_secret", v["app_secret"]),
		provider.CheckText("verify_token", v["verify_token"]),
	); err != nil {
		return nil, err
	}
	perSecond, err := throughputOf(v["throughput"])
	if err != nil {
		return nil, &provider.FieldError{Field: "throughput", Reason: "must be a number of at least 1"}
	}
	pace, err := newPacer(perSecond)
	if err != nil {
		return nil, err
	}
	number := base.JoinPath(url.PathEscape(v["version"]), url.PathEscape(v["phone_number_id"]))
	c := &Client{
		numberURL:   number.String(),
		messagesURL: number.JoinPath("messages").String(),
		header: http.Header{
			"Accept":        {"application/json"},
			"Authorization": {"Bearer " + v["access_token"]},
			"Content-Type":  {"application/json"},
		},
		phoneNumberID: v["phone_number_id"],
		appSecrets:    s.Verifiers("app_secret"),
		verifyTokens:  s.Verifiers("verify_token"),
		account:       s.Account,
		pace:          pace,
		sibling:       s.Sibling,
		wabaID:        v["waba_id"],
		subscribedURL: base.JoinPath(url.PathEscape(v["version"]), url.PathEscape(v["waba_id"]), "subscribed_apps").String(),
		templatesURL:  base.JoinPath(url.PathEscape(v["version"]), url.PathEscape(v["waba_id"]), "message_templates").String(),
	}
	secrets := slices.Concat(c.appSecrets, c.verifyTokens, []string{v["access_token"]})
	c.poster = provider.NewPoster(s.Timeout, s.Secrets, secrets...)
	return c, nil
}

// SendWhatsApp sends a text or a template. Every error is a *backstop.Failure.
func (c *Client) SendWhatsApp(ctx context.Context, m backstop.WhatsAppMessage) (backstop.Submission, error) {
	content, err := encodeMessage(m)
	if err != nil {
		return backstop.Submission{}, err
	}
	if err := c.pace.await(ctx, m.To); err != nil {
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
