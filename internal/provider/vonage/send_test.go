package vonage_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider/providertest"
	"github.com/backstophq/backstop/internal/provider/vonage"
)

// request is a call that a server got.
type request struct {
	header http.Header
	body   string
}

// serve starts a server that always gives this answer and keeps the last request.
func serve(t *testing.T, status int, answer string) (string, *request) {
	t.Helper()
	var last request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		last = request{r.Header, string(body)}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	return server.URL, &last
}

const taken = `{"message_uuid":"id-1"}`

func open(t *testing.T, channel backstop.Channel, baseURL string, change func(map[string]string)) (*vonage.Client, error) {
	t.Helper()
	settings := driver(channel).Settings(baseURL, time.Minute)
	change(settings.Values)
	return vonage.New(settings)
}

func nothing(map[string]string) {}

func TestNew(t *testing.T) {
	t.Parallel()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(ec)
	require.NoError(t, err)
	pkcs1 := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(privateKey())}))
	for name, row := range map[string]struct {
		values map[string]string
		fields []string // the wrong ones
	}{
		"application":         {map[string]string{}, nil},
		"PKCS #1":             {map[string]string{"private_key": pkcs1}, nil},
		"on one line":         {map[string]string{"private_key": strings.ReplaceAll(pkcs8(), "\n", `\n`)}, nil},
		"api key":             {map[string]string{"application_id": "", "private_key": "", "api_key": "a1b2c3d", "api_secret": "hunter2"}, nil},
		"both":                {map[string]string{"api_key": "a1b2c3d", "api_secret": "hunter2"}, nil},
		"neither":             {map[string]string{"application_id": "", "private_key": ""}, []string{"application_id", "private_key"}},
		"no private key":      {map[string]string{"private_key": ""}, []string{"private_key"}},
		"no application":      {map[string]string{"application_id": ""}, []string{"application_id"}},
		"no api secret":       {map[string]string{"application_id": "", "private_key": "", "api_key": "a1b2c3d"}, []string{"api_secret"}},
		"key of another kind": {map[string]string{"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))}, []string{"private_key"}},
		"key is no PEM":       {map[string]string{"private_key": "hunter2"}, []string{"private_key"}},
		"key is empty PEM":    {map[string]string{"private_key": "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----"}, []string{"private_key"}},
		"no signature secret": {map[string]string{"signature_secret": ""}, []string{"signature_secret"}},
		"no sender":           {map[string]string{"sender": ""}, []string{"sender"}},
		"address":             {map[string]string{"base_url": "https://user:hunter2@example.com"}, []string{"base_url"}},
	} {
		_, err := open(t, backstop.WhatsApp, "https://api.nexmo.com", func(values map[string]string) {
			maps.Copy(values, row.values)
		})
		if row.fields == nil {
			require.NoError(t, err, name)
			continue
		}
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "hunter2")
		for _, field := range row.fields {
			require.ErrorContains(t, err, field, name)
		}
	}
}

func TestClient_apiKey(t *testing.T) {
	t.Parallel()
	baseURL, last := serve(t, http.StatusAccepted, taken)
	client, err := open(t, backstop.SMS, baseURL, func(values map[string]string) {
		values["application_id"], values["private_key"], values["api_key"], values["api_secret"] = "", "", "a1b2c3d", "secret"
	})
	require.NoError(t, err)
	_, err = client.SendSMS(t.Context(), driver(backstop.SMS).SMS)
	require.NoError(t, err)
	user, password, _ := (&http.Request{Header: last.header}).BasicAuth()
	require.Equal(t, "a1b2c3d:secret", user+":"+password)
}

// A token is used again for some minutes. A failure that quotes it hides it.
func TestClient_token(t *testing.T) {
	t.Parallel()
	baseURL, last := serve(t, http.StatusAccepted, taken)
	client, err := open(t, backstop.SMS, baseURL, nothing)
	require.NoError(t, err)
	var tokens []string
	for range 2 {
		_, err = client.SendSMS(t.Context(), driver(backstop.SMS).SMS)
		require.NoError(t, err)
		tokens = append(tokens, last.header.Get("Authorization"))
	}
	require.Equal(t, tokens[0], tokens[1])

	quote := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"type":"x#unauthorized","title":"no","detail":"`+r.Header.Get("Authorization")+`"}`)
	}))
	t.Cleanup(quote.Close)
	client, err = open(t, backstop.SMS, quote.URL, nothing)
	require.NoError(t, err)
	_, err = client.SendSMS(t.Context(), driver(backstop.SMS).SMS)
	require.EqualError(t, err, "rejected (account) unauthorized: no; Bearer ***")
}

func TestClient_SendSMS_timeToLive(t *testing.T) {
	t.Parallel()
	for valid, want := range map[time.Duration]any{
		0: nil, -time.Second: 20.0, 1: 20.0, 19 * time.Second: 20.0, 5*time.Minute + 999*time.Millisecond: 300.0,
		72 * time.Hour: 259200.0, 72*time.Hour + time.Second: nil,
	} {
		baseURL, last := serve(t, http.StatusAccepted, taken)
		client, err := open(t, backstop.SMS, baseURL, nothing)
		require.NoError(t, err)
		m := driver(backstop.SMS).SMS
		m.ValidFor = valid
		_, err = client.SendSMS(t.Context(), m)
		require.NoError(t, err)
		var body map[string]any
		require.NoError(t, json.Unmarshal([]byte(last.body), &body))
		require.Equal(t, want, body["ttl"], valid)
	}
}

// A template goes out in Meta's own form.
func TestClient_SendWhatsApp_template(t *testing.T) {
	t.Parallel()
	baseURL, last := serve(t, http.StatusAccepted, taken)
	client, err := open(t, backstop.WhatsApp, baseURL, nothing)
	require.NoError(t, err)
	m := backstop.WhatsAppMessage{Ref: providertest.Ref, To: providertest.To, Template: &backstop.Template{
		Name: "order_ready", Language: "en_US", Components: json.RawMessage(`[{"type":"body","parameters":[{"type":"text","text":"<4711>"}]}]`),
	}}
	_, err = client.SendWhatsApp(t.Context(), m)
	require.NoError(t, err)
	require.JSONEq(t, `{"message_type":"custom","channel":"whatsapp","to":"447400123456","from":"`+sender+`","custom":{"type":"template",
		"template":{"name":"order_ready","language":{"code":"en_US","policy":"deterministic"},
		"components":[{"type":"body","parameters":[{"type":"text","text":"<4711>"}]}]}},
		"client_ref":"`+providertest.Ref.String()+`",`+addresses+`}`, last.body)
	require.Contains(t, last.body, "<4711>")
	for _, change := range []func(*backstop.WhatsAppMessage){
		func(m *backstop.WhatsAppMessage) { m.Template = nil },
		func(m *backstop.WhatsAppMessage) { m.Text = "both" },
		func(m *backstop.WhatsAppMessage) { m.Template = &backstop.Template{Components: json.RawMessage(`[`)} },
	} {
		wrong := m
		change(&wrong)
		_, err = client.SendWhatsApp(t.Context(), wrong)
		require.ErrorContains(t, err, "rejected (template)")
	}
}

func TestClient_refused(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		status     int
		body, want string
	}{
		{422, `{"type":"https://developer.nexmo.com/api-errors/messages-olympus#1120","title":"Invalid sender","detail":"The from is wrong"}`, "rejected (account) 1120: Invalid sender; The from is wrong"},
		{422, `{"type":"https://developer.vonage.com/api-errors/messages#1020","title":"1020","detail":"no","invalid_parameters":[{"name":"to","reason":"bad"}]}`, "rejected (template) 1020: no; to: bad"},
		{429, `{"type":"https://developer.nexmo.com/api-errors/messages-olympus#1010","title":"Rate Limit Hit"}`, "throttled 1010: Rate Limit Hit"},
		{401, `{"type":"https://developer.nexmo.com/api-errors/#unauthorized","title":"You did not provide correct credentials."}`, "rejected (account) unauthorized: You did not provide correct credentials."},
		{422, `{"type":"x#1320","title":"Message already sent"}`, "unknown 1320: Message already sent"},
		{422, `{"type":"https://developer.vonage.com/new-error","title":"new"}`, "rejected new-error: new"},
		{422, `{"type":"#","title":"new"}`, "rejected: HTTP 422 without the provider's error"},
		{422, `{"title":"1120"}`, "rejected: HTTP 422 without the provider's error"},
		{422, `{"type":"x#1120"}`, "rejected (account) 1120: an error without a text"},
		{422, `{"type":"x#1120","title":{},"detail":[],"invalid_parameters":"odd"}`, "rejected (account) 1120: an error without a text"},
	} {
		baseURL, _ := serve(t, row.status, row.body)
		client, err := open(t, backstop.SMS, baseURL, nothing)
		require.NoError(t, err)
		_, err = client.SendSMS(t.Context(), driver(backstop.SMS).SMS)
		require.EqualError(t, err, row.want)
	}
}
