package meta_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
	"github.com/backstophq/backstop/internal/provider/meta"
	"github.com/backstophq/backstop/internal/provider/providertest"
)

const (
	accessToken = "EAAG-access-token"
	appSecret   = "app-secret-0123"
	verifyToken = "verify-token-4567"
	phoneID     = "106540352242922"
)

func options(baseURL string) provider.Settings { return driver().Settings(baseURL, time.Minute) }

func newClient(tb testing.TB, s provider.Settings) *meta.Client {
	tb.Helper()
	client, err := meta.New(s)
	require.NoError(tb, err)
	return client
}

func driver() providertest.Driver {
	return providertest.Driver{
		Of:      meta.Driver(),
		Channel: backstop.WhatsApp,
		Values: map[string]string{
			"phone_number_id": phoneID, "access_token": accessToken, "app_secret": appSecret, "verify_token": verifyToken,
		},
		Secrets:      []string{accessToken, appSecret, verifyToken},
		WhatsApp:     backstop.WhatsAppMessage{Ref: providertest.Ref, To: providertest.To, Text: "Hello"},
		CheckRequest: checkText,
		Accepted: func(id string) providertest.Reply {
			return providertest.Reply{Status: http.StatusOK, Body: `{"messaging_product":"whatsapp","new_field":{"x":[1]},` +
				`"contacts":[{"input":"+447400123456","wa_id":"447400123456"}],"messages":[{"id":"` + id + `","message_status":"accepted"}]}`}
		},
		Refused:         refused,
		Codes:           codes(),
		Hook:            hook,
		Sign:            sign,
		SignatureHeader: "X-Hub-Signature-256",
		Statuses: map[string]backstop.Status{
			"sent": backstop.Sent, "delivered": backstop.Delivered, "read": backstop.Read, "failed": backstop.Failed,
			"played": "", "deleted": "", "warning": "",
		},
		Failed:   "failed",
		Batches:  true,
		HasTimes: true,
	}
}

// codes is the table of the manual, with the HTTP status that the manual gives for each code.
func codes() providertest.CodeTable {
	var table providertest.CodeTable
	table.Add(backstop.Throttled, "", 400, 4, 80007, 130429, 131056)
	table.Add(backstop.Throttled, "", 429, 130429)
	table.Add(backstop.Unavailable, "", 400, 1, 134101)
	table.Add(backstop.Unavailable, "", 429, 131000)
	table.Add(backstop.Unavailable, "", 500, 131000, 131016, 131057)
	table.Add(backstop.Unavailable, "", 503, 2, 133004)
	table.Add(backstop.Rejected, backstop.RecipientFault, 400, 130403, 130472, 131021, 131026, 131047, 131049, 131062, 137000)
	table.Add(backstop.Rejected, backstop.RecipientFault, 403, 130497)
	table.Add(backstop.Rejected, backstop.RecipientFault, 500, 131026)
	table.Add(backstop.Rejected, backstop.TemplateFault, 400, 100, 131008, 131009, 131051, 131053)
	table.Add(backstop.Rejected, backstop.TemplateFault, 400, 132000, 132005, 132007, 132012, 132015, 132016, 132018, 132021)
	table.Add(backstop.Rejected, backstop.TemplateFault, 400, 132068, 132069, 134100, 135000)
	table.Add(backstop.Rejected, backstop.TemplateFault, 404, 132001)
	table.Add(backstop.Rejected, backstop.TemplateFault, 500, 134102)
	table.Add(backstop.Rejected, backstop.AccountFault, 401, 0, 190)
	table.Add(backstop.Rejected, backstop.AccountFault, 403, 10, 200, 250, 299, 368, 131005, 131031)
	table.Add(backstop.Rejected, backstop.AccountFault, 400, 33, 131030, 131037, 131042, 131048, 131055, 131063, 131064)
	table.Add(backstop.Rejected, backstop.AccountFault, 400, 133005, 133006, 133008, 133009, 133010, 133015, 133016, 134011, 139200)
	table.Add(backstop.Rejected, backstop.AccountFault, 429, 131048)
	table.Add(backstop.Rejected, backstop.AccountFault, 500, 3, 131045, 133000)
	table.Add(backstop.Rejected, backstop.OptedOut, 400, 131050)
	table.Add(backstop.Rejected, "", 400, 131052, 131059, 131060, 138000, 138018, 2388318) // in no table: none of them belongs to a send
	return table
}

func refused(status int, code, text string) providertest.Reply {
	body := fmt.Sprintf(`{"error":{"message":%s,"type":"OAuthException","code":%s,"error_subcode":7,`+
		`"error_data":{"messaging_product":"whatsapp","details":"look it up"},"fbtrace_id":"A1"}}`, providertest.Quote(text), code)
	return providertest.Reply{Status: status, Body: body}
}

func checkText(t *testing.T, r *http.Request, body []byte) {
	t.Helper()
	require.Equal(t, http.MethodPost, r.Method)
	require.Equal(t, "/v23.0/"+phoneID+"/messages", r.URL.RequestURI())
	require.Equal(t, "Bearer "+accessToken, r.Header.Get("Authorization"))
	require.Equal(t, "application/json", r.Header.Get("Content-Type"))
	require.JSONEq(t, `{"messaging_product":"whatsapp","recipient_type":"individual","to":"+447400123456","type":"text",
		"text":{"body":"Hello","preview_url":false},"biz_opaque_callback_data":"`+providertest.Ref.String()+`"}`, string(body))
}

// hook puts the reports into two entries. Between them is an entry without a report.
func hook(reports ...providertest.Report) providertest.Hook {
	var statuses []string
	for _, r := range reports {
		status := `{"id":` + providertest.Quote(r.ID) + `,"status":` + providertest.Quote(r.Status) + `,"timestamp":` + providertest.Quote(r.At) +
			`,"recipient_id":"447400123456","biz_opaque_callback_data":` + providertest.Quote(r.Ref) +
			`,"conversation":{"id":"c1","origin":{"type":"utility"}},"pricing":{"billable":true},"new_field":[null]`
		if r.Code != "" {
			status += `,"errors":[{"code":` + r.Code + `,"title":"title","message":` + providertest.Quote(r.Text) +
				`,"error_data":{"details":"look it up"},"href":"https://developers.facebook.com/"},{"code":1,"title":"second"}]`
		}
		statuses = append(statuses, status+"}")
	}
	half := len(statuses) / 2
	entry := func(statuses []string) string {
		return `{"id":"102290129340398","changes":[{"field":"messages","value":{"messaging_product":"whatsapp",` +
			`"metadata":{"display_phone_number":"15550783881","phone_number_id":"` + phoneID + `"},"statuses":[` + strings.Join(statuses, ",") + `]}}]}`
	}
	other := `{"id":"1","changes":[{"field":"messages","value":{"errors":[{"code":130429}]}},{"field":"account_update","value":"anything"}]}`
	body := `{"object":"whatsapp_business_account","new_field":1,"entry":[` +
		entry(statuses[:half]) + "," + other + "," + entry(statuses[half:]) + "]}"
	return providertest.Hook{Target: "/webhooks/meta", Body: []byte(body)}
}

func sign(r *http.Request, body []byte) {
	mac := hmac.New(sha256.New, []byte(appSecret))
	mac.Write(body)
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
}

func TestClient(t *testing.T) {
	t.Parallel()
	providertest.Run(t, driver())
}

func FuzzReceipts(f *testing.F) {
	f.Add("", []byte(mixedBatch), true)
	for _, status := range []string{
		`{"id":"wamid.1","status":"failed","errors":[{"code":"131031","title":"no"}]}`,
		`{"id":7,"status":"failed","timestamp":1764000000.0,"errors":{"code":131031.0,"error_data":{"details":7}}}`,
		`{"id":"wamid.1","status":"failed","type":"payment","payment":{},"errors":"odd"}`,
	} {
		f.Add("", []byte(`{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":{"statuses":[`+
			status+`]}}]}]}`), true)
	}
	for _, value := range inboundValues() {
		f.Add("", []byte(value), true)
	}
	providertest.Fuzz(f, driver())
}

func FuzzAnswers(f *testing.F) { providertest.FuzzAnswers(f, driver()) }

func TestNew(t *testing.T) {
	t.Parallel()
	_, err := meta.New(provider.Settings{Values: map[string]string{}})
	for _, name := range []string{"phone_number_id", "access_token", "app_secret", "verify_token", "base_url"} {
		require.ErrorContains(t, err, name+" is required")
	}
	_, err = meta.New(provider.Settings{Values: map[string]string{
		"base_url": "https://user:hunter2@example.com", "version": "v 1", "phone_number_id": "1\n2", "access_token": "hunter2\r",
		"app_secret": "hunter2\x00", "verify_token": "hunter2 ",
	}})
	for _, name := range []string{"base_url", "version", "phone_number_id", "access_token", "app_secret", "verify_token"} {
		require.ErrorContains(t, err, name)
	}
	require.NotContains(t, err.Error(), "hunter2")
}

func TestClient_Challenge(t *testing.T) {
	t.Parallel()
	client := newClient(t, options("http://127.0.0.1:1"))
	good := url.Values{"hub.mode": {"subscribe"}, "hub.verify_token": {verifyToken}, "hub.challenge": {"1158201444"}}
	answer, err := client.Challenge(good)
	require.NoError(t, err)
	require.Equal(t, "1158201444", answer)

	for name, change := range map[string]url.Values{
		"token wrong":   {"hub.verify_token": {verifyToken + "x"}},
		"token empty":   {"hub.verify_token": {""}},
		"token missing": {"hub.verify_token": nil},
		"mode wrong":    {"hub.mode": {"unsubscribe"}},
		"mode missing":  {"hub.mode": nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			query := url.Values{"hub.challenge": {"1"}}
			for key := range good {
				query[key] = good[key]
			}
			for key := range change {
				query[key] = change[key]
			}
			answer, err := client.Challenge(query)
			require.Equal(t, backstop.Forged, backstop.CodeOf(err))
			require.Empty(t, answer)
		})
	}
}
