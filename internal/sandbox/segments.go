package sandbox

import (
	"strings"
	"unicode/utf16"
)

// GSM 03.38: the default alphabet, and the characters of its extension table, which take two septets.
const (
	gsmDefault = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿" +
		"abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtended = "\f^{}\\[~]|€"
)

// The maximum units of a text with one part, and of each part of a longer text: septets, or 16-bit units of UCS-2.
const (
	gsmSingle, gsmPart   = 160, 153
	ucs2Single, ucs2Part = 70, 67
)

// countSegments returns the number of SMS parts of a text: num_segments in Twilio's answers.
func countSegments(text string) int {
	if widths, ok := gsmWidths(text); ok {
		return countParts(widths, gsmSingle, gsmPart)
	}
	widths := make([]int, 0, len(text))
	for _, r := range text {
		widths = append(widths, utf16.RuneLen(r))
	}
	return countParts(widths, ucs2Single, ucs2Part)
}

// gsmWidths returns the septets of each character. It returns false if a character is not in the GSM alphabet.
func gsmWidths(text string) ([]int, bool) {
	widths := make([]int, 0, len(text))
	for _, r := range text {
		switch {
		case strings.ContainsRune(gsmDefault, r):
			widths = append(widths, 1)
		case strings.ContainsRune(gsmExtended, r):
			widths = append(widths, 2)
		default:
			return nil, false
		}
	}
	return widths, true
}

// countParts returns the number of parts for characters of these widths. No character is split.
func countParts(widths []int, single, part int) int {
	total := 0
	for _, w := range widths {
		total += w
	}
	if total <= single {
		return 1
	}
	count, used := 1, 0
	for _, w := range widths {
		if used+w > part {
			count, used = count+1, 0
		}
		used += w
	}
	return count
}
