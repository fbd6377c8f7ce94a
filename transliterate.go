package backstop

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Transliterate replaces the characters that GSM 7-bit lacks, so that an SMS needs fewer segments: typographic characters by
// plain ones, and letters by those without the accent that GSM 7-bit lacks. It never replaces a character that GSM 7-bit has,
// such as ä. If one character cannot be replaced, such as an emoji, the SMS is UCS-2 all the same, and the text stays as it
// is.
func Transliterate(text string) string {
	if MeasureSMS(text).Encoding == GSM7 {
		return text
	}
	var b strings.Builder
	for _, r := range norm.NFC.String(text) { // an accent may be a character of its own
		plain, ok := plainForm(r)
		if !ok {
			return text
		}
		b.WriteString(plain)
	}
	return b.String()
}

// plainForm returns a character in GSM 7-bit; false if there is no form of it.
func plainForm(r rune) (string, bool) {
	if countSeptets(r) > 0 {
		return string(r), true
	}
	if plain, found := plainSign(r); found {
		return plain, true
	}
	switch {
	case r >= '！' && r <= '～': // the full-width forms of ASCII
		return plainForm(r - '！' + '!')
	case unicode.Is(unicode.Zs, r) || r == '\t':
		return " ", true
	case unicode.IsLetter(r):
		return withoutAccents(r)
	}
	return "", false
}

// withoutAccents drops the accents of a letter, the last first, until GSM 7-bit has the rest: ǖ becomes ü, and č becomes c.
func withoutAccents(r rune) (string, bool) {
	parts := []rune(norm.NFD.String(string(r)))
	for n := len(parts) - 1; n > 0; n-- {
		if !unicode.Is(unicode.Mn, parts[n]) {
			return "", false
		}
		rest := []rune(norm.NFC.String(string(parts[:n])))
		if len(rest) != 1 {
			continue
		}
		if countSeptets(rest[0]) > 0 {
			return string(rest), true
		}
		if plain, found := plainLetter(rest[0]); found {
			return plain, true
		}
	}
	return "", false
}

// plainSign returns the plain form of a character that does not decompose. A sign with a meaning of its own, such as ½ or ²,
// has none.
func plainSign(r rune) (string, bool) {
	switch r {
	case '‘', '’', '‚', '‛', '‹', '›', '′', '`', '´', 'ʼ', 'ʻ':
		return "'", true
	case '“', '”', '„', '‟', '«', '»', '″':
		return `"`, true
	case '‐', '‑', '‒', '–', '—', '―', '−':
		return "-", true
	case '\u00ad', '\u200b', '\u200e', '\u200f', '\u2060', '\ufeff': // they have no mark
		return "", true
	case '\u2028', '\u2029': // they end a line or a paragraph
		return "\n", true
	case '…':
		return "...", true
	case '•':
		return "*", true
	case '·':
		return ".", true
	case '×':
		return "x", true
	case '⁄':
		return "/", true
	case '™':
		return "(TM)", true
	case '©':
		return "(C)", true
	case '®':
		return "(R)", true
	}
	return plainLetter(r)
}

// plainLetter returns the plain form of a Latin letter that does not decompose.
func plainLetter(r rune) (string, bool) {
	const letters = "ıiłlŁLđdĐDðdÐDħhĦHŧtŦTſs"
	const groups = "þthÞThœoeŒOEĳijĲIJẞSSŋngŊNGﬀffﬁfiﬂfl"
	for rest := []rune(letters); len(rest) > 0; rest = rest[2:] {
		if rest[0] == r {
			return string(rest[1]), true
		}
	}
	for rest := []rune(groups); len(rest) > 0; rest = rest[3:] {
		if rest[0] == r {
			return string(rest[1:3]), true
		}
	}
	return "", false
}
