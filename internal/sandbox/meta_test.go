package sandbox_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMeta_Answer(t *testing.T) {
	t.Parallel()
	opts := options()
	opts.Meta.WebhookURL = ""
	s := newServer(t, opts)

	got := serve(s, metaRequest(t.Context(), "", textBody("+49 151 000000-01", "send-1")))
	require.Equal(t, http.StatusOK, got.status)
	require.Equal(t, "application/json; charset=utf-8", got.header.Get("Content-Type"))
	body := got.json(t)
	require.Equal(t, "whatsapp", body["messaging_product"])
	require.Equal(t, []any{map[string]any{"input": "+49 151 000000-01", "wa_id": "4915100000001"}}, body["contacts"])
	list, _ := body["messages"].([]any)
	require.Len(t, list, 1)
	message, _ := list[0].(map[string]any)
	require.NotContains(t, message, "message_status", "only templates have one")
	id, _ := message["id"].(string)
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(id, "wamid."))
	require.NoError(t, err)
	require.Contains(t, string(raw), "4915100000001")

	call := messages(t, s, "")[0]
	require.Equal(t, id, call.ID)
	require.Equal(t, "hello", call.Text)
	require.Equal(t, "send-1", call.Correlation)
	require.Equal(t, phoneID, call.From)
	require.True(t, call.Accepted)

	got = serve(s, metaRequest(t.Context(), "", templateBody("4915100000001")))
	require.Contains(t, got.body, `"message_status":"accepted"`)
	require.Equal(t, "order_shipped", messages(t, s, "")[1].Template)
}

func TestMeta_Credentials(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]string{
		"none":         "",
		"wrong token":  "Bearer " + accessToken + "x",
		"wrong scheme": "Basic " + accessToken,
		"empty token":  "Bearer ",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, options())
			req := metaRequest(t.Context(), "", textBody(recipient+"01", ""))
			req.Header.Set("Authorization", header)
			got := serve(s, req)
			require.Equal(t, http.StatusUnauthorized, got.status)
			require.Contains(t, got.header.Get("WWW-Authenticate"), "invalid_token")
			body, _ := got.json(t)["error"].(map[string]any)
			require.InDelta(t, 190, body["code"], 0)
			require.Equal(t, "OAuthException", body["type"])
			require.NotEmpty(t, body["fbtrace_id"])
			call := messages(t, s, "")[0]
			require.False(t, call.Accepted)
			require.Equal(t, 190, call.Answer.Code)
			require.Empty(t, call.ID)
		})
	}
}

func TestMeta_Path(t *testing.T) {
	t.Parallel()
	s := newServer(t, options())
	for path, code := range map[string]int{
		"/v23.0/999/messages":                  100,
		"/v23/" + phoneID + "/messages":        2500,
		"/2010-04-01/" + phoneID + "/messages": 2500,
	} {
		req := metaRequest(t.Context(), "", textBody(recipient+"01", ""))
		req.URL.Path = path
		got := serve(s, req)
		require.Equal(t, http.StatusBadRequest, got.status, path)
		require.Equal(t, code, got.code(t), path)
	}
	req := metaRequest(t.Context(), "", textBody(recipient+"01", ""))
	req.Method = http.MethodGet
	require.Equal(t, http.StatusMethodNotAllowed, serve(s, req).status)
}

func TestMeta_InvalidParameter(t *testing.T) {
	t.Parallel()
	message := func(rest string) string { return `{"messaging_product":"whatsapp",` + rest + `}` }
	text := func(to string) string { return message(fmt.Sprintf(`"to":%q,"type":"text","text":{"body":"x"}`, to)) }
	template := func(rest string) string {
		return message(`"to":"4915100000001","type":"template","template":{` + rest + `}`)
	}
	long := strings.Repeat("é", 4097)
	cases := map[string]struct{ body, details string }{
		"empty":             {"", "not the JSON"},
		"not JSON":          {"to=4915100000001", "not the JSON"},
		"truncated":         {textBody(recipient+"01", "")[:40], "not the JSON"},
		"too large":         {text(strings.Repeat("1", 1<<20)), "not the JSON"},
		"array":             {"[]", "not the JSON"},
		"number as to":      {message(`"to":4915100000001,"type":"text","text":{"body":"x"}`), "not the JSON"},
		"no product":        {`{"to":"4915100000001","type":"text","text":{"body":"x"}}`, "messaging_product"},
		"other product":     {`{"messaging_product":"sms","to":"4915100000001","type":"text","text":{"body":"x"}}`, "messaging_product"},
		"group":             {message(`"recipient_type":"group","to":"4915100000001","type":"text","text":{"body":"x"}`), "recipient_type"},
		"no to":             {text(""), "parameter to"},
		"letters in to":     {text("4915100000O01"), "Param to"},
		"short to":          {text("123456"), "Param to"},
		"long to":           {text("1234567890123456"), "Param to"},
		"no type":           {message(`"to":"4915100000001","text":{"body":"x"}`), "parameter type"},
		"unknown type":      {message(`"to":"4915100000001","type":"hologram"`), "Param type"},
		"no text":           {message(`"to":"4915100000001","type":"text"`), "text['body']"},
		"empty text":        {message(`"to":"4915100000001","type":"text","text":{"body":""}`), "text['body']"},
		"long text":         {message(`"to":"4915100000001","type":"text","text":{"body":"` + long + `"}`), "4096"},
		"long opaque":       {textBody("4915100000001", strings.Repeat("x", 513)), "512"},
		"no template":       {message(`"to":"4915100000001","type":"template"`), "template['name']"},
		"no template name":  {template(`"language":{"code":"en"}`), "template['name']"},
		"no language":       {template(`"name":"a"`), "language"},
		"language a string": {template(`"name":"a","language":"en"`), "not the JSON"},
		"component type":    {template(`"name":"a","language":{"code":"en"},"components":[{}]`), "components"},
		"parameter type":    {template(`"name":"a","language":{"code":"en"},"components":[{"type":"body","parameters":[{}]}]`), "parameters"},
		"parameter text": {
			template(`"name":"a","language":{"code":"en"},"components":[{"type":"body","parameters":[{"type":"text"}]}]`), "'text' is mandatory",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, options())
			got := serve(s, metaRequest(t.Context(), "", tc.body))
			require.Equal(t, http.StatusBadRequest, got.status, got.body)
			body, _ := got.json(t)["error"].(map[string]any)
			require.InDelta(t, 100, body["code"], 0)
			require.Equal(t, "(#100) Invalid parameter", body["message"])
			data, _ := body["error_data"].(map[string]any)
			require.Equal(t, "whatsapp", data["messaging_product"])
			require.Contains(t, data["details"], tc.details)
			require.Len(t, messages(t, s, ""), 1)
		})
	}
}

func TestMeta_Limits(t *testing.T) {
	t.Parallel()
	opts := options()
	opts.Meta.WebhookURL = ""
	s := newServer(t, opts)
	longest := `{"messaging_product":"whatsapp","to":"4915100000001","type":"text","text":{"body":"` + strings.Repeat("é", 4096) + `"},` +
		`"biz_opaque_callback_data":"` + strings.Repeat("é", 512) + `"}`
	require.Equal(t, http.StatusOK, serve(s, metaRequest(t.Context(), "", longest)).status)
}
