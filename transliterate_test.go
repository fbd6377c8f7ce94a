package backstop_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/backstophq/backstop"
)

func TestTransliterate(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"“Hi” — it’s 5 €…":                           `"Hi" - it's 5 €...`,
		"a\u00a0b\u2009c\td\u200be\u00adf":           "a b c def",
		"Žluťoučký kůň":                              "Zlutoucky kun",
		"Łódź, Đorđe, Şişli, ığdır, œuvre":           "Lodz, Dorde, Sisli, igdir, oeuvre",
		"Malmö ä ü ñ à é ß Å Ç Δ":                    "Malmö ä ü ñ à é ß Å Ç Δ",
		"ç ǖ ấ “":                                    `c ü a "`, // what GSM 7-bit has of a letter stays
		"ö for the same in two characters:  o\u0308": "ö for the same in two characters:  ö",
		"ＡＢＣ！ ﬁn":                                    "ABC! fin",
		"10² “quoted”":                               "10² “quoted”", // a superscript has a meaning
		"1½ č":                                       "1½ č",
		"“Привет”":                                   "“Привет”",
		"“😀”":                                        "“😀”",
		"й č":                                        "й č",
		"«Ωραία»":                                    "«Ωραία»",
		"":                                           "",
	} {
		require.Equal(t, want, backstop.Transliterate(text), text)
	}
}

// The result is the text itself, or it is GSM 7-bit, keeps each character that GSM 7-bit has, and is stable.
func TestTransliterate_any(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("aäöüñéß“”’–…čłœ\u0301😀я½ {€\u00a0"))).Draw(t, "text")
		got := backstop.Transliterate(text)
		if got == text {
			return
		}
		require.Equal(t, backstop.UCS2, backstop.MeasureSMS(text).Encoding)
		require.Equal(t, backstop.GSM7, backstop.MeasureSMS(got).Encoding)
		require.Equal(t, got, backstop.Transliterate(got))
	})
}
