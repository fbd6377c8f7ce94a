package alibaba

import (
	_ "embed"
	"strings"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
	"github.com/backstophq/backstop/internal/provider/meta"
)

// explanations says what the codes of codeMeaning mean, for people. A new code needs its entry.
//
//go:embed codes.json
var explanations []byte

// ErrorCodes returns all error codes that the driver knows: those of Alibaba Cloud, and Meta's, which come in receipts of
// WhatsApp.
func ErrorCodes() ([]backstop.ErrorCode, error) {
	own, err := provider.Explain(name, explanations, codeMeaning)
	if err != nil {
		return nil, err
	}
	ofMeta, err := meta.ErrorCodes()
	if err != nil {
		return nil, err
	}
	for _, code := range ofMeta {
		code.Provider = name
		own = append(own, code)
	}
	return own, nil
}

// meaningOf returns the meaning of a code on a channel. On WhatsApp, a number is a code of Meta's.
func meaningOf(channel backstop.Channel, code string) provider.Meaning {
	meaning := codeMeaning(code)
	if meaning == 0 && channel == backstop.WhatsApp {
		return meta.CodeMeaning(code)
	}
	return meaning
}

// codeMeaning returns the meaning of an error code of Alibaba Cloud, or zero if it is not in the table. Sources: the manual's
// pages "International error codes" (SMS) and "API error codes" (WhatsApp), and the codes that the gateway before all services
// has.
func codeMeaning(code string) provider.Meaning {
	switch kind, _, _ := strings.Cut(code, "."); kind { // the gateway's codes have details after a dot
	case "Throttling":
		return provider.Throttled
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "SignatureNonceUsed", "IncompleteSignature", "InvalidTimeStamp",
		"Forbidden", "NoPermission", "Authentication":
		return provider.Account
	case "ServiceUnavailable", "InternalError":
		return provider.Unavailable
	case "InvalidParameter", "DetailError":
		return whatsAppMeaning(code)
	}
	switch code {
	case "QPS_LIMIT_CONTROL":
		return provider.Throttled
	case "SYSTEM_ERROR": // nothing says that a repeat helps
		return provider.Doubtful
	case "ONLINE_BILLING_FAILED": // "busy, try again later"
		return provider.Unavailable
	case "MOBILE_NUMBER_ILLEGAL", "MOBILE_COUNT_OVER_LIMIT", "NOT_SUPPORTED_COUNTRY", "COUNTRY_RESTRICTED":
		return provider.Recipient
	case "SMS_CONTENT_CODE_ILLEGAL", "CONTENT_MISSING_PARAMETERS", "INVALID_PARAMETERS", "INVALID_JSON_PARAM",
		"PARAM_LENGTH_LIMIT", "SMS_CONTENT_ILLEGAL", "SMS_SECURITY_INTERCEPTED", "BLACK_KEY_CONTROL_LIMIT":
		return provider.Template
	case "INVALID_SENDERID", "SENDERID_ERROR", "SMS_SIGN_NAME_ILLEGAL":
		return provider.Sender
	case "FORBIDDEN_ACTION", "OUT_OF_SERVICE", "AMOUNT_NOT_ENOUGH",
		"ACCOUNT_NOT_EXISTS", "ACCOUNT_ABNORMAL", "ACCOUNT_ILLEGAL", "PRODUCT_NOT_SUBSCRIBED", "PRODUCT_UN_SUBSCRIPT",
		"RAM_PERMISSION_DENY":
		return provider.Account
	}
	return 0
}

// whatsAppMeaning is the meaning of a code of Chat App Message Service that is about a parameter.
func whatsAppMeaning(code string) provider.Meaning {
	switch code {
	case "InvalidParameter.PhoneNumberError":
		return provider.Recipient
	case "InvalidParameter.FromOnlyNumeric":
		return provider.Account
	}
	return provider.Template
}
