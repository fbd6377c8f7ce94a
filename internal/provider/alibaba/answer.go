package alibaba

import (
	"cmp"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// codeOK is the code of an accepted request.
const codeOK = "OK"

// answer is the answer of both services and of the gateway before them, with the fields that the driver uses. SMS has its code in
// ResponseCode, WhatsApp and the gateway in Code.
type answer struct {
	ResponseCode        provider.Loose `json:"ResponseCode"`
	ResponseDescription provider.Loose `json:"ResponseDescription"`
	Code                provider.Loose `json:"Code"`
	Message             provider.Loose `json:"Message"` // in the answer of QueryMessage, the text of the SMS
	MessageID           provider.Loose `json:"MessageId"`
	RequestID           provider.Loose `json:"RequestId"`
	Segments            provider.Loose `json:"Segments"` // a number in quotes

	// Of QueryMessage.
	Status           provider.Loose `json:"Status"`
	ErrorCode        provider.Loose `json:"ErrorCode"`
	ErrorDescription provider.Loose `json:"ErrorDescription"`

	// Of QueryChatappPhoneNumbers.
	PhoneNumbers []struct {
		PhoneNumber provider.Loose `json:"PhoneNumber"`
	} `json:"PhoneNumbers"`
}

// readAnswer parses an answer. It returns false if it is not Alibaba Cloud's: each of theirs has the id of the request.
func readAnswer(a provider.Answer) (answer, bool) {
	var read answer
	if json.Unmarshal(a.Body, &read) != nil || read.RequestID == "" {
		return answer{}, false
	}
	return read, true
}

func (a answer) code() string { return string(cmp.Or(a.ResponseCode, a.Code)) }

// accepted reports whether the request was accepted. A refusal may have HTTP 200 too.
func (a answer) accepted() bool { return a.code() == codeOK }

// refused returns the failure of an answer that is not an acceptance. It is Unknown if nothing says whether Alibaba Cloud has the
// message.
func (c *Client) refused(raw provider.Answer, read answer, isTheirs bool) *backstop.Failure {
	if !isTheirs || read.code() == "" || read.accepted() {
		if raw.Accepted() {
			return c.poster.Unconfirmed(raw)
		}
		return c.poster.Refused(raw, nil)
	}
	if raw.Accepted() { // the service refuses with HTTP 200
		raw.Status = http.StatusBadRequest
	}
	refusal := c.refusal(read.code(), string(cmp.Or(read.ResponseDescription, read.Message, "an error without a text")))
	return c.poster.Refused(raw, &refusal)
}

// errorCode matches a code that can be stored.
var errorCode = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,64}$`)

// refusal returns the refusal of a code. A code that cannot be stored becomes a part of the text.
func (c *Client) refusal(code, text string) provider.Refusal {
	code = plainCode(code)
	if code != "" && !errorCode.MatchString(code) {
		return provider.Refusal{Text: text + " (" + code + ")"}
	}
	return provider.Refusal{Code: code, Text: text, Meaning: meaningOf(c.channel, code)}
}

// plainCode removes the prefix that the codes of SMS had in earlier versions of the manual.
func plainCode(code string) string {
	return strings.TrimPrefix(strings.TrimPrefix(code, "isv."), "isp.")
}

// submission returns the result of a call that sends a message.
func (c *Client) submission(raw provider.Answer) (backstop.Submission, error) {
	read, isTheirs := readAnswer(raw)
	id := string(read.MessageID)
	if !raw.Accepted() || !isTheirs || !read.accepted() || !provider.ValidMessageID(id) {
		return backstop.Submission{}, c.refused(raw, read, isTheirs)
	}
	return backstop.Submission{MessageID: id, Segments: read.segments()}, nil
}

// segments returns the number of segments, or 0 if there is none, or an impossible one.
func (a answer) segments() int {
	const most = 255 // the numbering of the parts of an SMS has one byte
	n, ok := a.Segments.Int()
	if !ok || n < 0 || n > most {
		return 0
	}
	return n
}
