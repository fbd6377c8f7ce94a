package twilio_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
	"github.com/backstophq/backstop/internal/provider/providertest"
	"github.com/backstophq/backstop/internal/provider/twilio"
)

const (
	whatsAppSender = "+15550783881"
	content        = "HX0123456789abcdef0123456789abcdef"
	germanContent  = "HXfedcba9876543210fedcba9876543210"
)

// whatsAppDriver is an account of a WhatsApp sender.
func whatsAppDriver() providertest.Driver {
	d := driver()
	d.Channel = backstop.WhatsApp
	d.Values["whatsapp_sender"] = whatsAppSender
	d.Values["content_sids"] = `{"order_ready":"` + content + `","order_ready/de":"` + germanContent + `"}`
	d.SMS, d.Lookup.ByID = backstop.SMSMessage{}, true
	d.WhatsApp = backstop.WhatsAppMessage{Ref: providertest.Ref, To: providertest.To, Text: "Grüße & 4711+1"}
	d.CheckRequest = func(t *testing.T, r *http.Request, body []byte) {
		t.Helper()
		require.Equal(t, accountPath+"/Messages.json", r.URL.RequestURI())
		user, password, _ := r.BasicAuth()
		require.Equal(t, accountSID, user)
		require.Equal(t, authToken, password)
		form, err := url.ParseQuery(string(body))
		require.NoError(t, err)
		require.Equal(t, url.Values{
			"To": {"whatsapp:" + providertest.To}, "From": {"whatsapp:" + whatsAppSender}, "Body": {"Grüße & 4711+1"},
			"StatusCallback": {publicURL + "/webhooks/twilio/main?ref=" + providertest.Ref.String() + "#rc=5&rp=all"},
		}, form)
	}
	return d
}

func TestClient_whatsApp(t *testing.T) {
	t.Parallel()
	providertest.Run(t, whatsAppDriver())
}

func FuzzReceipts_whatsApp(f *testing.F) {
	f.Add("", []byte(inbound(url.Values{"From": {"whatsapp:" + providertest.To}}).Encode()), true)
	providertest.Fuzz(f, whatsAppDriver())
}

// sendTemplate sends a template, and returns the form that Twilio received: nil if there was no call.
func sendTemplate(t *testing.T, template backstop.Template) (url.Values, error) {
	t.Helper()
	var form url.Values
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		form = r.PostForm
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"sid":"MM1","status":"queued","num_segments":"1"}`)
	}))
	defer server.Close()
	m := backstop.WhatsAppMessage{Ref: providertest.Ref, To: providertest.To, Template: &template}
	submission, err := newClient(t, whatsAppDriver().Settings(server.URL, 0)).SendWhatsApp(t.Context(), m)
	if err == nil {
		require.Equal(t, backstop.Submission{MessageID: "MM1"}, submission, "a WhatsApp message has no segments")
	}
	return form, err
}

func TestClient_SendWhatsApp_template(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		language, components string
		sid, variables       string
	}{
		"no parameters":         {"en_US", "", content, ""},
		"no components":         {"en_US", "[]", content, ""},
		"of one language":       {"de", "", germanContent, ""},
		"body":                  {"en", `[{"type":"body","parameters":[{"type":"text","text":"4711"},{"type":"text","text":"<\"Ada\">"}]}]`, content, `{"1":"4711","2":"<\"Ada\">"}`},
		"named":                 {"en", `[{"type":"BODY","parameters":[{"type":"text","parameter_name":"code","text":"4711"}]}]`, content, `{"code":"4711"}`},
		"a header without text": {"en", `[{"type":"header"},{"type":"body","parameters":[{"type":"text","text":"4711"}]}]`, content, `{"1":"4711"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			form, err := sendTemplate(t, backstop.Template{Name: "order_ready", Language: row.language, Components: json.RawMessage(row.components)})
			require.NoError(t, err)
			require.Equal(t, row.sid, form.Get("ContentSid"))
			require.False(t, form.Has("Body"))
			require.Equal(t, row.variables != "", form.Has("ContentVariables"))
			if row.variables != "" {
				require.JSONEq(t, row.variables, form.Get("ContentVariables"))
			}
		})
	}
}

// What Twilio has no counterpart for is refused before any call.
func TestClient_SendWhatsApp_notConvertible(t *testing.T) {
	t.Parallel()
	for name, template := range map[string]backstop.Template{
		"unknown name":  {Name: "other", Language: "en"},
		"header":        {Name: "order_ready", Language: "en", Components: json.RawMessage(`[{"type":"header","parameters":[{"type":"text","text":"x"}]}]`)},
		"button":        {Name: "order_ready", Language: "en", Components: json.RawMessage(`[{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"x"}]}]`)},
		"currency":      {Name: "order_ready", Language: "en", Components: json.RawMessage(`[{"type":"body","parameters":[{"type":"currency","currency":{}}]}]`)},
		"mixed":         {Name: "order_ready", Language: "en", Components: json.RawMessage(`[{"type":"body","parameters":[{"type":"text","text":"x"},{"type":"text","parameter_name":"a","text":"x"}]}]`)},
		"twice":         {Name: "order_ready", Language: "en", Components: json.RawMessage(`[{"type":"body","parameters":[{"type":"text","parameter_name":"a","text":"x"},{"type":"text","parameter_name":"a","text":"y"}]}]`)},
		"not a list":    {Name: "order_ready", Language: "en", Components: json.RawMessage(`{"type":"body"}`)},
		"odd parameter": {Name: "order_ready", Language: "en", Components: json.RawMessage(`[{"type":"body","parameters":[7]}]`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			form, err := sendTemplate(t, template)
			failure, ok := errors.AsType[*backstop.Failure](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, backstop.Rejected, failure.Kind)
			require.Equal(t, backstop.TemplateFault, failure.Class)
			require.Nil(t, form, "there was a call")
		})
	}
	client := newClient(t, whatsAppDriver().Settings("http://127.0.0.1:1", 0))
	for _, m := range []backstop.WhatsAppMessage{{To: providertest.To}, {To: providertest.To, Text: "Hi", Template: &backstop.Template{Name: "order_ready"}}} {
		_, err := client.SendWhatsApp(t.Context(), m)
		require.ErrorContains(t, err, "either a text or a template")
	}
}

func TestNew_whatsApp(t *testing.T) {
	t.Parallel()
	for contents, want := range map[string]string{
		`["HX1"]`:                          "content_sids must be a JSON object",
		`{"order_ready":7}`:                "content_sids must be a JSON object",
		`{"order_ready":"HX1"}`:            "content_sids must have a content SID of HX and 32 hexadecimal digits for order_ready",
		`{"a":"` + content + `","b":"HX"}`: "hexadecimal digits for b",
		`order_ready`:                      "content_sids must be a JSON object",
	} {
		settings := whatsAppDriver().Settings("http://127.0.0.1:1", 0)
		settings.Values["content_sids"] = contents
		_, err := twilio.New(settings)
		fault, ok := errors.AsType[*provider.FieldError](err)
		require.True(t, ok, contents)
		require.Equal(t, "content_sids", fault.Field)
		require.ErrorContains(t, err, want)
	}
	settings := whatsAppDriver().Settings("http://127.0.0.1:1", 0)
	settings.Values["whatsapp_sender"] = ""
	_, err := twilio.New(settings)
	require.ErrorContains(t, err, "whatsapp_sender is required")
}

func TestClient_Receipts_whatsAppInbound(t *testing.T) {
	t.Parallel()
	settings := whatsAppDriver().Settings("http://127.0.0.1:1", 0)
	changes := url.Values{
		"From": {"whatsapp:" + providertest.To}, "To": {"whatsapp:" + whatsAppSender}, "Body": {"Not me"}, "ButtonText": {"Not me"},
		"ButtonPayload": {"NO"}, "OriginalRepliedMessageSid": {"MM1"}, "WaId": {"447400123456"}, "ProfileName": {"Ada"},
	}
	receipts, err := received(t, settings, inbound(changes))
	require.NoError(t, err)
	require.Len(t, receipts, 1)
	require.Equal(t, backstop.WhatsApp, receipts[0].Channel)
	require.Equal(t, &backstop.Inbound{From: providertest.To, To: whatsAppSender, Text: "Not me", ReplyTo: "MM1"}, receipts[0].Inbound)

	_, err = received(t, settings, inbound(nil))
	require.Equal(t, backstop.Invalid, backstop.CodeOf(err), "an SMS does not come to a WhatsApp account")
}

// A WhatsApp message is found by its id. A search by its text would not find a template.
func TestClient_Find_whatsApp(t *testing.T) {
	t.Parallel()
	var count atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		count.Add(1)
		_, _ = io.WriteString(w, `{"sid":"MM1","status":"read","num_segments":"1"}`)
	}))
	t.Cleanup(server.Close)
	client := newClient(t, whatsAppDriver().Settings(server.URL, 0))
	found, err := client.Find(t.Context(), backstop.Inquiry{MessageID: "MM1"})
	require.NoError(t, err)
	require.Equal(t, backstop.Read, found.Status)
	_, err = client.Find(t.Context(), question())
	failure, ok := errors.AsType[*backstop.Failure](err)
	require.True(t, ok)
	require.Equal(t, backstop.Unknown, failure.Kind)
	require.EqualValues(t, 1, count.Load())
}
