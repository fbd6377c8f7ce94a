package infobip_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider/infobip"
)

// The requests have the form of Infobip's published descriptions (3.210.0), from which testdata/requests.json is an extract.
func TestRequests_openAPI(t *testing.T) {
	t.Parallel()
	document, err := openapi3.NewLoader().LoadFromFile("testdata/requests.json")
	require.NoError(t, err)
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { body, _ = io.ReadAll(r.Body) }))
	t.Cleanup(server.Close)
	check := func(name string) {
		t.Helper()
		var request any
		require.NoError(t, json.Unmarshal(body, &request))
		require.NoError(t, document.Components.Schemas[name].Value.VisitJSON(request, openapi3.MultiErrors()), "%s", body)
	}
	_, err = open[*infobip.SMS](t, smsDriver(), server.URL).SendSMS(t.Context(), smsDriver().SMS)
	require.Error(t, err)
	check("SmsRequestEnvelope")
	whatsApp := open[*infobip.WhatsApp](t, whatsAppDriver(), server.URL)
	_, err = whatsApp.SendWhatsApp(t.Context(), whatsAppDriver().WhatsApp)
	require.Error(t, err)
	check("TextMessage")
	for _, header := range []string{
		`{"type":"text","text":"x"}`, `{"type":"image","image":{"link":"https://x/1.png"}}`, `{"type":"video","video":{"link":"https://x/1.mp4"}}`,
		`{"type":"document","document":{"link":"https://x/1.pdf","filename":"1.pdf"}}`, `{"type":"location","location":{"latitude":"44.7","longitude":1}}`,
	} {
		m := whatsAppDriver().WhatsApp
		m.Text, m.Template = "", &backstop.Template{Name: "order_ready", Language: "en_US", Components: json.RawMessage(`[
			{"type":"header","parameters":[` + header + `]},{"type":"body","parameters":[{"type":"text","text":"4711"}]},
			{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"x"}]},
			{"type":"button","sub_type":"quick_reply","index":"1","parameters":[{"type":"payload","payload":"x"}]},
			{"type":"button","sub_type":"copy_code","index":"2","parameters":[{"type":"coupon_code","coupon_code":"x"}]},
			{"type":"button","sub_type":"flow","index":"3","parameters":[{"type":"action","action":{"flow_token":"t","flow_action_data":{}}}]}]`)}
		_, err = whatsApp.SendWhatsApp(t.Context(), m)
		require.Error(t, err)
		check("BulkMessage")
	}
	require.Error(t, document.Components.Schemas["TextMessage"].Value.VisitJSON(map[string]any{"from": "1"}), "the extract does check")
}
