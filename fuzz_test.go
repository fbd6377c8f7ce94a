package backstop_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// FuzzContent: components and simple templates of any form are refused with fields, or rendered to JSON that a send may have.
func FuzzContent(f *testing.F) {
	for _, seed := range []string{
		`[{"type":"body","parameters":[{"type":"text","text":"{{a}}"}]}]`, `[]`, `{}`, `null`, `[null]`, `[{"type":1}]`, `[[[[1e999]]]]`,
		`[{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"x"}]}]`, "[\"\xff\"]", `{"body":["a"]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		components := json.RawMessage(text)
		if !json.Valid(components) {
			return // the contract has refused the body
		}
		backstop.ReadTemplateParameters(components)
		content := backstop.Content{
			Template:  &backstop.ContentTemplate{Name: "a", Language: "en", Components: components},
			IsPattern: true, Variables: backstop.Variables{"a": "b"},
		}
		s, err := content.Render(backstop.Send{})
		if err != nil {
			require.Equal(t, backstop.Invalid, backstop.CodeOf(err))
			return
		}
		require.True(t, json.Valid(s.Template.Components), "%s", s.Template.Components)
	})
}

// FuzzSimpleTexts: a list, an object or one text is read as it is written.
func FuzzSimpleTexts(f *testing.F) {
	for _, seed := range []string{`["a"]`, `{"a":"b"}`, `"a"`, `null`, `[1]`, `{"a":{}}`, `[null]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var read, again backstop.SimpleTexts
		if json.Unmarshal([]byte(text), &read) != nil {
			return
		}
		written, err := json.Marshal(read)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(written, &again))
		require.Equal(t, read, again)
	})
}

// FuzzReadNumber: what a person searches for is digits of a number, or nothing.
func FuzzReadNumber(f *testing.F) {
	for _, seed := range []string{"+44 (0)7400 123456", "07400-123456", "٠٧٤٠٠١٢٣٤٥٦", "＋4474", "00", "8 916", "\xff123456", "-"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q := backstop.ReadNumber(text)
		if q.To != "" {
			require.Regexp(t, `^\+[0-9]{4,15}$`, q.To)
		}
		for _, end := range q.ToEnds {
			require.Regexp(t, `^[0-9]{4,15}$`, end)
		}
	})
}

// FuzzSMSLength: a text is measured and written in GSM-7 without a loss of characters that GSM-7 has.
func FuzzSMSLength(f *testing.F) {
	for _, seed := range []string{"", "Grüße €", "naïve “quotes”", "👩‍👩‍👧", "\u0301a", "[x]\f", strings.Repeat("a", 161)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return // the contract has refused the body
		}
		plain := backstop.Transliterate(text)
		require.True(t, utf8.ValidString(plain))
		require.Equal(t, plain, backstop.Transliterate(plain), "twice is once")
		before, after := backstop.MeasureSMS(text), backstop.MeasureSMS(plain)
		require.GreaterOrEqual(t, before.Segments, 1)
		if before.Encoding == backstop.GSM7 {
			require.Equal(t, text, plain, "it is GSM-7 already")
			require.Equal(t, before, after)
		}
	})
}
