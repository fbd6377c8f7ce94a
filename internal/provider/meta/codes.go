package meta

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"strconv"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// explanations says what the codes of codeMeaning mean, for people. A new code needs its entry.
//
//go:embed codes.json
var explanations []byte

// ErrorCodes returns all error codes that the driver knows.
func ErrorCodes() ([]backstop.ErrorCode, error) {
	return provider.Explain(name, explanations, provider.NumericCodes(codeMeaning))
}

// CodeMeaning returns the meaning of an error code, for providers that pass on the codes of WhatsApp. It returns zero if the
// code is in no table.
func CodeMeaning(code string) provider.Meaning { return provider.NumericCodes(codeMeaning)(code) }

// codeParameter is Meta's code for a wrong parameter. With subcodeObject, the wrong parameter is the phone number id in the
// path: it does not exist, or the token has no permission to use it. Later versions of the API have code 33 instead.
const (
	codeParameter = 100
	subcodeObject = 33
)

// apiError is Meta's error object. In a webhook it also has a title.
type apiError struct {
	Code    provider.Loose `json:"code"` // 0 is a valid code
	Subcode provider.Loose `json:"error_subcode"`
	Title   provider.Loose `json:"title"`
	Message provider.Loose `json:"message"`
	// Data is an object with details. In some errors of the Graph API it is a string.
	Data json.RawMessage `json:"error_data"`
}

func (e apiError) refusal() provider.Refusal {
	refusal := provider.Refusal{Text: cmp.Or(string(e.Message), string(e.Title), "an error without a text")}
	var data struct {
		Details provider.Loose `json:"details"`
	}
	if json.Unmarshal(e.Data, &data) == nil && data.Details != "" {
		refusal.Text += ": " + string(data.Details)
	}
	if code, ok := e.Code.Int(); ok {
		refusal.Code, refusal.Meaning = strconv.Itoa(code), codeMeaning(code)
		if subcode, _ := e.Subcode.Int(); code == codeParameter && subcode == subcodeObject {
			refusal.Meaning = provider.Account
		}
	}
	return refusal
}

// apiErrors is the list of errors in a status. A single error that is not in a list is read too. Any other JSON is ignored.
type apiErrors []apiError

// UnmarshalJSON never fails.
func (l *apiErrors) UnmarshalJSON(raw []byte) error {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		items = []json.RawMessage{raw}
	}
	*l = nil
	for _, item := range items {
		var e apiError
		if json.Unmarshal(item, &e) == nil && (e.Code != "" || e.Message != "" || e.Title != "") {
			*l = append(*l, e)
		}
	}
	return nil
}

// refusal returns the refusal of the first error that has a code. If no error has a code, it returns that of the first error.
func (l apiErrors) refusal() provider.Refusal {
	var first *provider.Refusal
	for _, e := range l {
		refusal := e.refusal()
		if refusal.Code != "" {
			return refusal
		}
		first = cmp.Or(first, &refusal)
	}
	if first == nil {
		return provider.Refusal{Text: "reported as failed, without an error"}
	}
	return *first
}

// readRefusal parses the body of an error. It returns nil if Meta did not write the body.
func readRefusal(body []byte) *provider.Refusal {
	var answer struct {
		Error apiError `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return nil
	}
	refusal := answer.Error.refusal()
	if refusal.Code == "" {
		return nil
	}
	return &refusal
}

// codeMeaning returns the meaning of an error code. It returns zero if Meta's table does not have the code, or if the code
// does not belong to a send (131052 inbound media, 131059 paging, 138000 and 138018 calling, 2388xxx and others
// administration).
//
// Meta's manual says to use the code, never the text or the HTTP status (Cloud API manual, "Error codes", 2026-09). A code
// that Meta may also send for a message that it lost is Unavailable, because Meta itself then reports that the message failed
// to send.
func codeMeaning(code int) provider.Meaning {
	switch code {
	case 4, // the app's calls
		80007,  // the business account's calls
		130429, // the number's throughput
		131056: // this pair of numbers
		return provider.Throttled
	case 1: // unknown, or a malformed request
		return provider.Doubtful
	case 2, // service down
		131000, // unknown
		131016, // service overloaded
		131057, // the number is in maintenance
		133004: // server unavailable for now
		return provider.Unavailable
	case 134101: // the template is still syncing, for at most 10 minutes
		return provider.NotReady
	case 130403, // the user has blocked this business
		130472, // the user is part of an experiment of Meta's
		130497, // country not allowed
		131021, // sender and recipient are one number
		131026, // undeliverable
		131047, // the 24-hour window is closed
		131049, // Meta's limit of marketing messages to this user
		131062, // this message needs a phone number, not a user id
		137000: // the user's identity key has changed
		return provider.Recipient
	case codeParameter,
		131008, 131009, // a parameter is missing, or its value is wrong
		131051,                                                                 // message type not supported
		131053,                                                                 // the media could not be fetched or uploaded
		132000, 132001, 132005, 132007, 132012, 132015, 132016, 132018, 132021, // the template or its parameters
		132068, 132069, // the flow in it
		134100, 134102, // the template is of the wrong category, or not eligible
		135000: // unknown, from the parameters
		return provider.Template
	case 131050: // the user has stopped marketing messages from this business
		return provider.OptedOut
	case 0, 3, 10, 190, 131005, // token, capability, permission
		33,             // the business number is deleted or unknown
		368,            // policy violation
		131030, 131037, // a test number: recipient not in its list, or no display name
		131031,                 // locked
		131042,                 // payment
		131045, 133000, 133010, // the number's registration
		131048,         // too many blocks or spam reports
		131055, 131063, // not on this API for this account
		131064, 139200, // limited for wrong template categories, direct send blocked
		133005, 133006, 133008, 133009, 133015, 133016, // only in answers to a registration
		134011: // WhatsApp Payments terms
		return provider.Account
	}
	if code >= 200 && code <= 299 { // permissions
		return provider.Account
	}
	return 0
}
