package infobip_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider/infobip"
)

// sendTemplate sends a template with these components. It returns the templateData that Infobip got, or the failure.
func sendTemplate(t *testing.T, components string) (string, error) {
	t.Helper()
	var got struct {
		Messages []struct {
			Content map[string]json.RawMessage `json:"content"`
		} `json:"messages"`
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path != "/whatsapp/1/message/template" || json.Unmarshal(body, &got) != nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = io.WriteString(w, `{"messages":[{"to":"1","messageId":"id-1","status":`+statusOf("PENDING_ENROUTE", "")+`}],"bulkId":"1"}`)
	}))
	defer server.Close()
	m := whatsAppDriver().WhatsApp
	m.Text, m.Template = "", &backstop.Template{Name: "order_ready", Language: "en_US", Components: json.RawMessage(components)}
	submission, err := open[*infobip.WhatsApp](t, whatsAppDriver(), server.URL).SendWhatsApp(t.Context(), m)
	if err != nil {
		return "", err
	}
	require.Equal(t, backstop.Submission{MessageID: "id-1"}, submission)
	require.Len(t, got.Messages, 1)
	require.JSONEq(t, `"order_ready"`, string(got.Messages[0].Content["templateName"]))
	require.JSONEq(t, `"en_US"`, string(got.Messages[0].Content["language"]))
	return string(got.Messages[0].Content["templateData"]), nil
}

func TestWhatsApp_SendWhatsApp_template(t *testing.T) {
	t.Parallel()
	for components, want := range map[string]string{
		``:     `{"body":{"placeholders":[]}}`,
		`null`: `{"body":{"placeholders":[]}}`,
		`[]`:   `{"body":{"placeholders":[]}}`,
		`[{"type":"body","parameters":[{"type":"text","text":"<4711>"},{"type":"text","text":""}]}]`: `{"body":{"placeholders":["<4711>",""]}}`,
		`[{"type":"BODY"},{"type":"HEADER"},{"type":"footer"}]`:                                      `{"body":{"placeholders":[]}}`,
		`[{"type":"header","parameters":[{"type":"text","text":"4711"}]}]`:                           `{"body":{"placeholders":[]},"header":{"type":"TEXT","placeholder":"4711"}}`,
		`[{"type":"header","parameters":[{"type":"image","image":{"link":"https://x/1.png"}}]}]`:     `{"body":{"placeholders":[]},"header":{"type":"IMAGE","mediaUrl":"https://x/1.png"}}`,
		`[{"type":"header","parameters":[{"type":"video","video":{"link":"https://x/1.mp4"}}]}]`:     `{"body":{"placeholders":[]},"header":{"type":"VIDEO","mediaUrl":"https://x/1.mp4"}}`,
		`[{"type":"header","parameters":[{"type":"document","document":{"link":"https://x/1.pdf","filename":"1.pdf"}}]}]`: `{"body":{"placeholders":[]},
			"header":{"type":"DOCUMENT","mediaUrl":"https://x/1.pdf","filename":"1.pdf"}}`,
		`[{"type":"header","parameters":[{"type":"location","location":{"latitude":"44.7","longitude":-1.5,"name":"x"}}]}]`: `{"body":{"placeholders":[]},
			"header":{"type":"LOCATION","latitude":44.7,"longitude":-1.5}}`,
		`[{"type":"button","sub_type":"quick_reply","index":"2","parameters":[{"type":"payload","payload":"yes"}]},
		  {"type":"button","sub_type":"url","index":0,"parameters":[{"type":"text","text":"4711?a&b"}]},
		  {"type":"button","sub_type":"copy_code","index":"1","parameters":[{"type":"coupon_code","coupon_code":"SAVE"}]}]`: `{"body":{"placeholders":[]},
			"buttons":[{"type":"URL","parameter":"4711?a&b"},{"type":"COPY_CODE","parameter":"SAVE"},{"type":"QUICK_REPLY","parameter":"yes"}]}`,
		`[{"type":"button","sub_type":"flow","index":"0","parameters":[{"type":"action","action":{"flow_token":"t","flow_action_data":{"a":1}}}]}]`: `{"body":{"placeholders":[]},
			"buttons":[{"type":"FLOW","flowToken":"t","data":{"a":1}}]}`,
		`[{"type":"button","sub_type":"flow","index":"0"}]`: `{"body":{"placeholders":[]},"buttons":[{"type":"FLOW"}]}`,
	} {
		data, err := sendTemplate(t, components)
		require.NoError(t, err, components)
		require.JSONEq(t, want, data)
	}
}

// What Infobip has no form for is refused before any call.
func TestWhatsApp_SendWhatsApp_noForm(t *testing.T) {
	t.Parallel()
	for components, want := range map[string]string{
		`{}`:                                "not a JSON array",
		`[`:                                 "not a JSON array",
		`[7]`:                               "not a JSON array",
		`[{"type":"carousel"}]`:             "a component of type \"carousel\" cannot be sent",
		`[{"type":"limited_time_offer"}]`:   "a component of type",
		`[{"type":"body"},{"type":"BODY"}]`: "two components of type body",
		`[{"type":"footer","parameters":[{"type":"text","text":"x"}]}]`:                                     "has no parameters",
		`[{"type":"body","parameters":[{"type":"text","text":"x","parameter_name":"n"}]}]`:                  "has a name",
		`[{"type":"body","parameters":[{"type":"currency","currency":{}}]}]`:                                "parameter 1 of the body is not a text",
		`[{"type":"body","parameters":[{"type":"text"}]}]`:                                                  "parameter 1 of the body is not a text",
		`[{"type":"header","parameters":[{"type":"image","image":{"id":"1"}}]}]`:                            "no link",
		`[{"type":"header","parameters":[{"type":"video"}]}]`:                                               "no link",
		`[{"type":"header","parameters":[{"type":"document","document":{"link":"https://x"}}]}]`:            "no filename",
		`[{"type":"header","parameters":[{"type":"product"}]}]`:                                             "a header of type",
		`[{"type":"header","parameters":[{"type":"text","text":"x"},{"type":"text","text":"y"}]}]`:          "more than one",
		`[{"type":"header","parameters":[{"type":"text","parameter_name":"n","text":"x"}]}]`:                "has a name",
		`[{"type":"button","sub_type":"url","parameters":[{"type":"text","text":"x"}]}]`:                    "no index",
		`[{"type":"button","sub_type":"url","index":"0"}]`:                                                  "must have one parameter",
		`[{"type":"button","sub_type":"catalog","index":"0","parameters":[{"type":"action","action":{}}]}]`: "a button \"catalog\"",
		`[{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"x"}]},
		  {"type":"button","sub_type":"url","index":0,"parameters":[{"type":"text","text":"x"}]}]`: "two buttons",
		`[{"type":"button","sub_type":"flow","index":"0","parameters":[{"type":"text","text":"x"}]}]`: "must be an action",
	} {
		_, err := sendTemplate(t, components)
		failure, ok := errors.AsType[*backstop.Failure](err)
		require.True(t, ok, "%s: %v", components, err)
		require.Equal(t, backstop.Rejected, failure.Kind, components)
		require.Equal(t, backstop.TemplateFault, failure.Class)
		require.Contains(t, failure.Reason, want)
	}
}

func TestWhatsApp_SendWhatsApp_eitherOr(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*backstop.WhatsAppMessage){
		func(m *backstop.WhatsAppMessage) { m.Text = "" },
		func(m *backstop.WhatsAppMessage) { m.Template = &backstop.Template{Name: "x", Language: "en"} },
	} {
		m := whatsAppDriver().WhatsApp
		change(&m)
		_, err := open[*infobip.WhatsApp](t, whatsAppDriver(), "http://127.0.0.1:1").SendWhatsApp(t.Context(), m)
		failure, ok := errors.AsType[*backstop.Failure](err)
		require.True(t, ok)
		require.Equal(t, backstop.TemplateFault, failure.Class)
	}
}
