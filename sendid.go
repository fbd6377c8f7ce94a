package backstop

import (
	"regexp"
	"strings"
	"unicode"
)

var (
	// alphanumeric is an SMS sender name: 3GPP TS 23.040 leaves room for 11 characters.
	alphanumeric = regexp.MustCompile(`^[A-Za-z0-9 _&.+-]{1,11}$`)
	shortCode    = regexp.MustCompile(`^[0-9]{3,8}$`)
	// senderPool is the id of a Twilio messaging service, which chooses among its own senders.
	senderPool = regexp.MustCompile(`^MG[0-9a-fA-F]{32}$`)
)

// numericOnly has the countries to which no SMS can be sent from an alphanumeric SendID, if two published tables agree on it:
// Amazon's "Supported countries and regions (SMS channel)" (Sender IDs: No) and Twilio's "International support for
// Alphanumeric Sender ID" (No). Operators replace the name or drop the message. The list is for a warning, not for a refusal:
// countries change their rules.
const numericOnly = "AR BE BR CA CG CL CN CO CR DO EC GT GU HU KR KY MC MX MY MZ NI NZ PR SV US UY VE ZA"

// TakesSendID reports whether an SMS can be sent to a country (ISO 3166-1 alpha-2) from a SendID of this kind. It is false for
// an alphanumeric SendID and a country of numericOnly.
func TakesSendID(country, id string) bool {
	return country == "" || !strings.Contains(numericOnly, country) || !isName(id)
}

// isName reports whether a SendID is alphanumeric.
func isName(id string) bool {
	return alphanumeric.MatchString(id) && strings.ContainsFunc(id, unicode.IsLetter) && strings.TrimSpace(id) == id
}

// checkSendID returns what is wrong with an SMS sender ID, or nothing.
func checkSendID(id string) string {
	if e164.MatchString(id) || shortCode.MatchString(id) || senderPool.MatchString(id) || isName(id) {
		return ""
	}
	return "must be 1 to 11 letters, digits, spaces and _&.+- with at least one letter, a short code of 3 to 8 digits, " +
		"an E.164 number, or the id of a Twilio messaging service"
}
