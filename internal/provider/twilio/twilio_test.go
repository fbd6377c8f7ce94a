package twilio_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sort"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
	"github.com/backstophq/backstop/internal/provider/providertest"
	"github.com/backstophq/backstop/internal/provider/twilio"
)

const (
	accountSID = "AC0123456789abcdef0123456789abcdef"
	authToken  = "auth-token-0123"
	publicURL  = providertest.PublicURL
)

func options(baseURL string) provider.Settings { return driver().Settings(baseURL, time.Minute) }

func newClient(tb testing.TB, s provider.Settings) *twilio.Client {
	tb.Helper()
	client, err := twilio.New(s)
	require.NoError(tb, err)
	return client
}

func message() backstop.SMSMessage {
	return backstop.SMSMessage{Ref: providertest.Ref, To: providertest.To, SendID: "Backstop", Text: "Grüße & 4711+1"}
}

func driver() providertest.Driver {
	return providertest.Driver{
		Of:           twilio.Driver(),
		Channel:      backstop.SMS,
		Values:       map[string]string{"account_sid": accountSID, "auth_token": authToken},
		Secrets:      []string{authToken, base64.StdEncoding.EncodeToString([]byte(accountSID + ":" + authToken))},
		SMS:          message(),
		CheckRequest: checkRequest,
		Accepted: func(id string) providertest.Reply {
			return providertest.Reply{Status: http.StatusCreated, Body: `{"sid":"` + id + `","status":"queued","num_segments":"2",` +
				`"error_code":null,"price":null,"to":"+447400123456","new_field":{"x":[1]}}`}
		},
		Refused: func(status int, code, text string) providertest.Reply {
			body := fmt.Sprintf(`{"code":%s,"message":%s,"more_info":"https://www.twilio.com/docs/errors/1","status":%d}`,
				code, providertest.Quote(text), status)
			return providertest.Reply{Status: status, Body: body}
		},
		Codes:           codes(),
		Hook:            hook,
		Sign:            func(r *http.Request, body []byte) { sign(publicURL, r, body) },
		SignatureHeader: "X-Twilio-Signature",
		Statuses: map[string]backstop.Status{
			"accepted": "", "scheduled": "", "queued": "", "sending": "", "partially_delivered": "", "receiving": "", "received": "",
			"sent": backstop.Sent, "delivered": backstop.Delivered, "read": backstop.Read,
			"undelivered": backstop.Failed, "failed": backstop.Failed, "canceled": backstop.Failed,
		},
		Failed: "undelivered",
		Lookup: lookup(),
	}
}

func codes() providertest.CodeTable {
	var table providertest.CodeTable
	table.Add(backstop.Throttled, "", 429, 20429)
	table.Add(backstop.Throttled, "", 400, 14107, 20429, 21611, 30001, 30022, 63018)
	table.Add(backstop.Unavailable, "", 400, 30450, 30485)
	table.Add(backstop.Rejected, backstop.RecipientFault, 400, 21211, 21214, 21265, 21266, 21408, 21612, 21614, 21635)
	table.Add(backstop.Rejected, backstop.RecipientFault, 400, 30003, 30004, 30005, 30006, 30008)
	table.Add(backstop.Rejected, backstop.RecipientFault, 400, 63003, 63014, 63016, 63024, 63032, 63049)
	table.Add(backstop.Rejected, backstop.TemplateFault, 400, 21602, 21617, 21619, 21656, 30007, 30019)
	table.Add(backstop.Rejected, backstop.TemplateFault, 400, 21604, 21624, 30012, 30045, 90007)
	table.Add(backstop.Rejected, backstop.TemplateFault, 400, 63005, 63013, 63021, 63027)
	table.Add(backstop.Rejected, backstop.AccountFault, 401, 20003)
	table.Add(backstop.Rejected, backstop.AccountFault, 404, 20404)
	table.Add(backstop.Rejected, backstop.AccountFault, 429, 63038)
	table.Add(backstop.Rejected, backstop.AccountFault, 400, 21212, 21601, 21603, 21606, 21608, 21657, 21659, 21660, 21661)
	table.Add(backstop.Rejected, backstop.AccountFault, 400, 21703, 21704, 21705, 30002, 30018, 30024, 30032, 30034, 30042)
	table.Add(backstop.Rejected, backstop.AccountFault, 400, 63002, 63007)
	table.Add(backstop.Rejected, backstop.OptedOut, 400, 21610)
	table.Add(backstop.Rejected, backstop.Expired, 400, 30036)
	table.Add(backstop.Rejected, "", 400, 21706, 30010, 30023, 30038) // in no table: their meaning is not certain
	return table
}

// The code decides, not the HTTP status.
func TestClient_SendSMS_refused(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		status     int
		body, want string
	}{
		"landline": {
			400, `{"code":21635,"message":"'To' number cannot be a Landline","more_info":"https://www.twilio.com/docs/errors/21635","status":400}`,
			"rejected (recipient) 21635: 'To' number cannot be a Landline",
		},
		"daily limit": {
			429, `{"code":63038,"message":"Account exceeded the 500 daily messages limit","status":429}`,
			"rejected (account) 63038: Account exceeded the 500 daily messages limit",
		},
		"code as text": {400, `{"code":"21635","message":null}`, "rejected (recipient) 21635: an error without a text"},
		"in no table":  {400, `{"code":39999,"message":"no"}`, "rejected 39999: no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(row.status)
				_, _ = io.WriteString(w, row.body)
			}))
			t.Cleanup(server.Close)
			_, err := newClient(t, options(server.URL)).SendSMS(t.Context(), message())
			require.EqualError(t, err, row.want)
		})
	}
}

func checkRequest(t *testing.T, r *http.Request, body []byte) {
	t.Helper()
	require.Equal(t, http.MethodPost, r.Method)
	require.Equal(t, "/2010-04-01/Accounts/"+accountSID+"/Messages.json", r.URL.RequestURI())
	user, password, _ := r.BasicAuth()
	require.Equal(t, accountSID, user)
	require.Equal(t, authToken, password)
	require.Equal(t, "application/x-www-form-urlencoded", r.Header.Get("Content-Type"))
	form, err := url.ParseQuery(string(body))
	require.NoError(t, err)
	require.Equal(t, url.Values{
		"To": {providertest.To}, "From": {"Backstop"}, "Body": {"Grüße & 4711+1"},
		"StatusCallback": {publicURL + "/webhooks/twilio/main?ref=" + providertest.Ref.String() + "#rc=5&rp=all"},
	}, form)
}

func hook(reports ...providertest.Report) providertest.Hook {
	r := reports[0]
	form := url.Values{
		"AccountSid": {accountSID}, "ApiVersion": {"2010-04-01"}, "From": {"Backstop"}, "To": {providertest.To}, "Empty": {""},
		"MessageSid": {r.ID}, "SmsSid": {r.ID}, "MessageStatus": {r.Status}, "SmsStatus": {r.Status}, "ZNewField": {"ü + &="},
	}
	if r.Code != "" {
		form.Set("ErrorCode", r.Code)
		form.Set("ErrorMessage", r.Text)
	}
	return providertest.Hook{Target: "/webhooks/twilio/main?ref=" + url.QueryEscape(r.Ref), Body: []byte(form.Encode())}
}

// sign is a second implementation of the manual's algorithm.
func sign(public string, r *http.Request, body []byte) {
	form, _ := url.ParseQuery(string(body)) // the readable part is signed
	var pairs []string
	for name, values := range form {
		seen := map[string]bool{}
		for _, value := range values {
			if !seen[value] {
				pairs = append(pairs, name+"\x00"+value)
			}
			seen[value] = true
		}
	}
	sort.Strings(pairs)
	mac := hmac.New(sha1.New, []byte(authToken))
	mac.Write([]byte(public + r.URL.RequestURI()))
	for _, pair := range pairs {
		for i := range len(pair) {
			if pair[i] == 0 {
				pair = pair[:i] + pair[i+1:]
				break
			}
		}
		mac.Write([]byte(pair))
	}
	r.Header.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

func TestClient(t *testing.T) {
	t.Parallel()
	providertest.Run(t, driver())
}

func FuzzReceipts(f *testing.F) {
	for _, form := range []string{
		"MessageSid=SM1&MessageStatus=undelivered&ErrorCode=30034", "MessageSid=SM1&MessageStatus=failed&ErrorCode=odd&ErrorMessage=%2B44",
		"MessageSid=SM1&MessageSid=SM2&MessageStatus=canceled&ErrorCode=-1&MessageStatus=",
		"MessageSid=SM1&From=%2B447400123456&To=Backstop&Body=STOP&OptOutType=STOP&OriginalRepliedMessageSid=SM2", "MessageSid=SM1&From=x&Body=%00%FF",
	} {
		f.Add("ref="+providertest.Ref.String(), []byte(form), true)
	}
	providertest.Fuzz(f, driver())
}

func FuzzAnswers(f *testing.F) { providertest.FuzzAnswers(f, driver()) }

func TestNew(t *testing.T) {
	t.Parallel()
	settings := options("")
	settings.Values = map[string]string{"api_key": "SK1"}
	_, err := twilio.New(settings)
	for _, name := range []string{"account_sid", "auth_token", "api_secret", "base_url"} {
		require.ErrorContains(t, err, name+" is required")
	}
	settings.Values = map[string]string{
		"base_url": "ftp://example.com", "account_sid": "AC 1", "auth_token": "hunter2\r", "api_secret": "hunter2\n",
	}
	_, err = twilio.New(settings)
	for _, name := range []string{"base_url", "account_sid", "auth_token", "api_key", "api_secret"} {
		require.ErrorContains(t, err, name)
	}
	require.NotContains(t, err.Error(), "hunter2")
}
