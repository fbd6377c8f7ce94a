package twilio

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

// readRefusal parses the body of an error. It returns nil if Twilio did not write the body.
func readRefusal(body []byte) *provider.Refusal {
	var answer struct {
		Code    provider.Loose `json:"code"`
		Message provider.Loose `json:"message"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return nil
	}
	code, ok := answer.Code.Int()
	if !ok {
		return nil
	}
	text := cmp.Or(string(answer.Message), "an error without a text")
	return &provider.Refusal{Code: strconv.Itoa(code), Text: text, Meaning: codeMeaning(code)}
}

// codeMeaning returns the meaning of an error code (twilio.com/docs/api/errors), or zero if the code is not in the table. The
// codes from 30000 on come with a status callback, the others with the answer to a request. The codes from 63000 on are about
// WhatsApp, except 63038. The table has no codes whose meaning is not certain (21706, 30010, 30023, 30038).
func codeMeaning(code int) provider.Meaning {
	switch code {
	case 20429, // too many requests; "never processed and always safe to retry"
		14107,        // the same, for this account
		21611, 30001, // the sender's queue is full: it has messages for ten hours
		30022, // the carrier's rate for this sender
		63018: // WhatsApp's rate for this sender
		return provider.Throttled
	case 30450, 30485: // the fraud guard blocks the destination temporarily
		return provider.Unavailable
	case 21610: // the recipient has answered STOP
		return provider.OptedOut
	case 21211, 21214, // not a number, not reachable
		21265, 21266, // a short code, the sender itself
		21408,               // the account may not send to this country
		21612, 21614, 21635, // no route, not a mobile, a landline
		30003, 30004, 30005, // the phone is off, blocks the message, is unknown
		30006, 30008, // a landline, an unknown error of the carrier
		63003, 63024, // the address is not known to WhatsApp, the recipient cannot be reached
		63014,        // the recipient has blocked the sender
		63016,        // the 24-hour window is closed
		63032, 63049: // Meta's limits of messages to this user
		return provider.Recipient
	case 21602, 21617, 21619, // no text, longer than 1600 characters, neither text nor media
		21656,                      // content variables
		30007,                      // the carrier filters the text or the sender
		30019,                      // the media are too large
		21604,                      // no recipient
		21624, 30012, 30045, 90007, // a validity period outside its range
		63005, 63013, 63021, // WhatsApp does not accept the content: as such, by its policy, by its form
		63027: // WhatsApp has no such template in this language
		return provider.Template
	case 21212, 21601, 21603, 21606, 21657, // the sender is not a number, is missing, cannot send SMS, cannot send it there
		21659, 21660, 21661: // the same, more precisely, since 2024
		return provider.Sender
	case 20003, // wrong credentials
		20404,               // no account with this id
		21608,               // a trial account, and the recipient is not verified
		21703, 21704, 21705, // the messaging service
		30002,                      // suspended
		30018, 30024, 30032, 30034, // the sender is not registered for its carrier: provisioning, toll-free, 10DLC
		30042,        // a generic sender id
		63002, 63007, // the sender is no WhatsApp sender of this account
		63038: // the daily limit of the account
		return provider.Account
	case 30036: // the validity period ended while the message was in Twilio's queue; it was never sent
		return provider.Expired
	default:
		return 0
	}
}
