package backstop

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

const blank = "must have a visible character"

// validateText checks a text that a recipient sees. It does not check the length.
func validateText(f *fields, name, text string) {
	switch {
	case text == "":
		f.add(name, FieldRequired, "is required")
	case !utf8.ValidString(text):
		f.add(name, FieldNotText, "must be valid UTF-8")
	case strings.ContainsRune(text, 0):
		f.add(name, FieldNotText, "must not contain the NUL character")
	case isBlank(text):
		f.add(name, FieldBlank, blank)
	}
}

// validateSMSText checks the text of an SMS.
func validateSMSText(f *fields, name, text string) {
	validateText(f, name, text)
	if countUnits(text) > MaxSMSText {
		f.addMax(name, FieldUTF16Max, "must have at most %d characters; an emoji counts as two (UTF-16)", MaxSMSText)
	}
}

// validateParameters checks the texts of a template's components, as far as they have Meta's form. Meta refuses a
// parameter without text.
func validateParameters(f *fields, components json.RawMessage) {
	var list []json.RawMessage
	if json.Unmarshal(components, &list) != nil {
		return
	}
	for i, raw := range list {
		var component struct {
			Parameters []struct {
				Text *string `json:"text"`
			} `json:"parameters"`
		}
		if json.Unmarshal(raw, &component) != nil {
			continue
		}
		for j, p := range component.Parameters {
			if p.Text != nil && isBlank(*p.Text) {
				f.add(fmt.Sprintf("whatsapp.template.components.%d.parameters.%d.text", i, j), FieldBlank, blank)
			}
		}
	}
}

// isBlank reports whether a reader sees nothing of a text.
func isBlank(text string) bool { return !strings.ContainsFunc(text, isVisible) }

// isVisible reports whether a character leaves a mark: it is not white space, a control or format character, or a character
// that Unicode wants drawn as nothing (Unicode Standard Annex 44, Default_Ignorable_Code_Point), such as the Hangul fillers.
func isVisible(r rune) bool {
	const emptyBraille = '\u2800' // by its category a symbol
	if unicode.Is(unicode.Prepended_Concatenation_Mark, r) {
		return true // format characters that are drawn
	}
	return r != emptyBraille && !unicode.In(r,
		unicode.White_Space, unicode.Cc, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// countUnits counts the UTF-16 code units of a text, as Twilio does.
func countUnits(text string) int {
	n := 0
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}
