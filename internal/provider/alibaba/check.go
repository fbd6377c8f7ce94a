package alibaba

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// Check calls the service without sending anything. For WhatsApp it lists the numbers, among which the account's must be. For
// SMS it looks up a message that does not exist. It returns a *provider.FieldError if Alibaba Cloud refuses a setting, else a
// *backstop.Failure.
func (c *Client) Check(ctx context.Context) error {
	action, parameters := "QueryMessage", url.Values{"MessageId": {"0"}}
	if c.channel == backstop.WhatsApp {
		action, parameters = "QueryChatappPhoneNumbers", url.Values{}
		if c.spaceID != "" {
			parameters.Set("CustSpaceId", c.spaceID)
		}
	}
	raw, err := c.call(ctx, action, parameters)
	if err != nil {
		return c.lookupError(err)
	}
	read, isTheirs := readAnswer(raw)
	code := plainCode(read.code())
	switch {
	case c.channel == backstop.SMS && isTheirs && slices.Contains([]string{codeOK, codeMissing, "INVALID_PARAMETERS"}, code):
		return nil // the service has read the question
	case !raw.Accepted() || !isTheirs || !read.accepted():
		return c.refusedCheck(raw, read, isTheirs)
	case !slices.ContainsFunc(c.numbers(read), func(number string) bool { return number == c.sender }):
		return &provider.FieldError{Field: "whatsapp_sender", Reason: "is not a number of this account and space"}
	}
	return nil
}

func (c *Client) numbers(read answer) []string {
	var numbers []string
	for _, n := range read.PhoneNumbers {
		numbers = append(numbers, strings.TrimPrefix(string(n.PhoneNumber), "+"))
	}
	return numbers
}

// refusedCheck returns the error of a check that was refused.
func (c *Client) refusedCheck(raw provider.Answer, read answer, isTheirs bool) error {
	failure := c.refused(raw, read, isTheirs)
	kind, _, _ := strings.Cut(failure.Code, ".")
	said := " (Alibaba Cloud says " + failure.Code + ": " + failure.Reason + ")"
	switch kind {
	case "SignatureDoesNotMatch", "IncompleteSignature":
		return &provider.FieldError{Field: "access_key_secret", Reason: "is not accepted" + said}
	case "InvalidAccessKeyId":
		return &provider.FieldError{Field: "access_key_id", Reason: "is not accepted" + said}
	case "Forbidden", "NoPermission", "RAM_PERMISSION_DENY", "Authentication":
		return &provider.FieldError{Field: "access_key_id", Reason: "lacks a permission" + said}
	}
	return c.lookupError(failure)
}
