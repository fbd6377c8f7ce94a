package backstop

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
)

var (
	// e164 is the shape of an international number: ITU-T E.164 allows 15 digits and no leading zero.
	e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	// alphanumeric is an SMS sender name: 3GPP TS 23.040 leaves room for 11 characters.
	alphanumeric = regexp.MustCompile(`^[A-Za-z0-9 _&.+-]{1,11}$`)
	shortCode    = regexp.MustCompile(`^[0-9]{3,8}$`)
)

// Recipient parses a number in E.164 form ("+447400123456") and returns its country (ISO 3166-1 alpha-2), which is
// empty for a number of no country, such as an international freephone number, and for one that its country has not
// given out. An error is an Error of code Invalid; the number is not in it.
func Recipient(number string) (country string, err error) {
	var f fields
	if !e164.MatchString(number) {
		f.add("to", "must be a phone number in E.164 form, like +447400123456")
		return "", f.err("the recipient is not valid")
	}
	parsed, err := phonenumbers.Parse(number, "")
	// The library also calls possible what only a neighbour can dial: a number without its area code.
	if err != nil || phonenumbers.IsPossibleNumberWithReason(parsed) != phonenumbers.IS_POSSIBLE {
		f.add("to", "is not a possible phone number of its country")
		return "", f.err("the recipient is not valid")
	}
	region := phonenumbers.GetRegionCodeForNumber(parsed)
	if region == "001" { // the library's word for the whole world
		region = ""
	}
	return region, nil
}

// Mask hides a phone number for logs: its first three and last two digits stay.
func Mask(number string) string {
	head, tail := 3, 2
	if strings.HasPrefix(number, "+") {
		head++
	}
	if len(number) <= head+tail {
		return "***"
	}
	return number[:head] + strings.Repeat("*", len(number)-head-tail) + number[len(number)-tail:]
}

// checkSendID returns what is wrong with an SMS sender ID, or nothing.
func checkSendID(id string) string {
	if e164.MatchString(id) || shortCode.MatchString(id) {
		return ""
	}
	if alphanumeric.MatchString(id) && strings.ContainsFunc(id, unicode.IsLetter) && strings.TrimSpace(id) == id {
		return ""
	}
	return "must be 1 to 11 letters, digits, spaces and _&.+- with at least one letter, a short code of 3 to 8 digits, " +
		"or an E.164 number"
}

func knownCountry(c string) bool { return phonenumbers.GetSupportedRegions()[c] }

// validateName checks the name of a rule or policy.
func validateName(f *fields, name string) {
	switch {
	case strings.TrimSpace(name) == "":
		f.add("name", "is required")
	case strings.TrimSpace(name) != name:
		f.add("name", "must not begin or end with a space")
	case utf8.RuneCountInString(name) > MaxNameRunes:
		f.add("name", "must have at most 64 characters")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		f.add("name", "must not contain control characters")
	}
}
