package backstop

import (
	"strings"
	"unicode"
)

// Bounds of the digits in a search for a number.
const (
	minSearchDigits = 4
	maxNumberDigits = 15 // E.164
	minNational     = 8  // of a number that may have a prefix
)

// NumberQuery is a text that is read as a phone number. A field is empty if the text cannot be that.
type NumberQuery struct {
	To     string   // the whole number, in E.164 form
	ToEnds []string // the last digits of the number, the most probable first
}

// ReadNumber reads a phone number as people write it: with or without its country, with a trunk prefix, with separators, or only
// its last digits. It needs at least four digits. For another text it returns the zero value.
func ReadNumber(text string) (q NumberQuery) {
	digits, isWhole, ok := readDigits(text)
	if !ok || len(digits) < minSearchDigits || len(digits) > maxNumberDigits {
		return NumberQuery{}
	}
	if isWhole {
		q.To = withoutTrunkOr("+" + digits)
		return q
	}
	// Most countries write a 0 in front of a national number, which E.164 leaves out. Italy keeps it: there the digits after it
	// are enough.
	last := strings.TrimLeft(digits, "0")
	if len(last) < minSearchDigits {
		last = digits
	}
	q.ToEnds = append(q.ToEnds, last)
	if rest, found := strings.CutPrefix(digits, "8"); found { // Russia and some of its neighbours write an 8
		if rest = strings.TrimLeft(rest, "0"); len(rest) >= minNational {
			q.ToEnds = append(q.ToEnds, rest)
		}
	}
	return q
}

// readDigits returns the digits of a text in any script, and whether the country is among them.
func readDigits(text string) (digits string, isWhole, ok bool) {
	text = strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
	for _, plus := range []string{"+", "＋", "00"} { // the second is the full-width plus of Chinese keyboards
		if rest, found := strings.CutPrefix(text, plus); found && (plus != "00" || len(rest) >= minNational) {
			text, isWhole = strings.ReplaceAll(rest, "(0)", ""), true // "+44 (0)7400 123456"
			break
		}
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case unicode.IsDigit(r):
			b.WriteByte(asciiDigit(r))
		case unicode.IsSpace(r), unicode.Is(unicode.Pd, r), unicode.Is(unicode.Cf, r), strings.ContainsRune("().,/（）", r):
		default:
			return "", false, false
		}
	}
	return b.String(), isWhole, true
}

// asciiDigit returns a digit of any script as one of ASCII. Unicode has the digits of a script in order, and the ranges of its
// table begin with a zero (The Unicode Standard, 4.6).
func asciiDigit(digit rune) byte {
	value := rune(0)
	for _, r := range unicode.Nd.R16 {
		if rune(r.Lo) <= digit && digit <= rune(r.Hi) {
			value = (digit - rune(r.Lo)) % 10
		}
	}
	for _, r := range unicode.Nd.R32 {
		if rune(r.Lo) <= digit && digit <= rune(r.Hi) { //nolint:gosec // a table of runes
			value = (digit - rune(r.Lo)) % 10 //nolint:gosec // the same
		}
	}
	return byte('0' + value)
}

// withoutTrunkOr returns the number that was probably meant, or the number itself.
func withoutTrunkOr(number string) string {
	parsed, written := parseNumber(number)
	if meant := withoutTrunk(number, parsed, written); meant != "" {
		return meant
	}
	return number
}

// FoundBy is the kind of text by which a search has found sends.
type FoundBy string

// The ways to find sends, in the order in which they are tried.
const (
	FoundByKey         FoundBy = "idempotency_key"
	FoundByCorrelation FoundBy = "correlation_id"
	FoundByMessage     FoundBy = "message_id" // the provider's
	FoundByID          FoundBy = "id"         // of the send, or its first 8 or more digits
	FoundByNumber      FoundBy = "number"
	FoundByNumberEnd   FoundBy = "number_end"
	FoundNothing       FoundBy = "nothing"
)

// FoundSends is the result of a search for sends.
type FoundSends struct {
	By     FoundBy
	Filter SendFilter // of all sends that fit, if they were found by a number or a CorrelationID
	Sends  []Send     // the newest first
	More   bool       // whether there are more
}
