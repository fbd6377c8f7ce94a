package meta

import (
	"encoding/json"
	"strconv"

	"github.com/backstophq/backstop/internal/provider"
)

// apiError is Meta's error object. In a webhook it also has a title.
type apiError struct {
	Code    *int   `json:"code"` // 0 is a code of its own
	Title   string `json:"title"`
	Message string `json:"message"`
	// Data is an object with details; the Graph API also has errors in which it is a text.
	Data json.RawMessage `json:"error_data"`
}

func (e apiError) refusal() provider.Refusal {
	text := e.Message
	if text == "" {
		text = e.Title
	}
	var data struct {
		Details string `json:"details"`
	}
	if json.Unmarshal(e.Data, &data) == nil && data.Details != "" {
		text += ": " + data.Details
	}
	if e.Code == nil {
		return provider.Refusal{Text: text}
	}
	return provider.Refusal{Code: strconv.Itoa(*e.Code), Text: text, Verdict: verdict(*e.Code)}
}

// readRefusal returns nil when the body is not an error that Meta wrote.
func readRefusal(body []byte) *provider.Refusal {
	var answer struct {
		Error *apiError `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Error == nil || answer.Error.Code == nil {
		return nil
	}
	refusal := answer.Error.refusal()
	return &refusal
}

// verdict is the meaning of an error code, zero when it has none here. Meta says to branch on the code and never on
// the text or the HTTP status (Cloud API manual, "Error codes"). A code that it may send for a message that it has
// lost is Unavailable, because Meta then says itself that the message failed to send.
func verdict(code int) provider.Verdict {
	switch code {
	case 4, // the app's calls
		80007,  // the business account's calls
		130429, // the number's throughput
		131056: // this pair of numbers
		return provider.Throttled
	case 1, 2, // unknown, service down
		131000, // unknown
		131016, // service overloaded
		131057: // the account is in maintenance
		return provider.Unavailable
	case 131026, // undeliverable
		131047, // the 24-hour window is closed
		131049, // Meta's limit of marketing messages to this user
		131051, // message type not supported
		130472, // the user is part of an experiment
		130497: // country not allowed
		return provider.Recipient
	case 33, 100, // a parameter is wrong
		132000, 132001, 132005, 132007, 132012, 132015, 132016, // the template or its parameters
		132068, 132069: // the flow in it
		return provider.Template
	case 131050: // no marketing messages from this business, please
		return provider.OptedOut
	case 0, 10, 190, // token, permission
		368,    // policy violation
		131031, // locked
		131042, // payment
		131048, // flagged as spam
		133010: // the number is not registered
		return provider.Account
	}
	if code >= 200 && code <= 299 { // permissions
		return provider.Account
	}
	return 0
}
