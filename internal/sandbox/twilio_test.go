package sandbox_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTwilio_Answer(t *testing.T) {
	t.Parallel()
	s := newServer(t, options())
	form := smsForm(recipient+"01", "+15550001111")
	form.Del("StatusCallback")
	got := serve(s, twilioRequest(t.Context(), "", form))
	require.Equal(t, http.StatusCreated, got.status)
	body := got.json(t)
	sid, _ := body["sid"].(string)
	require.Regexp(t, `^SM[0-9a-f]{32}$`, sid)
	for name, want := range map[string]any{
		"account_sid": accountSID, "api_version": "2010-04-01", "body": "hello", "direction": "outbound-api",
		"error_code": nil, "error_message": nil, "from": "+15550001111", "messaging_service_sid": nil,
		"num_media": "0", "num_segments": "1", "price": nil, "status": "queued", "to": recipient + "01", "date_sent": nil,
		"uri": "/2010-04-01/Accounts/" + accountSID + "/Messages/" + sid + ".json",
	} {
		require.Contains(t, body, name)
		require.Equal(t, want, body[name], name)
	}
	created, _ := body["date_created"].(string)
	_, err := time.Parse(time.RFC1123Z, created)
	require.NoError(t, err)
	require.Equal(t, sid, messages(t, s, "")[0].ID)
}

func TestTwilio_MessagingService(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, rc := bubble(t)
		form := smsForm(recipient+"01", "")
		form.Set("MessagingServiceSid", "MG1")
		body := serve(s, twilioRequest(t.Context(), "", form)).json(t)
		require.Equal(t, "accepted", body["status"])
		require.Equal(t, "0", body["num_segments"])
		require.Nil(t, body["from"])
		require.Equal(t, "MG1", body["messaging_service_sid"])
		time.Sleep(time.Minute)
		rc.requireNoFaults(t)
		require.Contains(t, rc.bodies()[0], "MessagingServiceSid=MG1")
		require.Equal(t, "MG1", messages(t, s, "")[0].From)
	})
}

func TestTwilio_Callback(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, rc := bubble(t)
		form := smsForm(recipient+"14", "Backstop")
		form.Set("StatusCallback", callbackURL+"&note=a%20b#rc=5")
		sid, _ := serve(s, twilioRequest(t.Context(), "", form)).json(t)["sid"].(string)
		time.Sleep(time.Minute)
		rc.requireNoFaults(t)
		got, err := url.ParseQuery(rc.bodies()[1])
		require.NoError(t, err)
		require.Equal(t, url.Values{
			"SmsSid": {sid}, "MessageSid": {sid}, "SmsStatus": {"undelivered"}, "MessageStatus": {"undelivered"},
			"ErrorCode": {"30003"}, "AccountSid": {accountSID}, "ApiVersion": {"2010-04-01"},
			"To": {recipient + "14"}, "From": {"Backstop"}, "RawDlrDoneDate": {"0001010000"},
		}, got)
		require.NotContains(t, rc.bodies()[0], "ErrorCode")
	})
}

func TestTwilio_Credentials(t *testing.T) {
	t.Parallel()
	cases := map[string]func(*http.Request){
		"none":          func(r *http.Request) { r.Header.Del("Authorization") },
		"wrong token":   func(r *http.Request) { r.SetBasicAuth(accountSID, "other") },
		"wrong user":    func(r *http.Request) { r.SetBasicAuth("AC0", authToken) },
		"bearer":        func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+authToken) },
		"other account": func(r *http.Request) { r.URL.Path = "/2010-04-01/Accounts/AC0/Messages.json" },
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, options())
			req := twilioRequest(t.Context(), "", smsForm(recipient+"01", "Backstop"))
			spoil(req)
			got := serve(s, req)
			require.Equal(t, http.StatusUnauthorized, got.status)
			require.JSONEq(t, `{"code":20003,"message":"Authenticate","more_info":"https://www.twilio.com/docs/errors/20003","status":401}`, got.body)
			require.Equal(t, 20003, messages(t, s, "")[0].Answer.Code)
		})
	}
}

func TestTwilio_InvalidParameter(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		name, value string
		code        int
	}{
		"no To":             {"To", "", 21604},
		"no From":           {"From", "", 21603},
		"no Body":           {"Body", "", 21602},
		"long Body":         {"Body", strings.Repeat("é", 1601), 21617},
		"801 emoji":         {"Body", strings.Repeat("😀", 801), 21617},
		"short To":          {"To", "+123", 21211},
		"national To":       {"To", "015100000001", 21211},
		"whatsapp To":       {"To", "whatsapp:+4915100000001", 21910},
		"From too long":     {"From", "BackstopShop", 21212},
		"From with symbols": {"From", "Shop!", 21212},
		"From of digits":    {"From", "1234567890", 21212},
		"callback":          {"StatusCallback", "/webhooks/twilio", 21609},
		"callback scheme":   {"StatusCallback", "ftp://host/x", 21609},
		"validity zero":     {"ValidityPeriod", "0", 90014},
		"validity words":    {"ValidityPeriod", "1h", 90014},
		"validity too long": {"ValidityPeriod", "36001", 90007},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, options())
			form := smsForm(recipient+"01", "Backstop")
			form.Set(tc.name, tc.value)
			got := serve(s, twilioRequest(t.Context(), "", form))
			require.Equal(t, http.StatusBadRequest, got.status)
			body := got.json(t)
			require.InDelta(t, tc.code, body["code"], 0)
			require.InDelta(t, 400, body["status"], 0)
			require.Equal(t, "https://www.twilio.com/docs/errors/"+strconv.Itoa(tc.code), body["more_info"])
			require.False(t, messages(t, s, "")[0].Accepted)
		})
	}
	t.Run("JSON body", func(t *testing.T) {
		t.Parallel()
		s := newServer(t, options())
		req := twilioRequest(t.Context(), "", smsForm(recipient+"01", "Backstop"))
		req.Header.Set("Content-Type", "application/json")
		require.Equal(t, 21604, serve(s, req).code(t))
	})
}

func TestTwilio_Senders(t *testing.T) {
	t.Parallel()
	s := newServer(t, options())
	for _, from := range []string{"Backstop", "My Shop", "A1", "12345", "+15550001111"} {
		form := smsForm(recipient+"01", from)
		form.Del("StatusCallback")
		form.Set("ValidityPeriod", "36000")
		require.Equal(t, http.StatusCreated, serve(s, twilioRequest(t.Context(), "", form)).status, from)
	}
}

// The limits of GSM 03.38 and UCS-2, and characters that must not be split.
func TestTwilio_Segments(t *testing.T) {
	t.Parallel()
	s := newServer(t, options())
	for want, texts := range map[string][]string{
		"1": {strings.Repeat("a", 160), strings.Repeat("€", 80), strings.Repeat("я", 70), strings.Repeat("🙂", 35)},
		"2": {
			strings.Repeat("a", 161), strings.Repeat("a", 306), strings.Repeat("€", 81), strings.Repeat("€", 152),
			strings.Repeat("я", 71), strings.Repeat("я", 134), strings.Repeat("🙂", 66),
		},
		"3": {strings.Repeat("a", 307), strings.Repeat("€", 153), strings.Repeat("я", 135), strings.Repeat("🙂", 67)},
	} {
		for _, text := range texts {
			form := smsForm(recipient+"01", "Backstop")
			form.Del("StatusCallback")
			form.Set("Body", text)
			require.Equal(t, want, serve(s, twilioRequest(t.Context(), "", form)).json(t)["num_segments"], "%d of %.4s", len([]rune(text)), text)
		}
	}
}
