package twilio_test

import (
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

// The signatures are those of the tests of Twilio's Python library, for the token 12345.
// Their forms are no status callbacks, so Invalid means that the signature is valid.
func TestClient_Receipts(t *testing.T) {
	t.Parallel()
	const (
		call = "CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212&Caller=%2B14158675309"
		many = "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234"
		good = backstop.Invalid
		bad  = backstop.Forged
	)
	for name, row := range map[string]struct {
		public, form, signature string
		want                    backstop.Code
	}{
		"as it is":           {"https://mycompany.com", call, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", good},
		"slash at its end":   {"https://mycompany.com/", call, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", good},
		"port left out":      {"https://mycompany.com:1234", call, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", good},
		"port added":         {"https://mycompany.com", call, "kvajT1Ptam85bY51eRf/AJRuM3w=", good},
		"port added, http":   {"http://mycompany.com", call, "0ZXoZLH/DfblKGATFgpif+LLRf4=", good},
		"port of its own":    {"http://mycompany.com:1234", call, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=", good},
		"a name three times": {"https://mycompany.com", many, "IK+Dwps556ElfBT0I3Rgjkr1wJU=", good},
		"an idle bit":        {"https://mycompany.com", call, "RSOYDt4T1cUTdK1PDd93/VVr8B9=", bad},
		"another host":       {"https://yourcompany.com", call, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", bad},
		"another scheme":     {"http://mycompany.com", call, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", bad},
		"another port":       {"https://mycompany.com:444", call, "kvajT1Ptam85bY51eRf/AJRuM3w=", bad},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options("http://127.0.0.1:1")
			o.Values["auth_token"], o.PublicURLs = "12345", publicURLs(t, row.public)
			client := newClient(t, o)
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/myapp.php?foo=1&bar=2", nil)
			r.Header.Set("X-Twilio-Signature", row.signature)
			_, err := client.Receipts(r, []byte(row.form))
			require.Equal(t, row.want, backstop.CodeOf(err), "%v", err)
		})
	}
}

// A repeated parameter is signed once for each value. The callback and its signature are as Twilio sent them.
func TestClient_Receipts_repeatedParameters(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost,
		"/webhooks/twilio?ref=01970e2a-5b7c-7d3e-8f00-4a1b2c3d4e5f.1", nil)
	r.Header.Set("X-Twilio-Signature", "KKS2k4AGS7RNZqfWnFf6zopVs/E=")
	receipts, err := newClient(t, options("http://127.0.0.1:1")).Receipts(r, []byte("Field_number_Value=5&Field_number_Value=3&Field_number_Value=5"+
		"&Empty=&MessageStatus=delivered&MessageSid=SM0123456789abcdef0123456789abcdef&Note=%C3%BC+%26+%3B+%E2%82%AC"))
	require.NoError(t, err)
	require.Len(t, receipts, 1)
	require.Equal(t, backstop.Delivered, receipts[0].Status)
}

// A callback of another account is ignored, unless it has a reference of ours.
func TestClient_Receipts_otherAccount(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]int{"": 0, "?ref=" + providertest.Ref.String(): 1} {
		const form = "MessageSid=SM1&MessageStatus=sent&AccountSid=AC00000000000000000000000000000000"
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/twilio"+query, nil)
		sign(publicURL, r, []byte(form))
		receipts, err := newClient(t, options("http://127.0.0.1:1")).Receipts(r, []byte(form))
		require.NoError(t, err)
		require.Len(t, receipts, want)
	}
}

// The class of a callback follows from its code. A status word alone has no class.
func TestClient_Receipts_errorCodes(t *testing.T) {
	t.Parallel()
	for form, want := range map[string]string{
		// A sender that is not registered for 10DLC, as Twilio sent it.
		"ErrorCode=30034&SmsSid=SM00000000000000000000000000030034&SmsStatus=undelivered&MessageStatus=undelivered&" +
			"To=%2B12025550143&MessageSid=SM00000000000000000000000000030034&AccountSid=AC0123456789abcdef0123456789abcdef&" +
			"From=%2B12025550199&ApiVersion=2010-04-01": "rejected (account) 30034: reported as undelivered",
		"MessageSid=SM1&MessageStatus=failed&ErrorCode=63038":                 "rejected (account) 63038: reported as failed",
		"MessageSid=SM1&MessageStatus=failed&ErrorCode=30007&ErrorMessage=no": "rejected (template) 30007: reported as failed: no",
		"MessageSid=SM1&MessageStatus=failed&ErrorCode=30036":                 "rejected (expired) 30036: reported as failed",
		"MessageSid=SM1&MessageStatus=failed&ErrorCode=30022":                 "rejected 30022: reported as failed",
		"MessageSid=SM1&MessageStatus=undelivered&ErrorCode=39999":            "rejected 39999: reported as undelivered",
		"MessageSid=SM1&MessageStatus=undelivered&ErrorCode=odd":              "rejected: reported as undelivered",
		"MessageSid=SM1&MessageStatus=canceled":                               "rejected: reported as canceled",
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/twilio", nil)
		sign(publicURL, r, []byte(form))
		receipts, err := newClient(t, options("http://127.0.0.1:1")).Receipts(r, []byte(form))
		require.NoError(t, err)
		require.Len(t, receipts, 1)
		require.EqualError(t, receipts[0].Failure, want)
	}
}

func TestClient_Receipts_target(t *testing.T) {
	t.Parallel()
	callback := hook(providertest.Report{ID: "SM1", Ref: providertest.Ref.String(), Status: "delivered"})
	receive := func(t *testing.T, public, signed, received string) ([]backstop.Receipt, error) {
		t.Helper()
		o := options("http://127.0.0.1:1")
		o.PublicURLs = publicURLs(t, public)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, signed, nil)
		sign(public, r, callback.Body)
		got := httptest.NewRequestWithContext(t.Context(), http.MethodPost, received, nil)
		got.Header = r.Header
		return newClient(t, o).Receipts(got, callback.Body)
	}
	for _, public := range []string{publicURL, "http://[::1]:8080", "https://[2001:db8::1]", "https://example.com/backstop"} {
		receipts, err := receive(t, public, callback.Target, callback.Target)
		require.NoError(t, err, public)
		require.Len(t, receipts, 1)
	}
	for _, other := range []string{"/webhooks/twilio/main", callback.Target + "0", callback.Target + "&x=1", "/webhooks/twilio/main2?ref=" + providertest.Ref.String()} {
		_, err := receive(t, publicURL, callback.Target, other)
		require.Equal(t, backstop.Forged, backstop.CodeOf(err), "the address is signed too: %s", other)
	}
}

func TestClient_SendSMS(t *testing.T) {
	t.Parallel()
	type seen struct{ user, password string }
	serve := func(t *testing.T, body string) (string, *seen) {
		t.Helper()
		var last seen
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			last.user, last.password, _ = r.BasicAuth()
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, body)
		}))
		t.Cleanup(server.Close)
		return server.URL, &last
	}
	t.Run("api key", func(t *testing.T) {
		t.Parallel()
		baseURL, last := serve(t, `{"sid":"SM1"}`)
		o := options(baseURL)
		o.Values["api_key"], o.Values["api_secret"] = "SK0123", "api-secret"
		_, err := newClient(t, o).SendSMS(t.Context(), message())
		require.NoError(t, err)
		require.Equal(t, seen{"SK0123", "api-secret"}, *last)
	})
	for body, segments := range map[string]int{
		`{"sid":"SM1"}`:                       0,
		`{"sid":"SM1","num_segments":"3"}`:    3,
		`{"sid":"SM1","num_segments":3}`:      3,
		`{"sid":"SM1","num_segments":null}`:   0,
		`{"sid":"SM1","num_segments":{}}`:     0,
		`{"sid":"SM1","num_segments":"-1"}`:   0,
		`{"sid":"SM1","num_segments":"9999"}`: 0,
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			baseURL, _ := serve(t, body)
			submission, err := newClient(t, options(baseURL)).SendSMS(t.Context(), message())
			require.NoError(t, err)
			require.Equal(t, backstop.Submission{MessageID: "SM1", Segments: segments}, submission)
		})
	}
}

// The StatusCallback is the webhook's URL with a fragment that the manual allows.
func TestClient_SendSMS_repeats(t *testing.T) {
	t.Parallel()
	form := sentForm(t, message())
	require.Regexp(t,
		`^https://backstop\.example/webhooks/twilio/main\?ref=[0-9a-f-]{36}\.[0-9]+#rc=[1-5]&rp=(all|5xx,ct|ct,5xx|5xx)$`,
		form.Get("StatusCallback"))
}

func TestClient_SendSMS_validFor(t *testing.T) {
	t.Parallel()
	for valid, want := range map[time.Duration]string{
		0: "", -time.Second: "1", 1: "1", time.Second: "1", 1999 * time.Millisecond: "1", 4 * time.Second: "4",
		5*time.Minute + 999*time.Millisecond: "300", 10 * time.Hour: "36000", 10*time.Hour + time.Second: "", 720 * time.Hour: "",
	} {
		m := message()
		m.ValidFor = valid
		form := sentForm(t, m)
		require.Equal(t, want, form.Get("ValidityPeriod"), valid)
		require.Equal(t, want != "", form.Has("ValidityPeriod"), valid)
	}
}

func TestClient_SendSMS_pool(t *testing.T) {
	t.Parallel()
	const service = "MG0123456789abcdef0123456789abcdef"
	m := message()
	m.SendID = service
	form := sentForm(t, m)
	require.Equal(t, service, form.Get("MessagingServiceSid"))
	require.False(t, form.Has("From"))

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"sid":"SM1","status":"accepted","from":null,"messaging_service_sid":"`+service+`","num_segments":"0",`+
			`"error_code":null,"price":null}`)
	}))
	t.Cleanup(server.Close)
	submission, err := newClient(t, options(server.URL)).SendSMS(t.Context(), m)
	require.NoError(t, err)
	require.Equal(t, backstop.Submission{MessageID: "SM1"}, submission, "the service has not counted the segments yet")
}

// sentForm sends a message and returns the form that Twilio received.
func sentForm(t *testing.T, m backstop.SMSMessage) url.Values {
	t.Helper()
	var form url.Values
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		form = r.PostForm
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"sid":"SM1"}`)
	}))
	defer server.Close()
	_, err := newClient(t, options(server.URL)).SendSMS(t.Context(), m)
	require.NoError(t, err)
	return form
}

func publicURLs(t *testing.T, address string) []*url.URL {
	t.Helper()
	public, err := provider.ParseURL("public_url", address)
	require.NoError(t, err)
	return []*url.URL{public}
}
