package sandbox_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/sandbox"
)

const telnyxProfile = "40000000-0000-4000-8000-000000000000"

func telnyxFace() sandbox.Telnyx {
	return sandbox.Telnyx{APIKey: "KEY1", ProfileID: telnyxProfile, Seed: strings.Repeat("s", 32)}
}

func callTelnyx(t *testing.T, s *sandbox.Server, method, path, body string) answer {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, "/telnyx/v2/"+path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer KEY1")
	return serve(s, req)
}

func telnyxSMS(to string) string {
	return `{"from":"+15550783882","to":"` + to + `","text":"hello","type":"SMS","webhook_url":"http://backstop.test/webhooks/telnyx/main?ref=r"}`
}

func telnyxID(t *testing.T, a answer) string {
	t.Helper()
	data, _ := a.json(t)["data"].(map[string]any)
	id, _ := data["id"].(string)
	require.Regexp(t, `^[0-9a-f-]{36}$`, id)
	return id
}

func TestTelnyx_Event(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, recorder := newFace(t, telnyxFace())
		got := callTelnyx(t, s, http.MethodPost, "messages", telnyxSMS("+4915100000014"))
		require.Equal(t, http.StatusOK, got.status)
		id := telnyxID(t, got)
		require.Contains(t, callTelnyx(t, s, http.MethodGet, "messages/"+id, "").body, `"status":"queued"`)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, []time.Duration{time.Second, 2 * time.Second}, recorder.at)
		require.Contains(t, recorder.bodies[0], `"event_type":"message.sent"`)
		for _, want := range []string{
			`"event_type":"message.finalized"`, `"occurred_at":"2000-01-01T00:00:02.000+00:00"`, `"status":"delivery_failed"`,
			`"errors":[{"code":"40006","detail":"Recipient server unavailable.","title":"Recipient server unavailable"}]`, `"id":"` + id + `"`,
			`"webhook_url":"http://backstop.test/webhooks/telnyx/main?ref=r"`,
		} {
			require.Contains(t, recorder.bodies[1], want)
		}
		require.Contains(t, callTelnyx(t, s, http.MethodGet, "messages/"+id, "").body, `"code":"40006"`)
		require.Equal(t, http.StatusNotFound, callTelnyx(t, s, http.MethodGet, "messages/other", "").status)

		stamp := recorder.headers[1].Get("Telnyx-Timestamp")
		require.Equal(t, "946684802", stamp)
		signature, err := base64.StdEncoding.DecodeString(recorder.headers[1].Get("Telnyx-Signature-Ed25519"))
		require.NoError(t, err)
		key, err := base64.StdEncoding.DecodeString(telnyxFace().PublicKey())
		require.NoError(t, err)
		require.True(t, ed25519.Verify(key, []byte(stamp+"|"+recorder.bodies[1]), signature))
	})
}

// A failed webhook is tried three times.
func TestTelnyx_Retries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, recorder := newFace(t, telnyxFace())
		recorder.answers = []int{http.StatusServiceUnavailable, http.StatusOK, http.StatusServiceUnavailable, http.StatusServiceUnavailable}
		require.Equal(t, http.StatusOK, callTelnyx(t, s, http.MethodPost, "messages", telnyxSMS("+4915100000001")).status)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, []time.Duration{time.Second, 2 * time.Second, 3 * time.Second, 5 * time.Second}, recorder.at)
	})
}

func TestTelnyx_InvalidRequest(t *testing.T) {
	t.Parallel()
	s, _ := newFace(t, telnyxFace())
	good := telnyxSMS("+4915100000001")
	for body, code := range map[string]string{
		`{`:                                    "10015",
		strings.Replace(good, "SMS", "MMS", 1): "10015",
		telnyxSMS("4915100000001"):             "40310",
		strings.Replace(good, "+15550783882", "a name that is long", 1): "40305",
		strings.Replace(good, "+15550783882", "Backstop", 1):            "10004",
		strings.Replace(good, "hello", "", 1):                           "40316",
		strings.Replace(good, "hello", strings.Repeat("x", 1531), 1):    "40302",
		strings.Replace(good, "http://", "", 1):                         "10003",
		telnyxSMS("+4915100000013"):                                     "40310",
		telnyxSMS("+4915100000023"):                                     "40300",
	} {
		got := callTelnyx(t, s, http.MethodPost, "messages", body)
		require.Equal(t, http.StatusBadRequest, got.status, body)
		require.Contains(t, got.body, `"code":"`+code+`"`, body)
	}
	named := strings.Replace(good, `"+15550783882"`, `"Backstop","messaging_profile_id":"`+telnyxProfile+`"`, 1)
	require.Equal(t, http.StatusOK, callTelnyx(t, s, http.MethodPost, "messages", named).status)
	for _, path := range []string{"messages/x", "messaging_profiles", "messaging_profiles/" + telnyxProfile} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/telnyx/v2/"+path, nil)
		require.Equal(t, http.StatusUnauthorized, serve(s, req).status, path)
	}
	require.Equal(t, http.StatusOK, callTelnyx(t, s, http.MethodGet, "messaging_profiles/"+telnyxProfile, "").status)
	require.Equal(t, http.StatusNotFound, callTelnyx(t, s, http.MethodGet, "messaging_profiles/x", "").status)
}

func TestTelnyx_options(t *testing.T) {
	t.Parallel()
	for _, face := range []sandbox.Telnyx{{}, {APIKey: "k", ProfileID: "p", Seed: "short"}, {APIKey: "k", Seed: strings.Repeat("s", 32)}} {
		opts := options()
		opts.Faces = []sandbox.Face{face}
		_, err := sandbox.New(opts)
		require.Error(t, err)
	}
}

// GET /accounts lists what each simulated provider accepts, with the address that was called.
func TestServer_accounts(t *testing.T) {
	t.Parallel()
	s, _ := newFace(t, telnyxFace())
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:8090/accounts", nil)
	got := serve(s, req)
	require.Equal(t, http.StatusOK, got.status)
	require.Contains(t, got.body, `{"provider":"telnyx","channel":"sms","settings":{"api_key":"KEY1","base_url":"http://127.0.0.1:8090/telnyx",`+
		`"messaging_profile_id":"`+telnyxProfile+`","public_key":"`+telnyxFace().PublicKey()+`"}}`)
	require.Contains(t, got.body, `{"provider":"meta","channel":"whatsapp"`)
}
