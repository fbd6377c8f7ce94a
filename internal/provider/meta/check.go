package meta

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// codeNumber is Meta's code for a business number that is deleted or unknown.
const codeNumber = 33

// Check reads the number from Meta, and whether an app gets the webhooks of its WhatsApp Business account. It returns a
// *provider.FieldError if Meta refuses the access token or the number, or if no app gets them, else a *backstop.Failure.
func (c *Client) Check(ctx context.Context) error {
	answer, err := c.poster.Get(ctx, c.numberURL+"?fields=id,verified_name,quality_rating", c.header)
	if err != nil {
		return err
	}
	if !answer.Accepted() {
		return c.refusedCheck(answer)
	}
	var number struct {
		ID provider.Loose `json:"id"`
	}
	if json.Unmarshal(answer.Body, &number) != nil || string(number.ID) != c.phoneNumberID {
		return &backstop.Failure{Kind: backstop.Unavailable, Reason: "the answer is not readable"}
	}
	return c.checkSubscription(ctx)
}

// checkSubscription returns an error if no app is subscribed to the webhooks of the WhatsApp Business account. Meta does not say
// which of several apps is that of the settings. A token that may not read the list may still send, so a refusal is no error.
func (c *Client) checkSubscription(ctx context.Context) error {
	if c.wabaID == "" {
		return nil
	}
	answer, err := c.poster.Get(ctx, c.subscribedURL, c.header)
	if err != nil {
		return err
	}
	var apps struct {
		Data []json.RawMessage `json:"data"`
	}
	isList := answer.Accepted() && json.Unmarshal(answer.Body, &apps) == nil && apps.Data != nil
	if isList && len(apps.Data) == 0 {
		const reason = "has no app that is subscribed to its webhooks, so no status arrives: POST /<WABA id>/subscribed_apps"
		return &provider.FieldError{Field: "waba_id", Reason: reason}
	}
	return nil
}

// refusedCheck returns the error of a check that Meta refused. Nothing was sent, so it may be repeated if Meta's answer was lost.
func (c *Client) refusedCheck(answer provider.Answer) error {
	refusal := readRefusal(answer.Body)
	if refusal != nil {
		code, _ := strconv.Atoi(refusal.Code)
		said := " (Meta says " + refusal.Code + ": " + c.poster.Text(refusal.Text) + ")"
		switch {
		case code == codeParameter, code == codeNumber: // the only parameter is the number
			return &provider.FieldError{Field: "phone_number_id", Reason: "is not a number that the access token may use" + said}
		case code == 0, code == 190: // the token is wrong, expired or withdrawn
			return &provider.FieldError{Field: "access_token", Reason: "is not accepted" + said}
		case code == 3, code == 10, code >= 200 && code <= 299:
			return &provider.FieldError{Field: "access_token", Reason: "lacks a permission" + said}
		}
	}
	failure := c.poster.Refused(answer, refusal)
	if failure.Kind == backstop.Unknown {
		failure.Kind = backstop.Unavailable
	}
	return failure
}
