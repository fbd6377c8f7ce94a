package provider

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/backstophq/backstop"
)

// maxMessageID bounds a provider's message id, in bytes. Meta's have about 60, Twilio's 34.
const maxMessageID = 256

// ours is the form of the references that we give out: a UUID and a small step.
var refPattern = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[1-9][0-9]{0,3}$`)

// Ref reads a reference that a provider returned. It is zero when the text is not one of ours: other systems may send
// through the same account and have references of their own.
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

// Invalid is the error for a signed webhook that is not as the provider documents it.
func Invalid(message string, cause error) error {
	return &backstop.Error{Code: backstop.Invalid, Message: message, Cause: cause}
}
