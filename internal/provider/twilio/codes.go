package twilio

import (
	"encoding/json"
	"strconv"

	"github.com/backstophq/backstop/internal/provider"
)

// readRefusal returns nil when the body is not an error that Twilio wrote.
func readRefusal(body []byte) *provider.Refusal {
	var answer struct {
		Code    *int   `json:"code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Code == nil {
		return nil
	}
	return &provider.Refusal{Code: strconv.Itoa(*answer.Code), Text: answer.Message, Verdict: verdict(*answer.Code)}
}

// verdict is the meaning of an error code (twilio.com/docs/api/errors), zero when it has none here. The codes from
// 30000 on come with a status callback, the others with the answer to a request.
func verdict(code int) provider.Verdict {
	switch code {
	case 20429, // too many requests; "never processed and always safe to retry"
		21611: // ten hours' worth of messages wait to be sent from this number
		return provider.Throttled
	case 21610: // the recipient has answered STOP
		return provider.OptedOut
	case 21211, 21214, // not a number, not reachable
		21408,        // the account may not send to this country
		21612, 21614, // no route, not a mobile
		30003, 30004, 30005, // the phone is off, blocks, is unknown
		30006, 30007, 30008: // a landline, the carrier filters, it does not say why
		return provider.Recipient
	case 20003, // wrong credentials
		21212, 21601, 21606, // the sender is not a number, cannot send SMS, cannot send it there
		21659, 21660, 21661, // the same, more precisely, since 2024
		30002: // suspended
		return provider.Account
	case 30036: // the validity period ended while the message was in Twilio's queue; it was never sent
		return provider.Expired
	default:
		return 0
	}
}
