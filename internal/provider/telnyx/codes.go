package telnyx

import (
	_ "embed"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// explanations says what the codes of codeMeaning mean, for people. A new code needs its entry.
//
//go:embed codes.json
var explanations []byte

// ErrorCodes returns all error codes that the driver knows.
func ErrorCodes() ([]backstop.ErrorCode, error) {
	return provider.Explain(name, explanations, codeMeaning)
}

// Codes that the driver treats in a way of their own.
const (
	codeNotFound = "10005" // a resource or an address that does not exist
	codeTimeout  = "10008" // "The request timed out": it is in no table, because the message may be made
	codeStopped  = "40300" // the recipient has answered STOP
)

// codeMeaning returns the meaning of an error code, or zero if the code is not in the table. The codes from 40001 to 40020 come
// with a webhook, the others with the answer to a request.
//
// Sources: Telnyx's manual, "Messaging error code reference" and "API error codes" (2026). The table has no codes that do not say
// which of the two numbers is wrong (10001, 10002), and none of MMS (40308, 40317). Code 40005 is not Expired: the message had
// left Telnyx.
func codeMeaning(code string) provider.Meaning {
	switch code {
	case "10011", // too many requests
		"40011", "40018", // a carrier's rate; that of AT&T for the sender's campaign
		"40318": // the queue is full
		return provider.Throttled
	case "10007": // unexpected error
		return provider.Unavailable
	case codeStopped:
		return provider.OptedOut
	case "40001", "40004", "40005", "40006", "40008", // a landline, a carrier that refuses, no phone in time
		"40012",                   // no such number
		"40301", "40310", "40319", // the number takes no such message, or is none
		"40309": // the profile may not send to this region
		return provider.Recipient
	case "10004", "10015", // the request
		"40002", "40015", "40017", // filtered, by a carrier or by Telnyx
		"40009", "40302", "40304", "40316", "40322", "40328": // the text
		return provider.Template
	case "40003", "40013", "40315", "40320", // the sender is blocked, not valid, unhealthy, not ready
		"40305", "40306", "40307", "40325": // the sender is not one of the profile
		return provider.Sender
	case "10009", "10010", "20002", "20006", // credentials
		"20012", "20013", "20014", "20015", "20016", "20017", "20100", "40314", "10039", // the state of the account
		"10003", codeNotFound, "10006", "10016", "10017", // the settings of the account, or the sender's form
		"40010", "40016", "40019", "40020", // the sender's campaign
		"40100", "40150", "40151", "40155", "40329", "40330", // the number is not enabled for messages
		"40311", "40312", "40313", "40321", "40331", "40333": // the profile
		return provider.Account
	case "40014": // it expired in Telnyx's queue, and was never sent
		return provider.Expired
	default:
		return 0
	}
}
