package provider

import (
	"net/netip"
	"regexp"
	"strings"
	"unicode"
)

// maxReason is the maximum length of a provider's text, in characters. Meta's longest published text has about 250.
const maxReason = 300

// numberPattern matches anything that may be a phone number: 7 digits or more, of any alphabet, with any number of spaces,
// dashes, dots, underscores, apostrophes, parentheses, slashes and invisible characters, or a comma, between them. The
// shortest international numbers have 7 digits. The providers' error codes have at most 6, or 7 if they do not belong to a
// send.
const (
	numberPattern = `\p{Nd}(?:(?:,|` + gapPattern + `*)\p{Nd}){6,}`

	gapPattern = `[\p{Z}\p{Pd}\p{Pc}\p{Cf}.'()/\x{00B7}\x{2019}\x{2022}\x{2212}\x{FF0E}\x{FF08}\x{FF09}\x{FF0F}]`
)

// codePattern matches an error code as Meta writes it before its text. Without this pattern, the code and the digits after
// it would match as one phone number.
const codePattern = `\(#[0-9]{1,6}\)`

// addressPattern matches what may be an IPv4 address with a port, as in an error of a connection.
const addressPattern = `(?:[0-9]{1,3}\.){3}[0-9]{1,3}:[0-9]{1,5}\b`

var (
	phoneNumbers    = regexp.MustCompile(numberPattern)
	codesAndNumbers = regexp.MustCompile(codePattern + "|" + addressPattern + "|" + numberPattern)
)

// hideNumbers replaces each phone number in a text by ***.
func hideNumbers(text string) string {
	return codesAndNumbers.ReplaceAllStringFunc(text, func(found string) string {
		if _, err := netip.ParseAddrPort(found); err == nil {
			return found
		}
		return phoneNumbers.ReplaceAllString(found, "***")
	})
}

// tokenPattern matches a JSON Web Token. Some drivers make a new one for each call, so a token is in no set of secrets.
var tokenPattern = regexp.MustCompile(`\beyJ[0-9A-Za-z_-]*\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+`)

// Text cleans a text of the provider, or the error of a connection, so that it can be shown and stored: no secret, no phone
// number, no control characters, at most 300 characters.
func (p *Poster) Text(s string) string {
	s = tokenPattern.ReplaceAllString(p.secrets.hide(strings.ToValidUTF8(s, "")), "***")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(hideNumbers(s)), " ")
	if runes := []rune(s); len(runes) > maxReason {
		s = string(runes[:maxReason])
	}
	return s
}
