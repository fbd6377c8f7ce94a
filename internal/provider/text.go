package provider

import (
	"regexp"
	"strings"
	"unicode"
)

// maxReason bounds a provider's text, in characters. The longest of Meta's published texts has about 250.
const maxReason = 300

// number is anything that may be a phone number: 7 digits or more, perhaps with single spaces or dashes between them.
// The providers' error codes have at most 6.
var number = regexp.MustCompile(`[0-9](?:[ -]?[0-9]){6,}`)

// Text makes a text of the provider, or of a failed connection, fit to be shown and stored: no secret, no phone
// number, no control characters, at most 300 characters.
func (p *Poster) Text(s string) string {
	s = p.secrets.Replace(strings.ToValidUTF8(s, ""))
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(number.ReplaceAllString(s, "***")), " ")
	if runes := []rune(s); len(runes) > maxReason {
		s = string(runes[:maxReason])
	}
	return s
}
