package backstop_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

func TestSend_Validate_blank(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text  string
		blank bool
	}{
		"white space":             {" \t\r\n\v\f\u0085\u00a0\u1680\u2003\u2028\u2029\u202f\u205f\u3000", true},
		"zero width":              {"\u200b\u200c\u200d\u2060\ufeff", true},
		"directions":              {"\u200e\u200f\u061c\u202a\u202e\u2066\u2069", true},
		"a soft hyphen":           {"\u00ad", true},
		"control characters":      {"\x01\x1b\x7f", true},
		"Braille without dots":    {"\u2800", true},
		"Hangul fillers":          {"\u115f\u1160\u3164\uffa0", true},
		"a grapheme joiner":       {"\u034f", true},
		"variation selectors":     {"\ufe0f\U000e0100\u180b", true},
		"Khmer inherent vowels":   {"\u17b4\u17b5", true},
		"tags":                    {"\U000e0001\U000e0041\U000e007f", true},
		"musical format":          {"\U0001d173", true},
		"a letter among them":     {"\u200b \u2800a\n", false},
		"a full stop":             {".", false},
		"Braille":                 {"\u2801", false},
		"Hangul":                  {"\u1161", false},
		"an emoji":                {"❤\ufe0f", false},
		"a flag":                  {"🏴\U000e0067\U000e0062\U000e007f", false},
		"a family":                {"👨\u200d👩\u200d👧", false},
		"an Arabic number sign":   {"\u0600", false},
		"the replacement":         {"\ufffd", false},
		"an accent":               {"\u0301", false},
		"of the private use area": {"\ue000", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			send := backstop.Send{Text: "hello", SMSText: c.text}
			var want []string
			if c.blank {
				want = []string{"fallback.text"}
			}
			require.Equal(t, want, invalid(t, send.Validate(origin)))
		})
	}
}
