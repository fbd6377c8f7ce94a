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

// Units in a text of one part, and in each part of a longer one: septets, or 16-bit units of UCS-2.
const (
	gsmSingle, gsmPart   = 160, 153
	ucs2Single, ucs2Part = 70, 67
)

// segments returns the number of SMS parts of a text: what Twilio answers as num_segments.
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

// parts fills parts with characters of these widths, none of which is split.
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
