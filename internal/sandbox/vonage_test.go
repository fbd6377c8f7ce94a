package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/sandbox"
)

func vonageFace() sandbox.Vonage {
	return sandbox.Vonage{APIKey: "a1b2c3d", APISecret: "secret", SignatureSecret: "signature-secret", Sender: "447860099299"}
}

func postVonage(t *testing.T, s *sandbox.Server, body string) answer {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/vonage/v1/messages", strings.NewReader(body))
	req.SetBasicAuth("a1b2c3d", "secret")
	return serve(s, req)
}

func vonageSMS(to, extra string) string {
	return `{"message_type":"text","channel":"sms","to":"` + to + `","from":"Backstop","text":"hello","client_ref":"ref-1",` +
		`"webhook_url":"http://backstop.test/webhooks/vonage/main","webhook_version":"v1"` + extra + `}`
}

func TestVonage_Status(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, recorder := newFace(t, vonageFace())
		got := postVonage(t, s, vonageSMS("4915100000014", ""))
		require.Equal(t, http.StatusAccepted, got.status)
		id, _ := got.json(t)["message_uuid"].(string)
		require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, id)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, []time.Duration{time.Second, 2 * time.Second}, recorder.at)
		require.JSONEq(t, `{"message_uuid":"`+id+`","to":"4915100000014","from":"Backstop","channel":"sms","client_ref":"ref-1",
			"timestamp":"2000-01-01T00:00:02Z","status":"rejected","error":{"type":"https://developer.vonage.com/api-errors/messages#1180",
			"title":"1180","detail":"Absent Subscriber Temporary - This message was not delivered because to was temporarily unavailable.",
			"instance":"`+id+`"}}`, recorder.bodies[1])
		require.Regexp(t, `^Bearer [0-9A-Za-z_-]+\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]{43}$`, recorder.headers[1].Get("Authorization"))
	})
}

// Infobip and Vonage refuse revoked credentials in their own form.
func TestFaces_outage(t *testing.T) {
	t.Parallel()
	s, _ := newFace(t, vonageFace())
	require.Equal(t, http.StatusNoContent, setOutage(t, s, http.MethodPut, "vonage", "account"))
	got := postVonage(t, s, vonageSMS("4915100000001", ""))
	require.Equal(t, http.StatusUnauthorized, got.status)
	require.Contains(t, got.body, "#unauthorized")
	s, _ = newFace(t, sandbox.Infobip{APIKey: infobipKey, Sender: infobipSender})
	require.Equal(t, http.StatusNoContent, setOutage(t, s, http.MethodPut, "infobip", "account"))
	got = postInfobip(t, s, "/sms/3/messages", infobipSMS("id-1", "4915100000001", ""))
	require.Equal(t, http.StatusUnauthorized, got.status)
	require.Contains(t, got.body, `"errorCode":"E401"`)
}

func TestVonage_TTL(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, recorder := newFace(t, vonageFace())
		require.Equal(t, http.StatusAccepted, postVonage(t, s, vonageSMS("4915100000021", `,"ttl":20`)).status)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, []time.Duration{20 * time.Second}, recorder.at)
		require.Contains(t, recorder.bodies[0], `"title":"1360"`)
	})
}

func TestVonage_InvalidRequest(t *testing.T) {
	t.Parallel()
	s, _ := newFace(t, vonageFace())
	for body, code := range map[string]string{
		`{`:                                    "1020",
		vonageSMS("+4915100000001", ""):        "1430",
		vonageSMS("4915100000001", `,"ttl":0`): "1130",
		strings.Replace(vonageSMS("4915100000001", ""), `"sms"`, `"fax"`, 1):                             "1400",
		strings.Replace(vonageSMS("4915100000001", ""), `"sms"`, `"whatsapp"`, 1):                        "1420",
		strings.Replace(vonageSMS("4915100000001", ""), `"hello"`, `""`, 1):                              "1020",
		strings.Replace(vonageSMS("4915100000001", ""), `"hello"`, `"`+strings.Repeat("x", 1001)+`"`, 1): "1020",
		strings.Replace(vonageSMS("4915100000001", ""), `"v1"`, `"v0"`, 1):                               "1020",
		strings.Replace(vonageSMS("4915100000001", ""), `"text"`, `"custom"`, 1):                         "1022",
		strings.Replace(vonageSMS("4915100000001", ""), `"text"`, `"image"`, 1):                          "1440",
		strings.Replace(vonageSMS("4915100000001", ""), "ref-1", strings.Repeat("r", 101), 1):            "1450",
	} {
		got := postVonage(t, s, body)
		require.Equal(t, http.StatusUnprocessableEntity, got.status, body)
		require.Contains(t, got.body, "messages#"+code, body)
	}
	for _, authorization := range []string{"", "Basic YTpi", "Bearer x.y.z", "Bearer "} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/vonage/v1/messages", strings.NewReader(`{}`))
		req.Header.Set("Authorization", authorization)
		require.Equal(t, http.StatusUnauthorized, serve(s, req).status)
	}
}
