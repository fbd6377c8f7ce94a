package telnyx

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// request is a message (POST /v2/messages). It has no field for a reference of ours, and none for a time-to-live.
type request struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Text    string `json:"text"`
	Type    string `json:"type"`
	Profile string `json:"messaging_profile_id,omitempty"` // required for a sender that is not a number
	// WebhookURL is where the webhooks of this message go. If that fails, they go to the address of the messaging profile.
	// Each webhook repeats this address, and with it the reference.
	WebhookURL string `json:"webhook_url"`
}

// SendSMS sends a text. Every error is a *backstop.Failure.
//
// POST /v2/messages takes no Idempotency-Key, unlike other resources of Telnyx, so a repeated message is a second one.
func (c *Client) SendSMS(ctx context.Context, m backstop.SMSMessage) (backstop.Submission, error) {
	r := request{From: m.SendID, To: m.To, Text: m.Text, Type: "SMS", WebhookURL: c.webhookOf(m.Ref)}
	if !isNumber(m.SendID) {
		r.Profile = c.profile
	}
	var content bytes.Buffer
	encoder := json.NewEncoder(&content)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r); err != nil {
		return backstop.Submission{}, &backstop.Failure{
			Kind: backstop.Rejected, Class: backstop.TemplateFault, Reason: "the message cannot be encoded",
		}
	}
	answer, err := c.poster.Post(ctx, c.address("messages"), c.header, content.Bytes())
	if err != nil {
		return backstop.Submission{}, err
	}
	if !answer.Accepted() {
		return backstop.Submission{}, c.refused(answer)
	}
	var taken struct {
		Data struct {
			ID    string         `json:"id"`
			Parts provider.Loose `json:"parts"`
		} `json:"data"`
	}
	if json.Unmarshal(answer.Body, &taken) != nil || !provider.ValidMessageID(taken.Data.ID) {
		return backstop.Submission{}, c.poster.Unconfirmed(answer)
	}
	return backstop.Submission{MessageID: taken.Data.ID, Segments: segments(taken.Data.Parts)}, nil
}

// refParameter is the parameter of the webhook's address that has our reference.
const refParameter = "ref"

// webhookOf returns the address of the webhooks of one message.
func (c *Client) webhookOf(ref backstop.Ref) string {
	address := *c.webhookURL
	address.RawQuery = url.Values{refParameter: {ref.String()}}.Encode()
	return address.String()
}

// isNumber reports whether a sender is a phone number or a short code.
func isNumber(sender string) bool {
	return strings.Trim(strings.TrimPrefix(sender, "+"), "0123456789") == ""
}

// segments returns the number of parts of an SMS, or 0 if Telnyx gives none.
func segments(parts provider.Loose) int {
	n, ok := parts.Int()
	if !ok {
		return 0
	}
	return max(n, 0)
}

// refused returns the failure of a call that Telnyx did not accept.
func (c *Client) refused(answer provider.Answer) *backstop.Failure {
	failure := c.poster.Refused(answer, readRefusal(answer.Body))
	if failure.Code == codeTimeout {
		// A part of Telnyx did not answer another one in time: the message may be made.
		failure.Kind, failure.Class, failure.RetryAfter = backstop.Unknown, "", 0
	}
	return failure
}

// apiError is an error in an answer and in a webhook.
type apiError struct {
	Code   provider.Loose `json:"code"` // digits, as a text
	Title  provider.Loose `json:"title"`
	Detail provider.Loose `json:"detail"`
	Source struct {
		Pointer provider.Loose `json:"pointer"` // such as /to
	} `json:"source"`
}

// readRefusal parses the body of an error. It returns nil if Telnyx did not write the body.
func readRefusal(body []byte) *provider.Refusal {
	var answer struct {
		Errors []apiError `json:"errors"`
	}
	if decodeJSON(body, &answer) != nil || len(answer.Errors) == 0 || answer.Errors[0].Code == "" {
		return nil
	}
	refusal := refusalOf(answer.Errors)
	return &refusal
}

// refusalOf returns what the first of several errors means. The others are only in its text.
func refusalOf(list []apiError) provider.Refusal {
	var texts []string
	for _, e := range list {
		for _, text := range []provider.Loose{e.Title, e.Detail, e.Source.Pointer} {
			if text != "" {
				texts = append(texts, string(text))
			}
		}
	}
	refusal := provider.Refusal{Text: cmp.Or(strings.Join(texts, "; "), "an error without a text")}
	if len(list) > 0 && validCode(string(list[0].Code)) {
		refusal.Code, refusal.Meaning = string(list[0].Code), list[0].meaning()
	}
	return refusal
}

// meaning returns the meaning of an error. Code 40300 is an opt-out only if the error says so: "an async delivery 40300 must be
// classified from its title/detail, not the code alone" (telnyx-kit-quickstart, of Telnyx).
func (e apiError) meaning() provider.Meaning {
	if text := strings.ToLower(string(e.Title + " " + e.Detail)); e.Code == codeStopped && !strings.Contains(text, "stop") &&
		!strings.Contains(text, "block rule") {
		return 0
	}
	return codeMeaning(string(e.Code))
}

// validCode reports whether a code can be stored.
func validCode(code string) bool {
	return code != "" && len(code) <= 16 && strings.Trim(code, "0123456789") == ""
}

// decodeJSON parses JSON. A field of an unexpected type stays empty and the other fields are read. A body that is not JSON is an
// error.
func decodeJSON(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	if _, odd := errors.AsType[*json.UnmarshalTypeError](err); odd {
		return nil
	}
	return err //nolint:wrapcheck // the text of the error is not used, because it quotes the answer
}
