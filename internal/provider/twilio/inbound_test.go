package twilio_test

import (
	"maps"
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

// received passes a signed callback to a new client with these settings.
func received(t *testing.T, s provider.Settings, form url.Values) ([]backstop.Receipt, error) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/twilio/main", nil)
	body := []byte(form.Encode())
	sign(publicURL, r, body)
	return newClient(t, s).Receipts(r, body)
}

// inbound is the callback of an inbound SMS, as in the manual, with these changes.
func inbound(changes url.Values) url.Values {
	form := url.Values{
		"MessageSid": {"SM-in"}, "SmsSid": {"SM-in"}, "SmsMessageSid": {"SM-in"}, "SmsStatus": {"received"}, "AccountSid": {accountSID},
		"From": {providertest.To}, "To": {"+15550001111"}, "Body": {"Hi there"}, "NumMedia": {"0"}, "NumSegments": {"1"},
		"ApiVersion": {"2010-04-01"}, "FromCountry": {"GB"},
	}
	maps.Copy(form, changes)
	return form
}

func TestClient_Receipts_inbound(t *testing.T) {
	t.Parallel()
	body := func(text string) url.Values { return url.Values{"Body": {text}} }
	optOut := func(text, kind string) url.Values { return url.Values{"Body": {text}, "OptOutType": {kind}} }
	for name, row := range map[string]struct {
		changes url.Values
		want    backstop.Inbound
	}{
		"reply":                     {nil, backstop.Inbound{Text: "Hi there"}},
		"no text":                   {body(""), backstop.Inbound{}},
		"stop":                      {body("Stop"), backstop.Inbound{Text: "Stop", Keyword: backstop.StopKeyword}},
		"stop with spaces":          {body(" STOPALL\n"), backstop.Inbound{Text: " STOPALL\n", Keyword: backstop.StopKeyword}},
		"not a stop":                {body("Stop it"), backstop.Inbound{Text: "Stop it"}},
		"start":                     {body("UNSTOP"), backstop.Inbound{Text: "UNSTOP", Keyword: backstop.StartKeyword}},
		"yes":                       {body("yes"), backstop.Inbound{Text: "yes", Keyword: backstop.StartKeyword}},
		"advanced stop":             {optOut("HALT", "STOP"), backstop.Inbound{Text: "HALT", Keyword: backstop.StopKeyword}},
		"advanced start":            {optOut("ja", "START"), backstop.Inbound{Text: "ja", Keyword: backstop.StartKeyword}},
		"advanced help":             {optOut("stop", "HELP"), backstop.Inbound{Text: "stop"}},
		"a type that is new":        {optOut("stop", "PAUSE"), backstop.Inbound{Text: "stop", Keyword: backstop.StopKeyword}},
		"an answer to a message":    {url.Values{"OriginalRepliedMessageSid": {"SM1"}}, backstop.Inbound{Text: "Hi there", ReplyTo: "SM1"}},
		"of another callback's URL": {url.Values{"AccountSid": nil}, backstop.Inbound{Text: "Hi there"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			receipts, err := received(t, options("http://127.0.0.1:1"), inbound(row.changes))
			require.NoError(t, err)
			require.Len(t, receipts, 1)
			require.WithinDuration(t, time.Now(), receipts[0].At, time.Minute)
			receipts[0].At = time.Time{}
			row.want.From, row.want.To = providertest.To, "+15550001111"
			require.Equal(t, backstop.Receipt{
				Provider: "twilio", Account: providertest.AccountName, Channel: backstop.SMS, MessageID: "SM-in", Inbound: &row.want,
			}, receipts[0])
		})
	}
}

func TestClient_Receipts_oddInbound(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		changes url.Values
		code    backstop.Code
	}{
		"another account":   {url.Values{"AccountSid": {"AC00000000000000000000000000000000"}}, ""},
		"from a short code": {url.Values{"From": {"12345"}}, ""},
		"from a name":       {url.Values{"From": {"Backstop"}}, ""},
		"no id":             {url.Values{"MessageSid": nil}, backstop.Invalid},
		"another channel":   {url.Values{"From": {"whatsapp:" + providertest.To}}, backstop.Invalid},
	} {
		receipts, err := received(t, options("http://127.0.0.1:1"), inbound(row.changes))
		require.Equal(t, row.code, backstop.CodeOf(err), "%s: %v", name, err)
		require.Empty(t, receipts, name)
	}
	// A status that also has a text is a status.
	receipts, err := received(t, options("http://127.0.0.1:1"), inbound(url.Values{"MessageStatus": {"delivered"}}))
	require.NoError(t, err)
	require.Equal(t, backstop.Delivered, receipts[0].Status)
	require.Nil(t, receipts[0].Inbound)
}
