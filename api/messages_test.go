package api_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

const messageBody = `{"name":"Order shipped","category":"utility",
	"whatsapp":{"template":{"name":"order_shipped","language":"en","header":{"text":"{{name}}"},"body":["{{name}}","{{order}}"]}},
	"sms":{"text":"“{{name}}”, your order {{order}}: {{link}}","max_segments":2,"transliterate":true}}`

func TestMessages(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var created, read api.Message
	got := r.call(t, "POST", "/v1/messages", messageBody)
	got.into(201, &created)
	require.Equal(t, `"1"`, got.Header().Get("ETag"))
	require.Equal(t, "/v1/messages/"+created.ID, got.Header().Get("Location"))
	require.Equal(t, []string{"name", "order", "link"}, created.Variables)
	require.Equal(t, 1, created.Version)
	path := "/v1/messages/" + created.ID
	r.call(t, "GET", "/v1/messages/"+strings.ToUpper(created.ID), "").into(200, &read)
	require.Equal(t, created, read)
	require.JSONEq(t, `{"text":"{{name}}"}`, text(t, read.Whatsapp.Template.Header), "in the form in which it was given")
	require.JSONEq(t, `["{{name}}","{{order}}"]`, string(read.Whatsapp.Template.Body))

	r.call(t, "POST", "/v1/messages", strings.ToUpper(messageBody[:23])+messageBody[23:]).problem(400, "malformed", "NAME", "name")
	r.call(t, "POST", "/v1/messages", messageBody).problem(409, "conflict")
	var changed api.Message
	r.call(t, "PUT", path, strings.Replace(messageBody, ": {{link}}", "", 1), "If-Match", `"1"`).into(200, &changed)
	require.Equal(t, []string{"name", "order"}, changed.Variables)
	require.Equal(t, 2, changed.Version)
	r.call(t, "PUT", path, messageBody, "If-Match", `"1"`).problem(412, "stale")
	r.call(t, "PUT", path, messageBody).problem(428, "precondition_required")

	var list api.MessageList
	r.call(t, "GET", "/v1/messages?search=order&total=true&limit=1", "").into(200, &list)
	require.Equal(t, []api.Message{changed}, list.Items)
	require.Equal(t, 1, list.Total.Count)
	require.Equal(t, backstop.MessageFilter{Search: "order"}, r.texts.filter)

	var versions api.MessageVersionList
	r.call(t, "GET", path+"/versions?limit=1", "").into(200, &versions)
	require.Equal(t, 2, versions.Items[0].Version)
	require.Equal(t, 2, *versions.NextBefore)
	versions = api.MessageVersionList{}
	r.call(t, "GET", path+"/versions?before=2", "").into(200, &versions)
	require.Len(t, versions.Items, 1)
	require.Equal(t, created.Variables, versions.Items[0].Variables)
	require.Equal(t, created.Whatsapp, versions.Items[0].Whatsapp)
	require.Nil(t, versions.NextBefore)

	require.Equal(t, 204, r.call(t, "DELETE", path, "", "If-Match", "*").Code)
	for _, gone := range []string{path, path + "/versions"} {
		r.call(t, "GET", gone, "").problem(404, "not_found")
	}
	r.texts.away = &backstop.Error{Code: backstop.TryLater, Message: "the database is away", Cause: errTest}
	r.call(t, "GET", path, "").problem(503, "unavailable")
}

func TestMessages_refused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for name, tc := range map[string]struct {
		change []string // old and new texts of the body
		status int
		fields []string
	}{
		"no name":          {[]string{`"name":"Order shipped"`, `"name":" "`}, 422, []string{"name"}},
		"a blank SMS":      {[]string{"“{{name}}”, your order {{order}}: {{link}}", "\u200b"}, 422, []string{"sms.text"}},
		"a bad variable":   {[]string{"“{{name}}”", "{{a b}}"}, 422, []string{"sms.text"}},
		"a bad one in it":  {[]string{`"body":["{{name}}"`, `"body":["{{"`}, 422, []string{"whatsapp.template.body.0"}},
		"both":             {[]string{`"whatsapp":{`, `"whatsapp":{"text":"a",`}, 422, []string{"whatsapp"}},
		"neither":          {[]string{`"template":{"name":"order_shipped","language":"en","header":{"text":"{{name}}"},"body":["{{name}}","{{order}}"]}`, ""}, 422, []string{"whatsapp"}},
		"a bad template":   {[]string{"order_shipped", "Order"}, 422, []string{"whatsapp.template.name"}},
		"two forms":        {[]string{`"language":"en"`, `"language":"en","components":[]`}, 422, []string{"whatsapp.template"}},
		"a blank one":      {[]string{`"body":["{{name}}"`, `"body":[" "`}, 422, []string{"whatsapp.template.body.0"}},
		"a bad link":       {[]string{`{"text":"{{name}}"}`, `{"image":{"link":"x"}}`}, 422, []string{"whatsapp.template.header.image.link"}},
		"segments":         {[]string{`"max_segments":2`, `"max_segments":25`}, 400, []string{"sms.max_segments"}},
		"a bad category":   {[]string{"utility", "x"}, 400, []string{"category"}},
		"an unknown field": {[]string{`"sms":{`, `"sms":{"send_id":"A",`}, 400, []string{"sms.send_id"}},
	} {
		code := map[int]string{400: "malformed", 422: "invalid"}[tc.status]
		body := strings.NewReplacer(tc.change...).Replace(messageBody)
		require.NotEqual(t, messageBody, body, name)
		p := r.call(t, "POST", "/v1/messages", body).problem(tc.status, code, tc.fields...)
		require.NotEmpty(t, p.Detail, name)
	}
	require.Empty(t, r.texts.all, "nothing is stored")
	link := strings.Replace(messageBody, `{"text":"{{name}}"}`, `{"image":{"link":"{{link}}"}}`, 1)
	require.Equal(t, 201, r.call(t, "POST", "/v1/messages", link).Code, "a link may be a variable")
}

func TestMessages_preview(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	body := `{"whatsapp":{"text":"Hi {{name}}"},"sms":{"text":"“{{name}}” {{x}}","transliterate":true},"variables":{"name":"č{{x}}","other":"1"}}`
	var preview api.MessagePreview
	r.call(t, "POST", "/v1/messages/preview", body).into(200, &preview)
	require.Equal(t, api.MessagePreview{
		Content:   api.FinalContent{WhatsappText: new("Hi č{{x}}"), SmsText: `"c{{x}}" {{x}}`},
		Sms:       api.SMSLength{Encoding: api.SMSLengthEncodingGsm7, Length: 22, Segments: 1},
		Variables: []string{"name", "x"},
	}, preview)
	r.call(t, "POST", "/v1/messages/preview", `{"whatsapp":{"text":"{{"},"sms":{"text":" "}}`).problem(422, "invalid", "whatsapp.text", "sms.text")
	require.Empty(t, r.texts.all)
}

// A send by a message has its texts, and says which version it was made of.
func TestSends_message(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	var message api.Message
	r.call(t, "POST", "/v1/messages", messageBody).into(201, &message)
	values := members{"variables": members{"name": "Ada", "order": "{{name}}", "link": "https://a.example/1"}}
	send := func(named, fallback, more members) answer {
		more["message"] = named
		more["fallback"] = merge(members{"policy_id": policy.ID}, fallback)
		more["to"] = "+447400123456"
		return r.call(t, "POST", "/v1/sends", text(t, more))
	}
	var accepted api.SendAccepted
	send(members{"name": "ORDER shipped"}, nil, values).into(202, &accepted)
	stored := r.sends[0]
	require.Equal(t, `"Ada", your order {{name}}: https://a.example/1`, stored.SMSText)
	require.Equal(t, backstop.Utility, stored.Category)
	require.Equal(t, &backstop.UsedMessage{ID: message.ID, Name: "Order shipped", Version: 1}, stored.Message)
	require.JSONEq(t, `[{"type":"header","parameters":[{"type":"text","text":"Ada"}]},
		{"type":"body","parameters":[{"type":"text","text":"Ada"},{"type":"text","text":"{{name}}"}]}]`, string(stored.Template.Components))
	var shown api.Send
	r.call(t, "GET", "/v1/sends/"+accepted.ID, "").into(200, &shown)
	require.Equal(t, api.UsedMessage{ID: message.ID, Name: "Order shipped", Version: 1}, *shown.Message)

	// The message changes and is deleted: the send does not.
	path := "/v1/messages/" + message.ID
	require.Equal(t, 200, r.call(t, "PUT", path, strings.Replace(messageBody, "order {{order}}", "parcel {{order}}", 1), "If-Match", "*").Code)
	require.Equal(t, 202, send(members{"id": strings.ToUpper(message.ID)}, members{"transliterate": false}, merge(values, members{"category": "marketing"})).Code)
	require.Equal(t, 2, r.sends[1].Message.Version)
	require.Equal(t, "“Ada”, your parcel {{name}}: https://a.example/1", r.sends[1].SMSText, "as the send says")
	require.Equal(t, backstop.Marketing, r.sends[1].Category)
	require.Equal(t, 204, r.call(t, "DELETE", path, "", "If-Match", "*").Code)
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends/"+accepted.ID+"/repeat", "").Code)
	require.Equal(t, stored.SMSText, r.sends[2].SMSText)
	require.Equal(t, stored.Message, r.sends[2].Message)
	send(members{"name": "Order shipped"}, nil, values).problem(422, "invalid", "message.name")
	send(members{"id": message.ID}, nil, values).problem(422, "invalid", "message.id")
}

func TestSends_messageRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	require.Equal(t, 201, r.call(t, "POST", "/v1/messages", messageBody).Code)
	values := members{"name": "Ada", "order": "1", "link": "2"}
	named := members{"name": "Order shipped"}
	fallback := members{"policy_id": policy.ID}
	for name, tc := range map[string]struct {
		change members
		status int
		fields []string
	}{
		"with a text":       {members{"whatsapp": members{"text": "a"}}, 422, []string{"message"}},
		"with an SMS":       {members{"fallback": merge(fallback, members{"text": "a"})}, 422, []string{"message"}},
		"neither":           {members{"message": nil}, 400, []string{"message"}},
		"no key":            {members{"message": members{}}, 422, []string{"message"}},
		"two keys":          {members{"message": merge(named, members{"id": someID})}, 422, []string{"message"}},
		"no values":         {members{"variables": members{}}, 422, []string{"variables.link", "variables.name", "variables.order"}},
		"a value too many":  {members{"variables": merge(values, members{"x": "1"})}, 422, []string{"variables.x"}},
		"too many segments": {members{"variables": merge(values, members{"link": strings.Repeat("a", 300)})}, 422, []string{"fallback.text"}},
		"fewer segments": {members{"variables": merge(values, members{"link": strings.Repeat("a", 150)}), "fallback": merge(fallback, members{"max_segments": 1})},
			422, []string{"fallback.text"}},
		"an unknown message": {members{"message": members{"name": "x"}}, 422, []string{"message.name"}},
	} {
		body := merge(members{"to": "+447400123456", "message": named, "fallback": fallback, "variables": values}, tc.change)
		code := map[int]string{400: "malformed", 422: "invalid"}[tc.status]
		for _, path := range []string{"/v1/sends", "/v1/sends/preview"} {
			p := r.call(t, "POST", path, text(t, body)).problem(tc.status, code, tc.fields...)
			require.NotEmpty(t, p.Detail, name)
		}
	}
	require.Empty(t, r.sends)
	body := members{"to": "+447400123456", "message": named, "fallback": fallback, "whatsapp": members{"if_unsendable": "fall_back"}, "variables": values}
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", text(t, body)).Code, "the account and its like may be given")

	p := r.call(t, "POST", "/v1/sends", text(t, members{"to": "+447400123456", "fallback": fallback})).problem(422, "invalid", "whatsapp", "fallback.text")
	require.NotEmpty(t, p.Detail)
}
