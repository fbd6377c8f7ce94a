package api_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

// contentBody is the body of a send with these members of whatsapp and fallback, and others of the send.
func contentBody(t *testing.T, policy string, whatsapp, fallback, more map[string]any) string {
	t.Helper()
	full := map[string]any{"policy_id": policy}
	maps.Copy(full, fallback)
	body := map[string]any{"to": "+447400123456", "whatsapp": whatsapp, "fallback": full}
	maps.Copy(body, more)
	return text(t, body)
}

type members = map[string]any

// What goes out is stored and previewed in its final form.
func TestSends_variables(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	whatsapp := members{"template": members{
		"name": "order_shipped", "language": "en", "header": members{"document": members{"link": "https://example.com/{{order}}", "filename": "a.pdf"}},
		"body": []string{"{{name}}", "{{order}}"}, "buttons": []members{{"index": 0, "url_suffix": "{{order}}"}},
	}}
	fallback := members{"text": "{{name}} – your order {{order}}", "transliterate": true, "max_segments": 1}
	body := contentBody(t, policy.ID, whatsapp, fallback, members{"variables": members{"name": "Zoë č {{order}}", "order": "4711"}})
	const components = `[
		{"type":"header","parameters":[{"type":"document","document":{"link":"https://example.com/4711","filename":"a.pdf"}}]},
		{"type":"body","parameters":[{"type":"text","text":"Zoë č {{order}}"},{"type":"text","text":"4711"}]},
		{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"4711"}]}]`
	const sms = "Zoe c {{order}} - your order 4711"

	var preview api.SendPreview
	r.call(t, "POST", "/v1/sends/preview", body).into(200, &preview)
	require.Equal(t, sms, preview.Content.SmsText)
	require.Nil(t, preview.Content.WhatsappText)
	require.JSONEq(t, components, string(preview.Content.Components))
	require.Equal(t, api.SMSLength{Encoding: api.SMSLengthEncodingGsm7, Length: 37, Segments: 1}, preview.Sms)

	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", body).Code)
	require.Equal(t, sms, r.sends[0].SMSText)
	require.JSONEq(t, components, string(r.sends[0].Template.Components))

	require.Equal(t, 202, r.call(t, "POST", "/v1/sends/"+r.sends[0].ID+"/repeat", "").Code)
	require.Equal(t, sms, r.sends[1].SMSText, "a value is not a pattern, also not when the send is repeated")
}

// TestSends_unreadable: a send whose content cannot be decrypted says so, and cannot be repeated until the key is back.
func TestSends_unreadable(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	body := text(t, members{
		"to": "+447400123456", "whatsapp": members{"text": "hi"}, "fallback": members{"policy_id": policy.ID, "text": "hi"},
	})
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", body).Code)
	path := "/v1/sends/" + r.sends[0].ID
	var send api.Send
	r.call(t, "GET", path, "").into(200, &send)
	require.Nil(t, send.ContentUnreadable)
	r.sends[0].Unreadable, r.sends[0].Text, r.sends[0].SMSText = `key "k1" is missing`, "", ""
	r.call(t, "GET", path, "").into(200, &send)
	require.Equal(t, `key "k1" is missing`, *send.ContentUnreadable)
	require.Equal(t, 200, r.call(t, "GET", "/v1/sends", "").Code)
	repeated := r.call(t, "POST", path+"/repeat", "")
	require.Equal(t, 503, repeated.Code)
	require.Contains(t, repeated.Body.String(), "cannot be read")
	require.NotEmpty(t, repeated.Header().Get("Retry-After"))
	require.Len(t, r.sends, 1)
}

func TestSends_contentRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	named := members{"name": "a", "language": "en"}
	template := func(more members) members {
		all := maps.Clone(named)
		maps.Copy(all, more)
		return members{"template": all}
	}
	words, hi := members{"text": "hello"}, members{"text": "hi"}
	for name, tc := range map[string]struct {
		whatsapp, fallback, more members
		status                   int
		want                     string
	}{
		"missing": {members{"text": "{{a}}"}, hi, members{"variables": members{}}, 422,
			`{"field":"variables.a","code":"variable_missing","reason":"is required: whatsapp.text names it","params":{"field":"whatsapp.text"}}`},
		"unused": {words, hi, members{"variables": members{"a": "x"}}, 422,
			`{"field":"variables.a","code":"variable_unused","reason":"is named by no text: remove it, or check its spelling"}`},
		"syntax": {words, members{"text": "é {{a"}, members{"variables": members{}}, 422,
			`{"field":"fallback.text","code":"variable_syntax","reason":"has a {{ that begins no variable like {{name}}, after 2 characters; write {{{{ for a literal {{","params":{"at":"2"}}`},
		"too long when filled": {words, members{"text": strings.Repeat("{{a}}", 2)}, members{"variables": members{"a": strings.Repeat("x", 801)}}, 422,
			`{"field":"fallback.text","code":"utf16_max","reason":"must have at most 1600 characters; an emoji counts as two (UTF-16)","params":{"max":"1600"}}`},
		"blank when filled": {members{"text": "{{a}}"}, hi, members{"variables": members{"a": " "}}, 422,
			`{"field":"whatsapp.text","code":"blank","reason":"must have a visible character"}`},
		"a value that is no text": {words, hi, members{"variables": members{"a": 1}}, 400,
			`{"field":"variables.a","code":"wrong_type","reason":"must be a string","params":{"type":"string"}}`},
		"too many": {words, hi, members{"variables": manyVariables(51)}, 400,
			`{"field":"variables","code":"items_max","reason":"must have at most 50 items","params":{"max":"50"}}`},
		"segments": {words, members{"text": strings.Repeat("я", 71), "max_segments": 1}, nil, 422,
			`{"field":"fallback.text","code":"segments_max","reason":"needs 2 segments, but max_segments is 1","params":{"max":"1","needed":"2"}}`},
		"no segments": {words, members{"text": "hi", "max_segments": 0}, nil, 400,
			`{"field":"fallback.max_segments","code":"value_between","reason":"must be between 1 and 24","params":{"min":"1","max":"24"}}`},
		"both forms": {template(members{"components": []any{}, "body": []string{"a"}}), hi, nil, 422,
			`{"field":"whatsapp.template","code":"template_forms","reason":"must have either components, or body, header and buttons"}`},
		"a body that is no texts": {template(members{"body": []any{1}}), hi, nil, 400,
			`{"field":"whatsapp.template.body","code":"texts","reason":"must be an array of texts, or an object of texts by their names"}`},
		"a body that is a text": {template(members{"body": "a"}), hi, nil, 400,
			`{"field":"whatsapp.template.body","code":"texts","reason":"must be an array of texts, or an object of texts by their names"}`},
		"a blank parameter": {template(members{"body": []any{""}}), hi, nil, 422,
			`{"field":"whatsapp.template.body.0","code":"blank","reason":"must have a visible character"}`},
		"two values of a button": {template(members{"buttons": []members{{"index": 0, "code": "1", "payload": "a"}}}), hi, nil, 422,
			`{"field":"whatsapp.template.buttons.0","code":"one_value","reason":"must have exactly one of payload, url_suffix, code, coupon_code","params":{"values":"payload, url_suffix, code, coupon_code"}}`},
		"an unknown medium": {template(members{"header": members{"audio": members{}}}), hi, nil, 400,
			`{"field":"whatsapp.template.header.audio","code":"unknown","reason":"is not a known field: check its spelling"}`},
	} {
		for _, path := range []string{"/v1/sends", "/v1/sends/preview"} {
			got := r.call(t, "POST", path, contentBody(t, policy.ID, tc.whatsapp, tc.fallback, tc.more))
			require.Equal(t, tc.status, got.Code, name)
			require.JSONEq(t, "["+tc.want+"]", got.errors(), name)
		}
	}
	require.Empty(t, r.sends, "nothing is stored")
}

func manyVariables(n int) members {
	all := members{}
	for range n {
		all["v"+strings.Repeat("x", len(all))] = "x"
	}
	return all
}

// Everything that is wrong with a send is in one answer, also if its content cannot be rendered.
func TestSends_contentRefused_all(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	body := contentBody(t, policy.ID, members{"text": "{{a}}"}, members{"text": "\u200b"}, members{
		"to": "+4407400123456", "variables": members{"b": "x"}, "expires_at": "2001-01-01T00:00:00Z",
	})
	p := r.call(t, "POST", "/v1/sends", body).problem(422, "invalid", "variables.a", "variables.b", "to", "fallback.text", "expires_at")
	require.Equal(t, "the send is not valid", strings.Split(p.Detail, ":")[0])
	require.NotContains(t, r.logs.String(), "447400123456")
}

// The simple form is checked against the template of the account.
func TestSends_simpleTemplate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	r.known.isSynced = true
	r.known.all = []backstop.MessageTemplate{aTemplate("named", "en", func(t *backstop.MessageTemplate) {
		t.Components = json.RawMessage(`[{"type":"HEADER","format":"TEXT","text":"Dear {{who}}"},{"type":"BODY","text":"{{b}} {{a}}"}]`)
		t.Parameters, t.Format = backstop.ReadTemplateParameters(t.Components)
	})}
	send := func(template members) answer {
		template["name"], template["language"] = "named", "en"
		return r.call(t, "POST", "/v1/sends", contentBody(t, policy.ID, members{"template": template}, members{"text": "hi"}, nil))
	}
	require.Equal(t, 202, send(members{"header": members{"text": members{"who": "Ada"}}, "body": members{"a": "1", "b": "2"}}).Code)
	send(members{"header": members{"text": "Ada"}, "body": []string{"1", "2"}}).problem(
		422, "invalid", "whatsapp.template.header", "whatsapp.template.body")
}
