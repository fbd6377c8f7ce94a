package telnyx

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// messagesKept is how far back a look-up reaches ("no older than 10 days since their creation").
const messagesKept = 10 * 24 * time.Hour

// Find returns Telnyx's status of a message, or nil if Telnyx has no such message. Every error is a *backstop.Failure:
// Unavailable and Throttled may be retried later, Rejected needs an operator, and Unknown means that Telnyx cannot say. Telnyx
// finds messages by their id only.
func (c *Client) Find(ctx context.Context, q backstop.Inquiry) (*backstop.Found, error) {
	if q.MessageID == "" {
		return nil, &backstop.Failure{Kind: backstop.Unknown, Reason: "a message is found by its id only"}
	}
	answer, err := c.poster.Get(ctx, c.address("messages", url.PathEscape(q.MessageID)), c.header)
	if err != nil {
		return nil, err
	}
	if !answer.Accepted() {
		refusal := readRefusal(answer.Body)
		switch {
		case answer.Status != http.StatusNotFound || refusal == nil || refusal.Code != codeNotFound:
			return nil, c.lookupFailure(answer)
		case time.Since(q.Since) > messagesKept:
			return nil, &backstop.Failure{Kind: backstop.Unknown, Reason: "look-ups do not reach back to the message"}
		default:
			return nil, nil //nolint:nilnil // nil: Telnyx has no such message
		}
	}
	var found struct {
		Data message `json:"data"`
	}
	if decodeJSON(answer.Body, &found) != nil || string(found.Data.ID) != q.MessageID || found.Data.status() == "" {
		return nil, unreadableAnswer()
	}
	return c.found(found.Data), nil
}

func (c *Client) found(m message) *backstop.Found {
	word := m.status()
	found := &backstop.Found{
		MessageID: string(m.ID), Status: cmp.Or(statusOf(word), backstop.Submitted), Segments: segments(m.Parts),
	}
	if found.Status == backstop.Failed {
		found.Failure = c.undelivered(word, m.Errors)
	}
	return found
}

// lookupFailure returns the failure of a request that sends nothing: an Unknown failure becomes Unavailable and may be retried.
func (c *Client) lookupFailure(answer provider.Answer) *backstop.Failure {
	failure := c.poster.Refused(answer, readRefusal(answer.Body))
	if failure.Kind == backstop.Unknown {
		failure.Kind = backstop.Unavailable
	}
	return failure
}

func unreadableAnswer() *backstop.Failure {
	return &backstop.Failure{Kind: backstop.Unavailable, Reason: "the answer is not readable"}
}

// Check reads the messaging profile of the account, or a list of one profile if the account has none.
func (c *Client) Check(ctx context.Context) error {
	target := c.address("messaging_profiles") + "?page%5Bsize%5D=1"
	if c.profile != "" {
		target = c.address("messaging_profiles", c.profile)
	}
	answer, err := c.poster.Get(ctx, target, c.header)
	if err != nil {
		return err
	}
	if !answer.Accepted() {
		return c.refusedCheck(answer)
	}
	if c.profile == "" {
		return nil
	}
	var profile struct {
		Data struct {
			ID      provider.Loose `json:"id"`
			Enabled *bool          `json:"enabled"`
			Version provider.Loose `json:"webhook_api_version"`
		} `json:"data"`
	}
	switch {
	case decodeJSON(answer.Body, &profile) != nil || profile.Data.ID == "":
		return unreadableAnswer()
	case profile.Data.Enabled != nil && !*profile.Data.Enabled:
		return &provider.FieldError{Field: "messaging_profile_id", Reason: "is a profile that is not enabled"}
	case profile.Data.Version != "" && profile.Data.Version != "2":
		return &provider.FieldError{Field: "messaging_profile_id", Reason: "is a profile without webhook API version 2"}
	}
	return nil
}

// refusedCheck returns the error of a check that Telnyx refused.
func (c *Client) refusedCheck(answer provider.Answer) error {
	refusal := readRefusal(answer.Body)
	if refusal == nil {
		return c.lookupFailure(answer)
	}
	said := " (Telnyx says " + refusal.Code + ": " + c.poster.Text(refusal.Text) + ")"
	switch answer.Status {
	case http.StatusUnauthorized:
		return &provider.FieldError{Field: "api_key", Reason: "is not accepted" + said}
	case http.StatusForbidden:
		return &provider.FieldError{Field: "api_key", Reason: "has too few permissions" + said}
	case http.StatusNotFound:
		field := "base_url"
		if c.profile != "" {
			field = "messaging_profile_id"
		}
		return &provider.FieldError{Field: field, Reason: "is not known" + said}
	default:
		return c.lookupFailure(answer)
	}
}
