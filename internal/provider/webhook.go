package provider

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/backstophq/backstop"
)

// maxMessageID is the maximum length of a provider's message id, in bytes. Meta's ids have about 60 bytes, Twilio's 34.
const maxMessageID = 256

// refPattern matches a reference that Backstop makes: a UUID and a step number.
var refPattern = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[1-9][0-9]{0,3}$`)

// Ref parses a reference that a provider returned. It returns the zero Ref if Backstop did not make the reference: other
// systems may send through the same account and have references of their own.
func Ref(s string) backstop.Ref {
	if !refPattern.MatchString(s) {
		return backstop.Ref{}
	}
	ref, err := backstop.ParseRef(s)
	if err != nil {
		return backstop.Ref{}
	}
	return ref
}

// ValidMessageID reports whether a provider's message id can be stored.
func ValidMessageID(id string) bool {
	return id != "" && len(id) <= maxMessageID && utf8.ValidString(id) && !strings.ContainsFunc(id, unicode.IsControl)
}

// Forged is the error for a webhook that the provider did not sign.
func Forged(message string) error { return &backstop.Error{Code: backstop.Forged, Message: message} }

// Invalid is the error for a webhook that is signed but does not match the provider's documentation.
func Invalid(message string, cause error) error {
	return &backstop.Error{Code: backstop.Invalid, Message: message, Cause: cause}
}
