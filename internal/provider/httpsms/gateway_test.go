package httpsms_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
	"github.com/backstophq/backstop/internal/provider/httpsms"
	"github.com/backstophq/backstop/internal/provider/providertest"
)

// settings returns the settings of an account with this document, or with this recipe if the document is empty.
func settings(t *testing.T, baseURL, recipe, document string) provider.Settings {
	t.Helper()
	public, err := url.Parse(providertest.PublicURL)
	require.NoError(t, err)
	return provider.Settings{
		Account: "main", Channel: backstop.SMS, Timeout: 5 * time.Second, PublicURLs: []*url.URL{public}, WebhookPath: hookPath,
		Values: map[string]string{
			"recipe": recipe, "gateway": document, "base_url": baseURL, "username": username, "password": password, "token": token,
			"receipt_secret": receiptSecret,
		},
	}
}

func open(t *testing.T, s provider.Settings) *httpsms.Client {
	t.Helper()
	client, err := httpsms.New(s)
	require.NoError(t, err)
	return client
}

// TestNew_document: a fault of a document is named by its path.
func TestNew_document(t *testing.T) {
	t.Parallel()
	good := `"url": "{{base_url}}/x", "body": {"to": "{{to}}", "text": "{{text}}"}`
	for name, row := range map[string]struct{ document, want string }{
		"no JSON":             {`{`, "gateway is not JSON"},
		"text after it":       {`{"request": {` + good + `}} x`, "gateway is not JSON"},
		"a list":              {`[]`, "gateway must be an object"},
		"null":                {`null`, "gateway must be an object"},
		"unknown field":       {`{"request": {` + good + `}, "recipts": {}}`, "recipts is unknown"},
		"unknown deep field":  {`{"request": {` + good + `, "auth": {"kind": "basic"}}}`, "request.auth.kind is unknown"},
		"no request":          {`{}`, "request is required"},
		"no URL":              {`{"request": {"body": {"to": "{{to}}", "text": "{{text}}"}}}`, "request.url is required"},
		"URL with a query":    {`{"request": {"url": "{{base_url}}/x?a=1", "body": {"a": "{{to}}{{text}}"}}}`, "request.url must not have a query"},
		"host from a value":   {`{"request": {"url": "https://{{to}}/", "body": {"a": "{{to}}{{text}}"}}}`, "request.url must begin with"},
		"host and user":       {`{"request": {"url": "https://a@b/", "body": {"a": "{{to}}{{text}}"}}}`, "request.url must begin with"},
		"unknown value":       {`{"request": {"url": "{{base_url}}", "body": {"a": "{{to}}{{text}}{{too}}"}}}`, "request.body.a has the unknown value {{too}}"},
		"open braces":         {`{"request": {"url": "{{base_url}}", "body": {"a": "{{to}}{{text}}{{to"}}}`, "request.body.a has {{ without"},
		"argument":            {`{"request": {"url": "{{base_url}}", "body": {"a": "{{to:x}}{{text}}"}}}`, "request.body.a has {{to:...}}"},
		"no recipient":        {`{"request": {"url": "{{base_url}}", "body": {"a": "{{text}}"}}}`, "request.body must have {{to}}"},
		"no text":             {`{"request": {"url": "{{base_url}}", "body": {"a": "{{to}}"}}}`, "request.body must have {{text}}"},
		"text in a header":    {`{"request": {` + good + `, "headers": {"X-A": "{{text}}"}}}`, "request.headers.X-A has the unknown value {{text}}"},
		"header name":         {`{"request": {` + good + `, "headers": {"X A": "1"}}}`, "request.headers.X A is not the name of a header"},
		"header twice":        {`{"request": {` + good + `, "headers": {"x-a": "1", "X-A": "2"}}}`, "request.headers.x-a is there twice"},
		"many faults":         {`{"request": {` + good + `}, "codes": {"h": "1", "g": "2", "f": "3", "e": "4", "d": "5", "c": "6", "b": "7", "a": "8"}}`, "codes.a is not a meaning"},
		"GET with JSON":       {`{"request": {` + good + `, "method": "GET"}}`, "request.encoding must be query"},
		"method":              {`{"request": {` + good + `, "method": "PUT"}}`, "request.method must be one of POST, GET"},
		"object in a form":    {`{"request": {` + good + `, "encoding": "form", "query": {"a": {"b": "c"}}}}`, "request.query.a must be a text"},
		"pattern":             {`{"request": {` + good + `}, "accepted": {"pattern": "("}}`, "accepted.pattern is not a pattern"},
		"pattern of an id":    {`{"request": {` + good + `}, "id": {"pattern": "x"}}`, "id.pattern needs a group"},
		"empty condition":     {`{"request": {` + good + `}, "accepted": {}}`, "accepted needs a status, a path or a pattern"},
		"status":              {`{"request": {` + good + `}, "accepted": {"status": [200, "2xx"]}}`, "accepted.status must be a HTTP status"},
		"value without path":  {`{"request": {` + good + `}, "accepted": {"value": "OK"}}`, "accepted has a value without a path"},
		"meaning":             {`{"request": {` + good + `}, "refused": [{"status": 400, "means": "bad"}]}`, "refused.0.means must be one of account"},
		"no meaning":          {`{"request": {` + good + `}, "refused": [{"status": 400}]}`, "refused.0.means is required"},
		"code meaning":        {`{"request": {` + good + `}, "codes": {"bad": ["1"]}}`, "codes.bad is not a meaning"},
		"code twice":          {`{"request": {` + good + `}, "codes": {"account": ["1"], "recipient": [1]}}`, "codes.recipient has the code 1"},
		"repeat without ref":  {`{"request": {` + good + `}, "repeat": {"status": 409}}`, "repeat needs {{ref}}"},
		"receipts without id": {`{"request": {` + good + `}, "receipts": {"status": "s", "words": {"a": "sent"}}}`, "id is missing, so the request must carry"},
		"no status":           {`{"request": {` + good + `}, "id": "id", "receipts": {"words": {"a": "sent"}}}`, "receipts.status is required"},
		"no words":            {`{"request": {` + good + `}, "id": "id", "receipts": {"status": "s"}}`, "receipts.words must say"},
		"layout without year": {`{"request": {` + good + `}, "id": "id", "receipts": {"status": "s", "time": {"path": "t", "layout": "YYYY"}}}`, "receipts.time.layout must be unix"},
		"word":                {`{"request": {` + good + `}, "id": "id", "receipts": {"status": "s", "words": {"a": "gone"}}}`, "receipts.words.a must be one of delivered"},
		"GET receipts":        {`{"request": {` + good + `}, "id": "id", "receipts": {"method": "GET", "status": "s", "words": {"a": "sent"}}}`, "receipts.encoding must be query"},
		"header of a HMAC":    {`{"request": {` + good + `}, "id": "id", "receipts": {"status": "s", "words": {"a": "sent"}, "auth": {"type": "hmac"}}}`, "receipts.auth.header must be"},
		"inbound":             {`{"request": {` + good + `}, "id": "id", "receipts": {"status": "s", "words": {"a": "sent"}, "inbound": {"path": "t"}}}`, "receipts.inbound.id is required"},
		"tolerance":           {`{"request": {` + good + `}, "id": "id", "receipts": {"status": "s", "words": {"a": "sent"}, "auth": {"tolerance_seconds": -1}}}`, "receipts.auth.tolerance_seconds must be"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := httpsms.New(settings(t, "https://gateway.example", "custom", row.document))
			fault, ok := errors.AsType[*provider.FieldError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, "gateway", fault.Field)
			require.ErrorContains(t, err, row.want)
		})
	}
}

// TestNew_settings: an account needs the values that its gateway uses, and no others.
func TestNew_settings(t *testing.T) {
	t.Parallel()
	for recipe, want := range map[string][]string{
		"kannel":  {"base_url", "username", "password"},
		"jasmin":  {"base_url", "username", "password"},
		"capcom6": {"username", "password", "receipt_secret"},
		"httpsms": {"token", "receipt_secret"},
		"sinch":   {"username", "token"},
		"custom":  {"gateway"},
		"unknown": {"recipe"},
	} {
		t.Run(recipe, func(t *testing.T) {
			t.Parallel()
			s := settings(t, "", recipe, "")
			s.Values = map[string]string{"recipe": recipe}
			_, err := httpsms.New(s)
			var fields []string
			for line := range strings.SplitSeq(err.Error(), "\n") {
				field, _, _ := strings.Cut(line, " ")
				fields = append(fields, field)
			}
			require.Equal(t, want, fields)
		})
	}
	s := settings(t, "", "sinch", "{}")
	_, err := httpsms.New(s)
	require.ErrorContains(t, err, "gateway is for the recipe custom")
}

// TestDriver_recipes: the form offers each recipe, and each recipe opens.
func TestDriver_recipes(t *testing.T) {
	t.Parallel()
	field, _ := httpsms.Driver().Field("recipe")
	require.Len(t, field.Choices, len(gateways)+1)
	for _, recipe := range field.Choices {
		document := ""
		if recipe == "custom" {
			document = ownGateway
		}
		open(t, settings(t, "https://gateway.example", recipe, document))
	}
}

// exchanged is a request of a message, and what the gateway's answer means.
func exchange(t *testing.T, recipe, document string, m backstop.SMSMessage) (*http.Request, string) {
	t.Helper()
	var got *http.Request
	var body string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		read, err := io.ReadAll(r.Body)
		got, body = r, string(read)
		if err != nil {
			got = nil
		}
	}))
	defer server.Close()
	_, _ = open(t, settings(t, server.URL, recipe, document)).SendSMS(t.Context(), m) // the answer is empty
	require.NotNil(t, got)
	return got, body
}

// TestClient_SendSMS_escapes: a value cannot add a field or a parameter.
func TestClient_SendSMS_escapes(t *testing.T) {
	t.Parallel()
	m := message()
	m.Text, m.SendID = "\"},\"to\":\"x&to=1#%d\u2028\n{{to}}</script>", "a&b=c"
	_, body := exchange(t, "telnyx", "", m)
	var sent map[string]string
	require.NoError(t, json.Unmarshal([]byte(body), &sent))
	require.Equal(t, map[string]string{"from": m.SendID, "to": m.To, "text": m.Text, "webhook_url": receiptURL()}, sent)

	_, body = exchange(t, "46elks", "", m)
	form, err := url.ParseQuery(body)
	require.NoError(t, err)
	require.Equal(t, url.Values{"from": {m.SendID}, "to": {m.To}, "message": {m.Text}, "whendelivered": {receiptURL()}}, form)

	r, _ := exchange(t, "kannel", "", m)
	require.Equal(t, m.Text, r.URL.Query().Get("text"))
	require.Equal(t, m.SendID, r.URL.Query().Get("from"))

	s := settings(t, "https://gateway.example", "sinch", "")
	s.Values["username"] = "../../x?y#z"
	var path string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { path = r.URL.EscapedPath() }))
	defer server.Close()
	s.Values["base_url"] = server.URL
	_, _ = open(t, s).SendSMS(t.Context(), m) // the answer is empty
	require.Equal(t, "/xms/v1/..%2F..%2Fx%3Fy%23z/batches", path)
}

// TestClient_SendSMS_values: values that do not apply are left out, with the parameter that has them.
func TestClient_SendSMS_values(t *testing.T) {
	t.Parallel()
	document := `{"request": {"url": "{{base_url}}/", "auth": {"type": "query", "name": "api_key"}, "body": {
		"to": "{{to}}", "text": "{{text}}", "gsm": "{{text_gsm}}", "hex": "{{text_utf16_hex}}", "coding": "{{unicode:8}}", "plain": "{{gsm:0}}",
		"is_unicode": "{{unicode}}", "s": "{{ttl_seconds}}", "m": "{{ttl_minutes}}", "at": "{{expires_at}}", "unix": "{{expires_at_unix}}",
		"note": "ttl {{ttl_seconds}}", "ref": "{{ref_compact}}", "fixed": "x", "number": 7, "list": ["{{ttl_seconds}}", "a"], "yes": true, "no": null}}}`
	m := message()
	r, body := exchange(t, "custom", document, m)
	require.Equal(t, "/?api_key="+token, r.URL.RequestURI())
	require.JSONEq(t, `{"to":"+447400123456","text":"Grüße & 4711+1","gsm":"Grüße & 4711+1","plain":"0","ref":"0193a1b2c3d47e5f8a6b0123456789ab.2",`+
		`"fixed":"x","number":7,"list":["a"],"yes":true,"no":null}`, body)

	m.Text, m.ValidFor = "Ж😀", 90*time.Second
	_, body = exchange(t, "custom", document, m)
	var sent map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &sent))
	end, err := time.Parse(time.RFC3339, sent["at"].(string))
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(m.ValidFor), end, 5*time.Second)
	require.InDelta(t, end.Unix(), sent["unix"], 0)
	delete(sent, "at")
	delete(sent, "unix")
	require.Equal(t, map[string]any{
		"to": m.To, "text": m.Text, "hex": "0416d83dde00", "coding": "8", "is_unicode": true, "s": 90.0, "m": 1.0, "note": "ttl 90",
		"ref": "0193a1b2c3d47e5f8a6b0123456789ab.2", "fixed": "x", "number": 7.0, "list": []any{90.0, "a"}, "yes": true, "no": nil,
	}, sent)
}

// TestClient_SendSMS_secrets: a gateway that quotes the request, in any form, shows no secret.
func TestClient_SendSMS_secrets(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "Authorization failed for "+r.URL.RequestURI()+" "+r.URL.Query().Get("password"))
	}))
	t.Cleanup(server.Close)
	s := settings(t, server.URL, "kannel", "")
	s.WebhookPath = hookPath + "/webhook-key-0123"
	_, err := open(t, s).SendSMS(t.Context(), message())
	require.ErrorContains(t, err, "rejected (account)")
	for _, secret := range []string{password, url.QueryEscape(password), "webhook-key-0123", "447400123456"} {
		require.NotContains(t, err.Error(), secret)
	}
}

func TestClient_Receipts_auth(t *testing.T) {
	t.Parallel()
	const report = `{"type":"message.phone.sent","data":{"id":"id-1","timestamp":"2026-11-26T08:00:00Z"}}`
	receive := func(c *httpsms.Client, body string, header map[string]string) error {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, hookPath, strings.NewReader(body))
		for name, value := range header {
			r.Header.Set(name, value)
		}
		_, err := c.Receipts(r, []byte(body))
		return err
	}
	t.Run("token", func(t *testing.T) {
		t.Parallel()
		client := open(t, settings(t, "https://gateway.example", "httpsms", ""))
		now := time.Now().Unix()
		genuine := providertest.PublicURL + hookPath
		for name, row := range map[string]struct {
			token     string
			isGenuine bool
		}{
			"good":           {jwt(`{"alg":"HS256"}`, receiptSecret, map[string]any{"aud": []string{genuine}, "exp": now + 60, "nbf": now - 60}), true},
			"one audience":   {jwt(`{"alg":"HS256"}`, receiptSecret, map[string]any{"aud": genuine, "exp": now + 60}), true},
			"a little late":  {jwt(`{"alg":"HS256"}`, receiptSecret, map[string]any{"aud": genuine, "exp": now - 30}), true},
			"expired":        {jwt(`{"alg":"HS256"}`, receiptSecret, map[string]any{"aud": genuine, "exp": now - 120}), false},
			"early":          {jwt(`{"alg":"HS256"}`, receiptSecret, map[string]any{"aud": genuine, "nbf": now + 120}), false},
			"other audience": {jwt(`{"alg":"HS256"}`, receiptSecret, map[string]any{"aud": "https://elsewhere.example" + hookPath}), false},
			"no audience":    {jwt(`{"alg":"HS256"}`, receiptSecret, map[string]any{"exp": now + 60}), false},
			"other key":      {jwt(`{"alg":"HS256"}`, "other", map[string]any{"aud": genuine}), false},
			"no algorithm":   {jwt(`{"alg":"none"}`, receiptSecret, map[string]any{"aud": genuine}), false},
			"unreadable":     {"a.b.c", false},
			"none":           {"", false},
		} {
			err := receive(client, report, map[string]string{"Authorization": "Bearer " + row.token})
			require.Equal(t, row.isGenuine, err == nil, "%s: %v", name, err)
			require.Equal(t, row.isGenuine, backstop.CodeOf(err) != backstop.Forged, name)
		}
	})
	for name, row := range map[string]struct {
		auth   string
		header map[string]string
	}{
		"basic": {
			`{"type": "basic", "username": "gate"}`,
			map[string]string{"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte("gate:"+receiptSecret))},
		},
		"header": {`{"type": "header", "header": "X-Secret", "prefix": "Key "}`, map[string]string{"X-Secret": "Key " + receiptSecret}},
		"hmac of the body": {
			`{"type": "hmac", "header": "X-Sig", "algorithm": "sha1", "format": "base64"}`, map[string]string{"X-Sig": macSHA1(report)},
		},
		"hmac of the address": {
			`{"type": "hmac", "header": "X-Sig", "algorithm": "sha1", "format": "base64", "signed": "url+parameters"}`,
			map[string]string{"X-Sig": macSHA1(providertest.PublicURL + hookPath + report)},
		},
		"recent": {
			`{"type": "hmac", "header": "X-Sig", "algorithm": "sha1", "format": "base64", "tolerance_seconds": 300, "timestamp_header": "X-Time"}`,
			map[string]string{"X-Sig": macSHA1(report), "X-Time": unixNow()},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := open(t, settings(t, "https://gateway.example", "custom", `{"id": "id", "request": {"url": "{{base_url}}", "body": {"a": "{{to}}{{text}}"}},
				"receipts": {"status": "type", "id": "data.id", "words": {"message.phone.sent": "sent"}, "auth": `+row.auth+`}}`))
			require.NoError(t, receive(client, report, row.header))
			require.Equal(t, backstop.Forged, backstop.CodeOf(receive(client, report, nil)))
			for name, value := range row.header {
				wrong := maps.Clone(row.header)
				wrong[name] = "0" + value[1:]
				require.Equal(t, backstop.Forged, backstop.CodeOf(receive(client, report, wrong)), name)
			}
		})
	}
}

// TestClient_Receipts_other: reports that change nothing, and reports of other methods.
func TestClient_Receipts_other(t *testing.T) {
	t.Parallel()
	client := open(t, settings(t, "https://gateway.example", "jasmin", ""))
	contentType, answer := client.WebhookAnswer()
	require.Equal(t, "text/plain; charset=utf-8", contentType)
	require.Equal(t, "ACK/Jasmin", string(answer))
	require.False(t, client.ReceivesGet())
	require.True(t, open(t, settings(t, "https://gateway.example", "kannel", "")).ReceivesGet())
	form := "id=id-1&message_status=ESME_RINVDSTADR&level=1"
	receive := func(method, body string) ([]backstop.Receipt, error) {
		return client.Receipts(httptest.NewRequestWithContext(t.Context(), method, hookPath, strings.NewReader(body)), []byte(body))
	}
	receipts, err := receive(http.MethodPost, form)
	require.NoError(t, err)
	require.Equal(t, "rejected (recipient) jasmin.ESME_RINVDSTADR: reported as ESME_RINVDSTADR", receipts[0].Failure.Error())
	_, err = receive(http.MethodGet, form)
	require.Equal(t, backstop.Invalid, backstop.CodeOf(err))

	_, err = open(t, settings(t, "https://gateway.example", "custom", `{"request": {"url": "{{base_url}}", "body": {"a": "{{to}}{{text}}"}}}`)).
		Receipts(httptest.NewRequestWithContext(t.Context(), http.MethodPost, hookPath, nil), nil)
	require.Equal(t, backstop.Invalid, backstop.CodeOf(err))
}

// FuzzNew: no document of an account makes the driver panic: it is refused with its faults, or it sends and reads receipts.
func FuzzNew(f *testing.F) {
	for _, document := range []string{
		`{"request":{"url":"/send","body":{"form":{"to":"{{to}}","text":"{{text}}"}}},"id":{"json":"id"}}`, `null`, `[]`, `{"request":{}}`,
		`{"base_url":"http://127.0.0.1:1","request":{"path":"{{ref}}"},"codes":{"1":"account"},"receipts":{"auth":{}}}`, `{"id":{"json":"a.b[0]"}}`,
	} {
		f.Add(document, "a=b", []byte(`{"id":"1"}`))
	}
	recipes, err := filepath.Glob("recipes/*.json")
	require.NoError(f, err)
	require.NotEmpty(f, recipes)
	for _, name := range recipes {
		recipe, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(string(recipe), "", []byte(`{"id":"1","status":"delivered"}`))
	}
	public, err := url.Parse(providertest.PublicURL)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, document, query string, body []byte) {
		client, err := httpsms.New(provider.Settings{
			Account: "main", Channel: backstop.SMS, Timeout: time.Second, PublicURLs: []*url.URL{public}, WebhookPath: hookPath,
			Values: map[string]string{
				"recipe": "custom", "gateway": document, "base_url": "http://127.0.0.1:1", "username": username, "password": password, "token": token,
				"receipt_secret": receiptSecret,
			},
		})
		if err != nil {
			require.NotContains(t, err.Error(), receiptSecret)
			return
		}
		r := &http.Request{Method: http.MethodPost, URL: &url.URL{Path: hookPath, RawQuery: query}, Header: http.Header{}}
		_, _ = client.Receipts(r, body) // its answer is the matter of FuzzReceipts; here it must not panic
	})
}
