package httpsms

import (
	"regexp"
	"slices"
	"strings"
)

// accountValues returns the values of the account that a template may have.
func accountValues() []string { return []string{"base_url", "username", "password", "token"} }

// messageValues returns the values of the message that a template may have.
func messageValues() []string {
	return []string{
		"to", "to_without_plus", "from", "text", "text_gsm", "text_utf16_hex", "ref", "ref_compact", "receipt_url",
		"ttl_seconds", "ttl_minutes", "expires_at", "expires_at_unix", "unicode", "gsm",
	}
}

// placeholder matches {{name}} or {{name:argument}}.
var placeholder = regexp.MustCompile(`\{\{\s*([a-z_0-9]*)\s*(?::([^{}]*))?\}\}`)

// template is a text with placeholders. Its escaping follows the encoding of the request, so a value cannot add a parameter, a
// field or a header.
type template struct{ parts []templatePart }

// templatePart is a fixed text, or the value with this name.
type templatePart struct {
	text     string
	name     string // empty: the text
	argument string // of {{unicode:8}} and {{gsm:0}}
}

// values are the values of one message, by the name of the placeholder.
type values map[string]string

// template parses a text whose placeholders must be among these names.
func (n node) template(names ...string) template {
	text := n.text()
	var parts []templatePart
	end := 0
	for _, at := range placeholder.FindAllStringSubmatchIndex(text, -1) {
		parts = addText(parts, text[end:at[0]])
		part := templatePart{name: text[at[2]:at[3]]}
		if at[4] >= 0 {
			part.argument = text[at[4]:at[5]]
		}
		switch {
		case !slices.Contains(names, part.name):
			n.faultf("has the unknown value {{%s}}; known here are %s", part.name, strings.Join(names, ", "))
		case part.argument != "" && part.name != "unicode" && part.name != "gsm":
			n.faultf("has {{%s:...}}; only unicode and gsm have a value of their own", part.name)
		}
		parts = append(parts, part)
		end = at[1]
	}
	if strings.Contains(placeholder.ReplaceAllString(text, ""), "{{") {
		n.faultf("has {{ without the name of a value and }}")
	}
	return template{parts: addText(parts, text[end:])}
}

func addText(parts []templatePart, text string) []templatePart {
	if text == "" {
		return parts
	}
	return append(parts, templatePart{text: text})
}

// valueOf returns the value of a part.
func (p templatePart) valueOf(v values) string {
	switch {
	case p.name == "":
		return p.text
	case p.argument != "" && v[p.name] != "":
		return p.argument
	default:
		return v[p.name]
	}
}

// render returns the text, or false if the template has values and all of them are empty. escape is applied to the values, not to
// the fixed text; nil escapes nothing.
func (t template) render(v values, escape func(string) string) (string, bool) {
	var b strings.Builder
	hasValues, hasContent := false, false
	for _, part := range t.parts {
		value := part.valueOf(v)
		if part.name != "" {
			hasValues, hasContent = true, hasContent || value != ""
			if escape != nil && part.name != "base_url" {
				value = escape(value)
			}
		}
		b.WriteString(value)
	}
	return b.String(), hasContent || !hasValues
}

// uses adds the names of the template's values to a set.
func (t template) uses(names map[string]bool) {
	for _, part := range t.parts {
		if part.name != "" {
			names[part.name] = true
		}
	}
}

// alone returns the name of the value if the template is nothing else.
func (t template) alone() string {
	if len(t.parts) == 1 && t.parts[0].argument == "" {
		return t.parts[0].name
	}
	return ""
}
