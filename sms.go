package backstop

import (
	"strings"
	"unicode/utf16"
)

// SMSEncoding is the encoding of an SMS.
type SMSEncoding string

// The encodings: GSM 7-bit if it has every character of the text, otherwise UCS-2.
const (
	GSM7 SMSEncoding = "gsm7"
	UCS2 SMSEncoding = "ucs2"
)

// The GSM 7-bit default alphabet by code, without the escape at 0x1B, and its extension table, whose characters are
// written as an escape and a code (3GPP TS 23.038, 6.2.1 and 6.2.1.1). Look-alikes, such as a Greek capital alpha for an
// A, are not in it: a provider that replaces them needs fewer segments than we say.
const (
	gsmAlphabet = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtension = "\f^{}\\[~]|€"
)

// The length of an SMS of 140 bytes, alone and beside the 6 bytes that join the segments of a longer text (3GPP TS 23.040,
// 9.2.3.24.1), in septets of GSM 7-bit or in code units of UTF-16.
const (
	gsmAlone, gsmJoined   = 160, 153
	ucs2Alone, ucs2Joined = 70, 67
)

// SMSLength is the length of a text as an SMS.
type SMSLength struct {
	Encoding SMSEncoding
	Length   int // in septets of GSM 7-bit, or in code units of UTF-16
	Segments int // at least 1; each is charged
}

// MeasureSMS returns the length of a text as an SMS.
func MeasureSMS(text string) SMSLength {
	l := SMSLength{Encoding: GSM7}
	width, alone, joined := countSeptets, gsmAlone, gsmJoined
	if strings.ContainsFunc(text, func(r rune) bool { return countSeptets(r) == 0 }) {
		l.Encoding = UCS2
		width, alone, joined = utf16.RuneLen, ucs2Alone, ucs2Joined
	}
	used := 0 // of the last segment
	l.Segments = 1
	for _, r := range text {
		w := width(r)
		if used+w > joined { // the two halves of a character stay together
			l.Segments, used = l.Segments+1, 0
		}
		used += w
		l.Length += w
	}
	if l.Length <= alone {
		l.Segments = 1
	}
	return l
}

// countSeptets returns the septets of a character in GSM 7-bit, or 0 if GSM 7-bit lacks the character.
func countSeptets(r rune) int {
	switch {
	case strings.ContainsRune(gsmAlphabet, r):
		return 1
	case strings.ContainsRune(gsmExtension, r):
		return 2
	default:
		return 0
	}
}
