package backstop_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// simpleTemplate reads a template in the simple form.
func simpleTemplate(t *testing.T, text string) *backstop.ContentTemplate {
	t.Helper()
	template := backstop.ContentTemplate{Name: "order", Language: "en"}
	require.NoError(t, json.Unmarshal([]byte(text), &template.SimpleTemplate))
	return &template
}

func TestContent_simpleTemplate(t *testing.T) {
	t.Parallel()
	values := backstop.Variables{"name": "{{x}}", "id": "7"}
	for simple, want := range map[string]string{
		`{"body":["{{name}}","<{{id}}>"]}`: `[{"type":"body","parameters":[{"type":"text","text":"{{x}}"},{"type":"text","text":"<7>"}]}]`,
		`{"body":{"who":"{{name}}","a":"{{id}}"}}`: `[{"type":"body","parameters":[
			{"type":"text","parameter_name":"a","text":"7"},{"type":"text","parameter_name":"who","text":"{{x}}"}]}]`,
		`{"header":{"text":"{{name}}{{id}}"}}`:         `[{"type":"header","parameters":[{"type":"text","text":"{{x}}7"}]}]`,
		`{"header":{"text":{"who":"{{name}}{{id}}"}}}`: `[{"type":"header","parameters":[{"type":"text","parameter_name":"who","text":"{{x}}7"}]}]`,
		`{"header":{"image":{"link":"https://example.com/{{id}}.jpg"}},"body":["{{name}}"]}`: `[
			{"type":"header","parameters":[{"type":"image","image":{"link":"https://example.com/7.jpg"}}]},
			{"type":"body","parameters":[{"type":"text","text":"{{x}}"}]}]`,
		`{"header":{"video":{"link":"http://example.com/{{id}}"}},"body":["{{name}}"]}`: `[
			{"type":"header","parameters":[{"type":"video","video":{"link":"http://example.com/7"}}]},
			{"type":"body","parameters":[{"type":"text","text":"{{x}}"}]}]`,
		`{"header":{"document":{"link":"https://example.com/{{id}}","filename":"{{name}}.pdf"}}}`: `[
			{"type":"header","parameters":[{"type":"document","document":{"link":"https://example.com/7","filename":"{{x}}.pdf"}}]}]`,
		`{"buttons":[{"index":1,"payload":"{{id}}"},{"index":0,"url_suffix":"{{name}}"},{"index":2,"code":"123"},{"index":3,"coupon_code":"10%"}]}`: `[
			{"type":"button","sub_type":"quick_reply","index":"1","parameters":[{"type":"payload","payload":"7"}]},
			{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"{{x}}"}]},
			{"type":"button","sub_type":"url","index":"2","parameters":[{"type":"text","text":"123"}]},
			{"type":"button","sub_type":"copy_code","index":"3","parameters":[{"type":"coupon_code","coupon_code":"10%"}]}]`,
	} {
		content := backstop.Content{Template: simpleTemplate(t, simple), SMSText: "hi", IsPattern: true, Variables: values}
		send, err := content.Render(backstop.Send{})
		require.NoError(t, err, simple)
		require.JSONEq(t, want, string(send.Template.Components), simple)
		require.NotContains(t, string(send.Template.Components), `\u003c`, "no needless escapes")
		require.NoError(t, send.Validate(time.Now()), simple)
	}
}

func TestContent_simpleTemplateRefused(t *testing.T) {
	t.Parallel()
	codes := func(field string, code backstop.FieldCode) map[string]backstop.FieldCode {
		return map[string]backstop.FieldCode{"whatsapp.template" + field: code}
	}
	for simple, want := range map[string]map[string]backstop.FieldCode{
		`{"body":["a"," "]}`:      codes(".body.1", backstop.FieldBlank),
		`{"body":{"a":"\u200b"}}`: codes(".body.a", backstop.FieldBlank),
		`{"header":{}}`:           codes(".header", backstop.FieldOneValue),
		`{"header":{"text":"a","image":{"link":"https://a.example/b"}}}`:     codes(".header", backstop.FieldOneValue),
		`{"header":{"text":{"a":"1","b":"2"}}}`:                              codes(".header.text", backstop.FieldItemsMax),
		`{"header":{"image":{"link":"a.jpg"}}}`:                              codes(".header.image.link", backstop.FieldLink),
		`{"header":{"image":{"link":"javascript:x"}}}`:                       codes(".header.image.link", backstop.FieldLink),
		`{"header":{"video":{"link":"https://a.example/b","filename":"b"}}}`: codes(".header.video.filename", backstop.FieldUnknown),
		`{"buttons":[{"index":0}]}`:                                          codes(".buttons.0", backstop.FieldOneValue),
		`{"buttons":[{"index":0,"code":"1","payload":"a"}]}`:                 codes(".buttons.0", backstop.FieldOneValue),
		`{"buttons":[{"index":2,"code":"1"},{"index":2,"payload":"a"}]}`:     codes(".buttons.1.index", backstop.FieldGivenTwice),
		`{"body":["{{"]}`:    codes(".body.0", backstop.FieldVariableSyntax),
		`{"body":["{{a}}"]}`: {"variables.a": backstop.FieldVariableMissing},
	} {
		content := backstop.Content{Template: simpleTemplate(t, simple), SMSText: "hi", IsPattern: true}
		_, err := content.Render(backstop.Send{})
		require.Equal(t, want, codesOf(err), simple)
	}
	both := simpleTemplate(t, `{"body":["a"]}`)
	both.Components = json.RawMessage(`[]`)
	_, err := backstop.Content{Template: both, SMSText: "hi"}.Render(backstop.Send{})
	require.Equal(t, codes("", backstop.FieldTemplateForms), codesOf(err))
}

// The variables of components in Meta's form are in their texts, never in the names of their members.
func TestContent_components(t *testing.T) {
	t.Parallel()
	template := backstop.ContentTemplate{Name: "a", Language: "en", Components: json.RawMessage(
		`[{"type":"header","parameters":[{"type":"location","location":{"latitude":1.50,"name":"<{{place}}>","{{x}}":null}}]},
		  {"type":"body","parameters":[{"type":"text","text":"{{{{ {{place}}"}]}]`)}
	content := backstop.Content{Template: &template, SMSText: "hi", IsPattern: true, Variables: backstop.Variables{"place": "{{y}} & co"}}
	send, err := content.Render(backstop.Send{})
	require.NoError(t, err)
	require.JSONEq(t, `[{"parameters":[{"location":{"latitude":1.50,"name":"<{{y}} & co>","{{x}}":null},"type":"location"}],"type":"header"},
		{"parameters":[{"text":"{{ {{y}} & co","type":"text"}],"type":"body"}]`, string(send.Template.Components))
	require.Contains(t, string(send.Template.Components), "1.50", "a number stays as it is written")

	content.Variables = nil
	_, err = content.Render(backstop.Send{})
	require.Equal(t, map[string]backstop.FieldCode{"variables.place": backstop.FieldVariableMissing}, codesOf(err))
	template.Components = json.RawMessage(`[{"parameters":[{"text":"{{"}]}]`)
	_, err = content.Render(backstop.Send{})
	require.Equal(t, map[string]backstop.FieldCode{
		"whatsapp.template.components.0.parameters.0.text": backstop.FieldVariableSyntax,
	}, codesOf(err))
}

// A template in the simple form is checked against that of the account. The errors name the fields of the form.
func TestSend_ResolveTemplate_simple(t *testing.T) {
	t.Parallel()
	known := backstop.SyncedTemplates{IsSynced: true, Templates: []backstop.MessageTemplate{{
		Name: "order", Language: "en", Status: backstop.TemplateApproved, Format: backstop.PositionalTemplate,
		Parameters: backstop.TemplateParameters{HeaderMedia: "image", Body: []string{"1", "2"}, Buttons: []backstop.TemplateButton{{Index: 1}}},
	}}}
	resolve := func(simple string) map[string]backstop.FieldCode {
		send, err := backstop.Content{Template: simpleTemplate(t, simple), SMSText: "hi"}.Render(backstop.Send{})
		require.NoError(t, err)
		_, err = send.ResolveTemplate(known)
		return codesOf(err)
	}
	require.Empty(t, resolve(`{"header":{"image":{"link":"https://a.example/b"}},"body":["a","b"],"buttons":[{"index":1,"url_suffix":"x"},{"index":0,"payload":"y"}]}`))
	require.Equal(t, map[string]backstop.FieldCode{
		"whatsapp.template.header": backstop.FieldTemplateParameters, "whatsapp.template.body": backstop.FieldTemplateParameters,
		"whatsapp.template.buttons": backstop.FieldTemplateParameters,
	}, resolve(`{"header":{"text":"a"},"body":["a"],"buttons":[{"index":0,"url_suffix":"x"}]}`))
}

func TestContent_segments(t *testing.T) {
	t.Parallel()
	content := backstop.Content{Text: "hello", SMSText: "{{a}}", IsPattern: true, MaxSegments: 1}
	for value, needed := range map[string]string{
		strings.Repeat("a", 160): "", strings.Repeat("a", 161): "2", strings.Repeat("’", 70): "", strings.Repeat("’", 71): "2", strings.Repeat("’", 135): "3",
	} {
		content.Variables = backstop.Variables{"a": value}
		_, err := content.Render(backstop.Send{})
		if needed == "" {
			require.NoError(t, err)
			continue
		}
		require.Equal(t, map[string]backstop.FieldCode{"fallback.text": backstop.FieldSegmentsMax}, codesOf(err))
		require.ErrorContains(t, err, "needs "+needed+" segments, but max_segments is 1")
	}
	content.Variables, content.Transliterates = backstop.Variables{"a": strings.Repeat("’", 135)}, true
	send, err := content.Render(backstop.Send{})
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("'", 135), send.SMSText)
}
