package backstop_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// filled renders an SMS text with variables. It returns the text, and what is wrong: codes by fields.
func filled(text string, values backstop.Variables) (string, map[string]backstop.FieldCode) {
	content := backstop.Content{Text: "hello", SMSText: text, IsPattern: true, Variables: values}
	send, err := content.Render(backstop.Send{})
	return send.SMSText, codesOf(err)
}

func codesOf(err error) map[string]backstop.FieldCode {
	codes := map[string]backstop.FieldCode{}
	if e, ok := errors.AsType[*backstop.Error](err); ok {
		for _, f := range e.Fields {
			codes[f.Name] = f.Code
		}
	}
	return codes
}

func TestContent_variables(t *testing.T) {
	t.Parallel()
	values := backstop.Variables{"name": "Ada", "n": "{{name}} {{{{"}
	for text, want := range map[string]string{
		"{{name}}{{n}}":                     "Ada{{name}} {{{{",
		"{{n}} {{ name }}!":                 "{{name}} {{{{ Ada!",
		"{{{name}}} {{n}}":                  "{Ada} {{name}} {{{{",
		"{{{{name}} {{name}}{{n}}":          "{{name}} Ada{{name}} {{{{",
		"{{{{{{name}}}}}} {{n}}":            "{{Ada}}}} {{name}} {{{{",
		"{{{{{{{name}} {{n}}":               "{{{Ada {{name}} {{{{",
		"{{{{{{{{ {{{{{ { }} {{name}}{{n}}": "{{{{ {{{ { }} Ada{{name}} {{{{",
	} {
		got, wrong := filled(text, values)
		require.Empty(t, wrong, text)
		require.Equal(t, want, got, text)
	}
}

func TestContent_variablesRefused(t *testing.T) {
	t.Parallel()
	const missing, unused, syntax = backstop.FieldVariableMissing, backstop.FieldVariableUnused, backstop.FieldVariableSyntax
	type codes = map[string]backstop.FieldCode
	for name, tc := range map[string]struct {
		text   string
		values backstop.Variables
		want   map[string]backstop.FieldCode
	}{
		"missing":               {"{{a}} {{b}} {{a}}", backstop.Variables{"b": ""}, codes{"variables.a": missing}},
		"all missing":           {"{{a}} {{b}}", nil, codes{"variables.a": missing, "variables.b": missing}},
		"unused":                {"hi", backstop.Variables{"c": "x"}, codes{"variables.c": unused}},
		"both":                  {"{{a}}", backstop.Variables{"A": "x"}, codes{"variables.a": missing, "variables.A": unused}},
		"a name with a space":   {"{{a b}}", backstop.Variables{"a b": "x"}, codes{"fallback.text": syntax}},
		"no end":                {"{{a", backstop.Variables{"a": "x"}, codes{"fallback.text": syntax}},
		"one end":               {"{{a}", backstop.Variables{"a": "x"}, codes{"fallback.text": syntax}},
		"no name":               {"{{}}", backstop.Variables{}, codes{"fallback.text": syntax}},
		"a long name":           {"{{" + strings.Repeat("a", 65) + "}}", nil, codes{"fallback.text": syntax}},
		"a name of the longest": {"{{" + strings.Repeat("a", 64) + "}}", nil, codes{"variables." + strings.Repeat("a", 64): missing}},
		"a long unused name": {"hi", backstop.Variables{strings.Repeat("é", 100): ""},
			codes{"variables." + strings.Repeat("é", 64) + "…": unused}},
		"too large": {"{{a}}", backstop.Variables{"a": strings.Repeat("x", 16<<10)}, codes{"variables": backstop.FieldBytesMax}},
	} {
		_, got := filled(tc.text, tc.values)
		require.Equal(t, tc.want, got, name)
	}
	_, err := backstop.Content{Text: "é {{", SMSText: "hi", IsPattern: true}.Render(backstop.Send{})
	e, _ := errors.AsType[*backstop.Error](err)
	require.Equal(t, map[string]string{"at": "2"}, e.Fields[0].Params)

	empty := backstop.Content{Text: "{{a}}", SMSText: "{{a}}", IsPattern: true, Variables: backstop.Variables{"a": ""}}
	send, err := empty.Render(backstop.Send{})
	require.Equal(t, codes{"whatsapp.text": backstop.FieldBlank, "fallback.text": backstop.FieldBlank}, codesOf(err))
	require.Empty(t, codesOf(send.Validate(time.Now())), "no text is missing")
}

// Without variables a text is no pattern.
func TestContent_literal(t *testing.T) {
	t.Parallel()
	content := backstop.Content{Text: "{{{{ {{a}}", SMSText: "{{", Template: &backstop.ContentTemplate{Components: []byte(`[{"a":"{{"}]`)}}
	send, err := content.Render(backstop.Send{To: "+447400123456"})
	require.NoError(t, err)
	require.Equal(t, backstop.Send{
		To: "+447400123456", Text: content.Text, SMSText: content.SMSText, Template: &backstop.Template{Components: []byte(`[{"a":"{{"}]`)},
	}, send)
}

// escapePattern writes a text as a pattern without variables.
func escapePattern(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		if rest, found := strings.CutPrefix(text, "{{"); found {
			b.WriteString("{{{{")
			text = rest
			continue
		}
		b.WriteByte(text[0])
		text = text[1:]
	}
	return b.String()
}

// Whatever the text is: it is refused, or each variable is replaced once, and nothing of a value is read as a pattern.
func FuzzVariables(f *testing.F) {
	f.Add("Hello {{name}}, {{{{ and {{{x}}}", "{{name}} }}{{{{")
	f.Add("{{{{{{{{{a}}}}}", "{")
	f.Add("{{aa}}", "")
	f.Fuzz(func(t *testing.T, text, value string) {
		const mark = "\x00\x01\x00"
		if strings.Contains(text, mark) || len(value) > 100 {
			return // the mark would be ambiguous, or the failure unreadable
		}
		got, wrong := filled(escapePattern(text), backstop.Variables{})
		require.Empty(t, wrong)
		require.Equal(t, text, got)

		values, marks := backstop.Variables{}, backstop.Variables{}
		for _, name := range backstop.PatternVariables(text) {
			values[name], marks[name] = value, mark
		}
		if len(values) > backstop.MaxVariables {
			return // more than a send may have
		}
		marked, wrong := filled(text, marks)
		if len(wrong) > 0 {
			require.Equal(t, map[string]backstop.FieldCode{"fallback.text": backstop.FieldVariableSyntax}, wrong)
			return
		}
		require.LessOrEqual(t, len(values), strings.Count(marked, mark))
		want := strings.ReplaceAll(marked, mark, value)
		got, wrong = filled(text, values)
		if want == "" && text != "" {
			require.Equal(t, map[string]backstop.FieldCode{"fallback.text": backstop.FieldBlank}, wrong)
			return
		}
		require.Empty(t, wrong)
		require.Equal(t, want, got)
	})
}

// A pattern that repeats a long value is refused before it takes the memory.
func TestContent_variablesRepeated(t *testing.T) {
	t.Parallel()
	long := backstop.Variables{"a": strings.Repeat("x", 16000)}
	for field, texts := range map[string][]string{
		"fallback.text": {strings.Repeat("{{a}}", 320)}, "whatsapp.template.components.0.parameters.4": make([]string, 6500),
	} {
		content := backstop.Content{Text: "hello", SMSText: texts[0], IsPattern: true, Variables: long}
		if len(texts) > 1 {
			for i := range texts {
				texts[i] = `"{{a}}"`
			}
			content.Text, content.SMSText = "", "hi"
			content.Template = &backstop.ContentTemplate{
				Name: "t", Language: "en", Components: []byte(`[{"parameters": [` + strings.Join(texts, ",") + `]}]`),
			}
		}
		_, err := content.Render(backstop.Send{})
		require.Equal(t, map[string]backstop.FieldCode{field: backstop.FieldBytesMax}, codesOf(err))
		draft, _ := content.Draft()
		require.Less(t, len(draft.SMSText), 64<<10)
	}
}
