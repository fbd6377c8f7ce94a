package backstop

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// TemplateParameters are the parameters that a template wants, by their names. Those of a positional template have the names "1",
// "2" and so on.
type TemplateParameters struct {
	Header      []string         `json:"header,omitempty"`
	HeaderMedia string           `json:"header_media,omitempty"` // the type of the header's parameter, like image; empty: a text
	Body        []string         `json:"body,omitempty"`
	Buttons     []TemplateButton `json:"buttons,omitempty"` // those that have a parameter

	// IsPartial is true if the template has components that are not known here, such as a carousel.
	IsPartial bool `json:"partial,omitempty"`
}

// TemplateButton is a button whose address ends with a parameter.
type TemplateButton struct {
	Index int    `json:"index"`
	URL   string `json:"url"` // with the parameter as the template has it
}

// templateComponent is a component of a template in Meta's form.
type templateComponent struct {
	Type    string `json:"type"`
	Format  string `json:"format"` // of a header
	Text    string `json:"text"`
	Buttons []struct {
		Type string `json:"type"`
		URL  string `json:"url"`
	} `json:"buttons"`
}

// ReadTemplateParameters reads which parameters a template wants, from its components in Meta's form: {{1}} or {{name}} in a
// text, and the media of the header. A component that cannot be read makes the result partial.
func ReadTemplateParameters(components json.RawMessage) (p TemplateParameters, format TemplateFormat) {
	var list []json.RawMessage
	p.IsPartial = json.Unmarshal(components, &list) != nil
	for _, raw := range list {
		var c templateComponent
		if json.Unmarshal(raw, &c) != nil {
			p.IsPartial = true
			continue
		}
		p.add(c)
	}
	format = PositionalTemplate
	if slices.ContainsFunc(slices.Concat(p.Header, p.Body), func(name string) bool { return !isPosition(name) }) {
		format = NamedTemplate
	}
	return p, format
}

func (p *TemplateParameters) add(c templateComponent) {
	switch strings.ToUpper(c.Type) {
	case "HEADER":
		if format := strings.ToLower(c.Format); format != "text" && format != "" {
			p.HeaderMedia = format
		}
		p.Header = placeholders(c.Text)
	case "BODY":
		p.Body = placeholders(c.Text)
	case "FOOTER": // it has no parameters
	case "BUTTONS":
		for i, button := range c.Buttons {
			if len(placeholders(button.URL)) > 0 {
				p.Buttons = append(p.Buttons, TemplateButton{Index: i, URL: button.URL})
			}
		}
	default:
		p.IsPartial = true
	}
}

// placeholder is the place of a parameter in a text.
var placeholder = regexp.MustCompile(`\{\{\s*([A-Za-z0-9_]+)\s*\}\}`)

// placeholders returns the names of a text's parameters, each once: positions in their order, names as they stand in the text.
func placeholders(text string) []string {
	var names []string
	for _, match := range placeholder.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(names, match[1]) {
			names = append(names, match[1])
		}
	}
	slices.SortStableFunc(names, func(a, b string) int {
		x, errA := strconv.Atoi(a)
		y, errB := strconv.Atoi(b)
		if errA != nil || errB != nil {
			return 0
		}
		return x - y
	})
	return names
}

func isPosition(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool { return r < '0' || r > '9' })
}
