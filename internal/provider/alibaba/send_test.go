package alibaba_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
	"github.com/backstophq/backstop/internal/provider/providertest"
)

// serve starts a service that always gives this answer, and stores the parameters of the last call: nil if there was none.
func serve(t *testing.T, answer providertest.Reply) (baseURL string, last *url.Values) {
	t.Helper()
	last = new(url.Values)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*last = r.URL.Query()
		w.WriteHeader(answer.Status)
		_, _ = io.WriteString(w, answer.Body)
	}))
	t.Cleanup(server.Close)
	return server.URL, last
}

func TestClient_SendSMS(t *testing.T) {
	t.Parallel()
	for segments, want := range map[string]int{`"3"`: 3, `2`: 2, `null`: 0, `"-1"`: 0, `"999"`: 0, `{}`: 0} {
		baseURL, _ := serve(t, providertest.Reply{Status: 200, Body: `{"ResponseCode":"OK","RequestId":"F655","MessageId":"1008","Segments":` + segments + `}`})
		submission, err := newClient(t, smsDriver().Settings(baseURL, 0)).SendSMS(t.Context(), smsDriver().SMS)
		require.NoError(t, err)
		require.Equal(t, backstop.Submission{MessageID: "1008", Segments: want}, submission)
	}
	baseURL, last := serve(t, smsDriver().Accepted("1"))
	for valid, want := range map[time.Duration]string{0: "", time.Millisecond: "1", 90*time.Second + 999*time.Millisecond: "90", 720 * time.Hour: "2592000"} {
		m := smsDriver().SMS
		m.ValidFor, m.SendID = valid, "+447400999999"
		_, err := newClient(t, smsDriver().Settings(baseURL, 0)).SendSMS(t.Context(), m)
		require.NoError(t, err)
		require.Equal(t, want, last.Get("ValidityPeriod"), valid)
		require.Equal(t, want != "", last.Has("ValidityPeriod"))
		require.Equal(t, "447400999999", last.Get("From"), "a sender of digits has no plus")
	}
}

// A service may refuse with HTTP 200. Its code decides, also with the prefix of earlier versions.
func TestClient_SendSMS_refused(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"isv.MOBILE_NUMBER_ILLEGAL": "rejected (recipient) MOBILE_NUMBER_ILLEGAL: no",
		"isp.RAM_PERMISSION_DENY":   "rejected (account) RAM_PERMISSION_DENY: no",
		"NEW_CODE":                  "rejected NEW_CODE: no",
		"131026":                    "rejected 131026: no", // a number is no code of Meta's here
		"a code with spaces":        "rejected: no (a code with spaces)",
	} {
		baseURL, _ := serve(t, refused(http.StatusOK, code, "no"))
		_, err := newClient(t, smsDriver().Settings(baseURL, 0)).SendSMS(t.Context(), smsDriver().SMS)
		require.EqualError(t, err, want)
	}
}

func TestClient_SendWhatsApp_template(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		template                 backstop.Template
		code, byName, parameters string
	}{
		"by code":         {backstop.Template{Name: "order_ready", Language: "en_US"}, "1119", "", ""},
		"by its language": {backstop.Template{Name: "order_ready", Language: "de"}, "1120", "", ""},
		"by name":         {backstop.Template{Name: "hello", Language: "de", Components: json.RawMessage(`[]`)}, "", "hello", ""},
		"positional": {
			backstop.Template{Name: "hello", Language: "de", Components: json.RawMessage(`[{"type":"body","parameters":[{"type":"text","text":"<4711>"},{"type":"text","text":"b"}]}]`)},
			"", "hello", `{"1":"<4711>","2":"b"}`,
		},
		"named": {
			backstop.Template{Name: "hello", Language: "de", Components: json.RawMessage(`[{"type":"body","parameters":[{"type":"text","parameter_name":"code","text":"4711"}]}]`)},
			"", "hello", `{"code":"4711"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			baseURL, last := serve(t, whatsAppDriver().Accepted("61851ccb"))
			m := backstop.WhatsAppMessage{Ref: providertest.Ref, To: providertest.To, Template: &row.template}
			submission, err := newClient(t, whatsAppDriver().Settings(baseURL, 0)).SendWhatsApp(t.Context(), m)
			require.NoError(t, err)
			require.Equal(t, backstop.Submission{MessageID: "61851ccb"}, submission)
			require.Equal(t, "template", last.Get("Type"))
			require.Equal(t, row.template.Language, last.Get("Language"))
			require.Equal(t, row.code, last.Get("TemplateCode"))
			require.Equal(t, row.byName, last.Get("TemplateName"))
			require.False(t, last.Has("Content") || last.Has("MessageType"))
			if row.parameters == "" {
				require.False(t, last.Has("TemplateParams"))
				return
			}
			require.JSONEq(t, row.parameters, last.Get("TemplateParams"))
		})
	}
}

// What has no counterpart is refused before any call.
func TestClient_SendWhatsApp_notConvertible(t *testing.T) {
	t.Parallel()
	baseURL, last := serve(t, whatsAppDriver().Accepted("1"))
	client := newClient(t, whatsAppDriver().Settings(baseURL, 0))
	for _, m := range []backstop.WhatsAppMessage{
		{},
		{Text: "Hi", Template: &backstop.Template{Name: "hello", Language: "de"}},
		{Template: &backstop.Template{Name: "hello", Language: "de", Components: json.RawMessage(`[{"type":"header","parameters":[{"type":"text","text":"x"}]}]`)}},
	} {
		_, err := client.SendWhatsApp(t.Context(), m)
		failure, ok := errors.AsType[*backstop.Failure](err)
		require.True(t, ok)
		require.Equal(t, backstop.TemplateFault, failure.Class)
		require.Nil(t, *last)
	}
}

func TestClient_Check(t *testing.T) {
	t.Parallel()
	numbers := func(number string) providertest.Reply {
		return providertest.Reply{Status: 200, Body: `{"Code":"OK","RequestId":"90E6","PhoneNumbers":[{"PhoneNumber":"861"},{"PhoneNumber":"` + number + `","QualityRating":"GREEN"}]}`}
	}
	for name, row := range map[string]struct {
		d      providertest.Driver
		answer providertest.Reply
		want   string // empty: the account is well
	}{
		"sms":              {smsDriver(), refused(200, "DATA_NOT_EXIST", "none"), ""},
		"sms, odd id":      {smsDriver(), refused(200, "isv.INVALID_PARAMETERS", "none"), ""},
		"number":           {whatsAppDriver(), numbers(sender), ""},
		"number with plus": {whatsAppDriver(), numbers("+" + sender), ""},
		"another number":   {whatsAppDriver(), numbers("862"), "whatsapp_sender is not a number of this account and space"},
		"secret": {
			smsDriver(), refused(400, "SignatureDoesNotMatch", "no "+secret),
			"access_key_secret is not accepted (Alibaba Cloud says SignatureDoesNotMatch: no ***)",
		},
		"key": {
			whatsAppDriver(), refused(404, "InvalidAccessKeyId.NotFound", "no"),
			"access_key_id is not accepted (Alibaba Cloud says InvalidAccessKeyId.NotFound: no)",
		},
		"permission": {
			smsDriver(), refused(200, "isp.RAM_PERMISSION_DENY", "no"),
			"access_key_id lacks a permission (Alibaba Cloud says RAM_PERMISSION_DENY: no)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			baseURL, _ := serve(t, row.answer)
			err := newClient(t, row.d.Settings(baseURL, 0)).Check(t.Context())
			if row.want == "" {
				require.NoError(t, err)
				return
			}
			_, ok := errors.AsType[*provider.FieldError](err)
			require.True(t, ok, "%v", err)
			require.EqualError(t, err, row.want)
		})
	}
	for _, d := range []providertest.Driver{smsDriver(), whatsAppDriver()} {
		for _, answer := range []providertest.Reply{{Status: 502, Body: "<html>"}, {Status: 200, Body: "OK"}, refused(503, "ServiceUnavailable", "no")} {
			baseURL, _ := serve(t, answer)
			failure, ok := errors.AsType[*backstop.Failure](newClient(t, d.Settings(baseURL, 0)).Check(t.Context()))
			require.True(t, ok)
			require.Equal(t, backstop.Unavailable, failure.Kind)
		}
		failure, ok := errors.AsType[*backstop.Failure](newClient(t, d.Settings("http://127.0.0.1:1", 0)).Check(t.Context()))
		require.True(t, ok)
		require.Equal(t, backstop.Unavailable, failure.Kind)
	}
}
