package backstop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Content is the content of a send as a caller gives it. Render makes the final texts of it.
type Content struct {
	Text     string // of the WhatsApp message, unless Template is set
	Template *ContentTemplate
	SMSText  string

	IsPattern bool // the texts have variables
	Variables Variables

	MaxSegments    int  // of the SMS; 0: no limit
	Transliterates bool // the SMS
}

// ContentTemplate is a template with its parameters: in Meta's form, in the simple form, or without any.
type ContentTemplate struct {
	SimpleTemplate

	Name       string          `json:"name"`
	Language   string          `json:"language"`
	Components json.RawMessage `json:"components,omitempty"` // a JSON array
}

func (t ContentTemplate) isSimple() bool {
	return t.Header != nil || !t.Body.IsZero() || len(t.Buttons) > 0
}

// Render sets the content of a send: variables are filled, the SMS is transliterated if that is wanted, and the parameters of the
// template are in Meta's form. It returns an Error of code Invalid that names what is wrong with the content and the variables;
// Send.Validate checks the final texts.
func (c Content) Render(s Send) (Send, error) {
	var wrong fields
	fill := c.filler()
	if c.IsPattern {
		c.Variables.validate(&wrong)
	}
	c.render(&s, fill, &wrong)
	for _, text := range []struct {
		field   string
		final   *string
		pattern string
	}{{"whatsapp.text", &s.Text, c.Text}, {"fallback.text", &s.SMSText, c.SMSText}} {
		if *text.final == "" && text.pattern != "" { // its variables are empty
			wrong.add(text.field, FieldBlank, blank)
			*text.final = text.pattern // or Send.Validate would miss a text
		}
	}
	wrong = append(wrong, fill.err()...)
	if needed := MeasureSMS(s.SMSText).Segments; len(wrong) == 0 && c.MaxSegments > 0 && needed > c.MaxSegments {
		wrong.add("fallback.text", FieldSegmentsMax,
			fmt.Sprintf("needs %d segments, but max_segments is %d", needed, c.MaxSegments),
			"max", strconv.Itoa(c.MaxSegments), "needed", strconv.Itoa(needed))
	}
	return s, wrong.err("the send is not valid")
}

// Draft returns the content as far as its variables have values: a variable without one stays as it is. It also returns the
// names of the variables in their order.
func (c Content) Draft() (s Send, names []string) {
	s, names, _ = c.draft()
	return s, names
}

// draft is Draft. It also returns what is wrong with the content.
func (c Content) draft() (s Send, names []string, wrong fields) {
	fill := c.filler()
	fill.isDraft = true
	c.render(&s, fill, &wrong)
	return s, fill.names, append(wrong, fill.fields...)
}

func (c Content) filler() *filler {
	return &filler{isPattern: c.IsPattern, values: c.Variables, users: map[string]string{}}
}

func (c Content) render(s *Send, f *filler, wrong *fields) {
	s.Text = f.fill("whatsapp.text", c.Text)
	if c.Template != nil {
		s.Template = c.Template.render(wrong, f)
	}
	s.SMSText = f.fill("fallback.text", c.SMSText)
	if c.Transliterates {
		s.SMSText = Transliterate(s.SMSText)
	}
}

// render returns the template with its parameters in Meta's form.
func (t ContentTemplate) render(wrong *fields, f *filler) *Template {
	rendered := &Template{Name: t.Name, Language: t.Language, Components: t.Components}
	switch {
	case t.isSimple() && t.Components != nil:
		wrong.add("whatsapp.template", FieldTemplateForms, "must have either components, or body, header and buttons")
	case t.isSimple():
		before := len(*wrong)
		simple := t.each(func(path, text string) string { return f.fill("whatsapp.template."+path, text) })
		if simple.validate(wrong, f.isDraft); len(*wrong) > before {
			return rendered
		}
		rendered.IsSimple = true
		rendered.Components, _ = simple.Components() // texts can be written
	case f.isPattern && len(t.Components) > 0:
		rendered.Components = fillComponents(t.Components, f.fill)
	}
	return rendered
}

// fillComponents fills every text in the components of a template, but no name of a member. What is not JSON stays as it is:
// Meta's driver refuses it.
func fillComponents(components json.RawMessage, fill func(field, text string) string) json.RawMessage {
	var list any
	decoder := json.NewDecoder(bytes.NewReader(components))
	decoder.UseNumber()
	if decoder.Decode(&list) != nil {
		return components
	}
	filled, err := writeJSON(fillValue("whatsapp.template.components", list, fill))
	if err != nil {
		return components
	}
	return filled
}

// writeJSON writes a value as JSON, and each character of a text that need not be escaped as it is.
func writeJSON(value any) (json.RawMessage, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("write json: %w", err)
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

func fillValue(path string, value any, fill func(field, text string) string) any {
	switch v := value.(type) {
	case string:
		if !strings.Contains(v, "{") {
			return v
		}
		return fill(path, v)
	case []any:
		for i := range v {
			v[i] = fillValue(path+"."+strconv.Itoa(i), v[i], fill)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			v[name] = fillValue(path+"."+clipName(name), v[name], fill)
		}
	}
	return value
}
