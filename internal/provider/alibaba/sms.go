package alibaba

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// codeMissing is the code of a look-up whose message does not exist, or does not exist yet.
const codeMissing = "DATA_NOT_EXIST"

// SendSMS sends a text. Every error is a *backstop.Failure.
func (c *Client) SendSMS(ctx context.Context, m backstop.SMSMessage) (backstop.Submission, error) {
	parameters := url.Values{
		"To":      {strings.TrimPrefix(m.To, "+")},
		"From":    {strings.TrimPrefix(m.SendID, "+")},
		"Message": {m.Text},
		"TaskId":  {m.Ref.String()},
	}
	if m.ValidFor != 0 { // rounded down, because an expired code is worse than none
		parameters.Set("ValidityPeriod", strconv.FormatInt(max(int64(m.ValidFor/time.Second), 1), 10))
	}
	raw, err := c.call(ctx, "SendMessageToGlobe", parameters)
	if err != nil {
		return backstop.Submission{}, err
	}
	return c.submission(raw)
}

// Find returns the status of an SMS by its id, or nil if Alibaba Cloud does not have it yet. Every error is a *backstop.Failure.
// Without an id the failure is Unknown: Alibaba Cloud searches by nothing else.
func (c *Client) Find(ctx context.Context, q backstop.Inquiry) (*backstop.Found, error) {
	if q.MessageID == "" || c.channel != backstop.SMS {
		return nil, &backstop.Failure{Kind: backstop.Unknown, Reason: "only an SMS with a known id can be looked up"}
	}
	raw, err := c.call(ctx, "QueryMessage", url.Values{"MessageId": {q.MessageID}})
	if err != nil {
		return nil, c.lookupError(err)
	}
	read, isTheirs := readAnswer(raw)
	switch {
	case isTheirs && plainCode(read.code()) == codeMissing:
		return nil, nil //nolint:nilnil // nil: there is no such message
	case !raw.Accepted() || !isTheirs || !read.accepted():
		return nil, c.lookupError(c.refused(raw, read, isTheirs))
	case string(read.MessageID) != q.MessageID || read.Status == "":
		return nil, unreadableAnswer()
	}
	found := &backstop.Found{MessageID: q.MessageID, Status: cmp.Or(smsStatus(string(read.Status)), backstop.Submitted)}
	if found.Status == backstop.Failed {
		found.Failure = c.undeliveredFailure(string(read.Status), string(read.ErrorCode), string(read.ErrorDescription))
	}
	return found, nil
}

// lookupError returns the failure of a look-up. A look-up sends nothing, so an Unknown failure becomes Unavailable.
func (c *Client) lookupError(err error) error {
	failure, ok := errors.AsType[*backstop.Failure](err)
	if !ok || failure.Kind != backstop.Unknown {
		return err
	}
	again := *failure
	again.Kind = backstop.Unavailable
	return &again
}

func unreadableAnswer() *backstop.Failure {
	return &backstop.Failure{Kind: backstop.Unavailable, Reason: "the answer is not readable"}
}

// The words for the status of an SMS, in receipts and look-ups.
const (
	smsDelivered = "1"
	smsFailed    = "2"
	smsUnderWay  = "3" // in look-ups only
	smsExpired   = "6" // in receipts only
)

// smsStatus returns the status for a word, or "" for an SMS that is under way and for unknown words.
func smsStatus(word string) backstop.Status {
	switch word {
	case smsDelivered:
		return backstop.Delivered
	case smsFailed, smsExpired:
		return backstop.Failed
	case smsUnderWay:
		return ""
	default:
		return ""
	}
}

// undeliveredFailure returns the failure of a message that has failed. The code and the text may be empty.
func (c *Client) undeliveredFailure(word, code, text string) *backstop.Failure {
	refusal := c.refusal(code, cmp.Or(text, "reported as failed"))
	if c.channel == backstop.SMS && word == smsExpired {
		refusal.Meaning = provider.Expired
	}
	return c.poster.Undelivered(refusal)
}
