package backstop

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
)

// e164 is the shape of an international number: ITU-T E.164 allows 15 digits and no leading zero.
var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// IsE164 reports whether a text has the form of a number in E.164.
func IsE164(number string) bool { return e164.MatchString(number) }

// CountryOf parses a number in E.164 form ("+447400123456") and returns its country (ISO 3166-1 alpha-2). The country is
// empty for a number of no country, such as an international freephone number. A possible number of an area code that the
// library does not list belongs to the main country of its calling code. An error is an Error of code Invalid; its text does
// not have the number.
func CountryOf(number string) (country string, err error) {
	var f fields
	if !e164.MatchString(number) {
		f.add("to", FieldPhoneNumber, "must be a phone number in E.164 form, like +447400123456")
		return "", f.err("the recipient is not valid")
	}
	parsed, written := parseNumber(number)
	if meant := withoutTrunk(number, parsed, written); meant != "" {
		const reason = "has digits that do not belong to it, such as a 0 before the area code"
		if _, n := parseNumber(meant); n == nil || phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE {
			meant = "" // it would be refused too
		}
		field := NewField("to", FieldTrunkDigits, reason)
		field.Meant = meant
		f = append(f, field)
		return "", f.err("the recipient is not valid")
	}
	// The library also calls possible what only a neighbour can dial: a number without its area code.
	if written == nil || phonenumbers.IsPossibleNumberWithReason(written) != phonenumbers.IS_POSSIBLE {
		f.add("to", FieldImpossibleNumber, "is not a possible phone number of its country")
		return "", f.err("the recipient is not valid")
	}
	region := phonenumbers.GetRegionCodeForNumber(written)
	if region == "" {
		region = phonenumbers.GetRegionCodeForCountryCode(int(written.GetCountryCode()))
	}
	if region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY {
		region = ""
	}
	return region, nil
}

// IsListed reports whether a number is in the numbering plan that the library has of its country. CountryOf must have accepted
// the number. A number that is not listed may have a new area code, or be a mistake.
func IsListed(number string) bool {
	_, written := parseNumber(number)
	return written != nil && phonenumbers.IsValidNumber(written)
}

// PrefixOf returns the beginning of a number that CountryOf has accepted: its calling code and the first digits of its national
// number. A shorter number is its own prefix.
func PrefixOf(number string, digits int) string {
	parsed, _ := parseNumber(number)
	if parsed == nil {
		return number
	}
	return number[:min(len(number), len(fmt.Sprintf("+%d", parsed.GetCountryCode()))+digits)]
}

// parseNumber reads a number in E.164 form as the library understands it, and as its digits are written: phonenumbers.Parse
// leaves out a trunk digit in silence. Both are nil for an unknown calling code.
func parseNumber(number string) (parsed, written *phonenumbers.PhoneNumber) {
	parsed, err := phonenumbers.Parse(number, "")
	if err != nil {
		return nil, nil
	}
	national := strings.TrimPrefix(number, fmt.Sprintf("+%d", parsed.GetCountryCode()))
	digits, err := strconv.ParseUint(national, 10, 64)
	if err != nil {
		return nil, nil
	}
	written = &phonenumbers.PhoneNumber{CountryCode: parsed.CountryCode, NationalNumber: &digits}
	if zeros := int32(len(national) - len(strings.TrimLeft(national, "0"))); zeros > 0 { //nolint:gosec // of 15 digits
		leading := true
		written.ItalianLeadingZero, written.NumberOfLeadingZeros = &leading, &zeros
	}
	return parsed, written
}

// withoutTrunk returns a number without the national prefix (trunk digit) or the code of a carrier after its calling code: the
// number that the caller probably meant. It returns "" if the number has no such digits, or is valid with them: in Italy +39
// 06... is.
func withoutTrunk(number string, parsed, written *phonenumbers.PhoneNumber) string {
	if parsed == nil {
		return ""
	}
	stripped := phonenumbers.Format(parsed, phonenumbers.E164)
	if stripped == number {
		// Parse takes more than the prefix where the digits after it look like a carrier's code, and then strips nothing.
		code := int(parsed.GetCountryCode())
		trunk := phonenumbers.GetNddPrefixForRegion(phonenumbers.GetRegionCodeForCountryCode(code), true)
		national, found := strings.CutPrefix(number, fmt.Sprintf("+%d%s", code, trunk))
		stripped = fmt.Sprintf("+%d%s", code, national)
		if !found || trunk == "" || !IsListed(stripped) {
			if phonenumbers.IsPossibleNumber(written) {
				return ""
			}
			stripped = Notations(number)[0] // in Mexico without the former 1 of mobile numbers
		}
		if stripped == number || !IsListed(stripped) {
			return ""
		}
	}
	if phonenumbers.IsValidNumber(written) {
		return ""
	}
	return stripped
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

func knownCountry(c string) bool { return phonenumbers.GetSupportedRegions()[c] }

// validateName checks the name of a rule or policy.
func validateName(f *fields, name string) {
	switch {
	case strings.TrimSpace(name) == "":
		f.add("name", FieldRequired, "is required")
	case strings.TrimSpace(name) != name:
		f.add("name", FieldOuterSpace, "must not begin or end with a space")
	case utf8.RuneCountInString(name) > MaxNameRunes:
		f.addMax("name", FieldLengthMax, "must have at most %d characters", MaxNameRunes)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		f.add("name", FieldControlCharacters, "must not contain control characters")
	}
}
