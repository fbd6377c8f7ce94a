package backstop_test

import (
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/backstophq/backstop"
)

// gsm is the default alphabet in the order of 3GPP TS 23.038, 6.2.1: eight columns of 16 codes. The escape, at 0x1B, is
// a space here.
var gsm = [8]string{
	"@£$¥èéùìòÇ\nØø\rÅå", "Δ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ", " !\"#¤%&'()*+,-./", "0123456789:;<=>?",
	"¡ABCDEFGHIJKLMNO", "PQRSTUVWXYZÄÖÑÜ§", "¿abcdefghijklmno", "pqrstuvwxyzäöñüà",
}

// gsmExtended is the extension table (6.2.1.1).
const gsmExtended = "\f^{}\\[~]|€"

func TestMeasureSMS(t *testing.T) {
	t.Parallel()
	const gsm7, ucs2 = backstop.GSM7, backstop.UCS2
	many := strings.Repeat
	tests := map[string]struct {
		text     string
		encoding backstop.SMSEncoding
		length   int
		segments int
	}{
		"nothing":                           {"", gsm7, 0, 1},
		"one letter":                        {"a", gsm7, 1, 1},
		"one segment":                       {many("a", 160), gsm7, 160, 1},
		"two segments":                      {many("a", 161), gsm7, 161, 2},
		"two full":                          {many("a", 306), gsm7, 306, 2},
		"three":                             {many("a", 307), gsm7, 307, 3},
		"the longest":                       {many("a", 1600), gsm7, 1600, 11},
		"two bytes in UTF-8, one septet":    {many("é", 160), gsm7, 160, 1},
		"three bytes in UTF-8, two septets": {many("€", 80), gsm7, 160, 1},
		"one euro more":                     {many("€", 81), gsm7, 162, 2},
		"76 in a segment, a septet is left": {many("€", 153), gsm7, 306, 3},
		"half a character fits":             {many("a", 152) + "€" + many("a", 152), gsm7, 306, 3},
		"a whole one does":                  {many("a", 151) + "€" + many("a", 153), gsm7, 306, 2},
		"lines":                             {"a\r\nb\fc", gsm7, 7, 1},
		"not in the alphabet":               {"ç", ucs2, 1, 1},
		"a look-alike":                      {"Α", ucs2, 1, 1}, // a Greek capital alpha
		"typographic":                       {"It’s here", ucs2, 9, 1},
		"a tab":                             {"a\tb", ucs2, 3, 1},
		"a back quote":                      {"`", ucs2, 1, 1},
		"the escape itself":                 {"\x1b", ucs2, 1, 1},
		"a no-break space":                  {"a\u00a0b", ucs2, 3, 1},
		"a letter and its accent":           {"e\u0301", ucs2, 2, 1},
		"not UTF-8":                         {"a\xffb", ucs2, 3, 1},
		"one segment of UCS-2":              {many("я", 70), ucs2, 70, 1},
		"two of UCS-2":                      {many("я", 71), ucs2, 71, 2},
		"two full of UCS-2":                 {many("я", 134), ucs2, 134, 2},
		"three of UCS-2":                    {many("я", 135), ucs2, 135, 3},
		"one odd character":                 {many("a", 70) + "я", ucs2, 71, 2},
		"an extended one counts once":       {"€я", ucs2, 2, 1},
		"surrogate pairs":                   {many("😀", 35), ucs2, 70, 1},
		"33 in a segment, a unit is left":   {many("😀", 67), ucs2, 134, 3},
		"half a pair fits":                  {many("я", 66) + "😀" + many("я", 66), ucs2, 134, 3},
		"a whole pair does":                 {many("я", 65) + "😀" + many("я", 67), ucs2, 134, 2},
		"a family":                          {"👨‍👩‍👧", ucs2, 8, 1}, // joined by characters of their own
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := backstop.SMSLength{Encoding: tc.encoding, Length: tc.length, Segments: tc.segments}
			require.Equal(t, want, backstop.MeasureSMS(tc.text))
		})
	}
}

// Of all characters of Unicode, those of the two tables are written in GSM 7-bit, and no others.
func TestMeasureSMS_alphabet(t *testing.T) {
	t.Parallel()
	septets := map[rune]int{}
	for i, column := range gsm {
		require.Len(t, []rune(column), 16)
		for j, r := range []rune(column) {
			if i != 1 || j != 0x0B {
				septets[r] = 1
			}
		}
	}
	for _, r := range gsmExtended {
		septets[r] = 2
	}
	require.Len(t, septets, 127+10)
	for r := range rune(0x110000) {
		got := backstop.MeasureSMS(string(r)) // of half a surrogate pair, the replacement character
		if n := septets[r]; n > 0 {
			require.Equal(t, backstop.SMSLength{Encoding: backstop.GSM7, Length: n, Segments: 1}, got, "%q", r)
		} else if got.Encoding != backstop.UCS2 {
			require.Fail(t, "not in the alphabet", "%q", r)
		}
	}
}

// texts are long enough for several segments, and most of their characters are of one encoding.
func texts() *rapid.Generator[string] {
	letters := []rune(strings.Join(gsm[:], "") + gsmExtended + gsmExtended + gsmExtended)
	in7 := rapid.StringOfN(rapid.SampledFrom(letters), 0, 400, -1)
	in16 := rapid.StringOfN(rapid.SampledFrom([]rune("я日😀a€")), 0, 200, -1)
	return rapid.OneOf(in7, in16, rapid.String(), rapid.Custom(func(t *rapid.T) string {
		return in7.Draw(t, "gsm7") + in16.Draw(t, "ucs2")
	}))
}

// units splits a text into its characters, each as the units that it is written in.
func units(text string, e backstop.SMSEncoding) (characters []int, total int) {
	for _, r := range text {
		n := 1
		switch {
		case e == backstop.UCS2:
			n = len(utf16.Encode([]rune{r}))
		case strings.ContainsRune(gsmExtended, r):
			n = 2
		}
		characters, total = append(characters, n), total+n
	}
	return characters, total
}

// fewest tries every way to split a text between its characters into segments.
func fewest(characters []int, total, alone, joined int) int {
	if total <= alone {
		return 1
	}
	best := make([]int, len(characters)+1) // of the first characters
	for end := 1; end <= len(characters); end++ {
		best[end] = end
		for start, size := end-1, 0; start >= 0; start-- {
			if size += characters[start]; size > joined {
				break
			}
			best[end] = min(best[end], best[start]+1)
		}
	}
	return best[len(characters)]
}

func TestMeasureSMS_property(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := texts().Draw(t, "a"), texts().Draw(t, "b")
		of, both := backstop.MeasureSMS(a), backstop.MeasureSMS(a+b)

		alone, joined := 160, 153
		if of.Encoding == backstop.UCS2 {
			alone, joined = 70, 67
		}
		characters, total := units(a, of.Encoding)
		require.Equal(t, total, of.Length)
		require.Equal(t, fewest(characters, total, alone, joined), of.Segments, "no way to split it needs fewer")

		require.GreaterOrEqual(t, both.Segments, of.Segments, "more text never takes less")
		rest := backstop.MeasureSMS(b)
		ucs2 := of.Encoding == backstop.UCS2 || rest.Encoding == backstop.UCS2
		require.Equal(t, ucs2, both.Encoding == backstop.UCS2, "one odd character is enough")
		if of.Encoding == rest.Encoding {
			require.Equal(t, of.Length+rest.Length, both.Length)
			require.LessOrEqual(t, both.Segments, of.Segments+rest.Segments+1, "the room of a text that is alone is lost once")
		}
	})
}
