package sandbox_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/sandbox"
)

const (
	infobipKey    = "infobip-key"
	infobipSender = "447860099299"
)

// hookRecorder is the transport of a sandbox: it keeps the webhooks, and answers them with these statuses, then with 200.
type hookRecorder struct {
	mu      sync.Mutex
	started time.Time
	answers []int
	at      []time.Duration
	bodies  []string
	headers []http.Header
}

func (h *hookRecorder) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at, h.bodies, h.headers = append(h.at, time.Since(h.started)), append(h.bodies, string(body)), append(h.headers, r.Header)
	status := http.StatusOK
	if len(h.answers) > 0 {
		status, h.answers = h.answers[0], h.answers[1:]
	}
	return &http.Response{StatusCode: status, Body: http.NoBody, Request: r}, nil
}

// newFace starts a sandbox with one more provider, at speed 1.
func newFace(t *testing.T, face sandbox.Face) (*sandbox.Server, *hookRecorder) {
	t.Helper()
	recorder := &hookRecorder{started: time.Now()}
	opts := options()
	opts.Speed, opts.HTTP, opts.Faces = 1, &http.Client{Transport: recorder}, []sandbox.Face{face}
	return newServer(t, opts), recorder
}

func postInfobip(t *testing.T, s *sandbox.Server, path, body string) answer {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/infobip"+path, strings.NewReader(body))
	req.Header.Set("Authorization", "App "+infobipKey)
	return serve(s, req)
}

func infobipSMS(id, to, extra string) string {
	return `{"messages":[{"sender":"Backstop","destinations":[{"to":"` + to + `","messageId":"` + id + `"}],"content":{"text":"hello"},` +
		`"webhooks":{"delivery":{"url":"http://backstop.test/webhooks/infobip/main/key"},"callbackData":"` + id + `"}` + extra + `}]}`
}

// Infobip refuses an id that it has, and its log has the message.
func TestInfobip_Duplicate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, recorder := newFace(t, sandbox.Infobip{APIKey: infobipKey, Sender: infobipSender})
		got := postInfobip(t, s, "/sms/3/messages", infobipSMS("id-1", "4915100000001", ""))
		require.Equal(t, http.StatusOK, got.status)
		require.Contains(t, got.body, `"name":"PENDING_ACCEPTED"`)
		got = postInfobip(t, s, "/sms/3/messages", infobipSMS("id-1", "4915100000001", ""))
		require.Equal(t, http.StatusOK, got.status)
		require.Contains(t, got.body, `"id":23,"name":"REJECTED_DUPLICATE_MESSAGE_ID"`)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, []time.Duration{time.Second, 2 * time.Second}, recorder.at)
		require.Contains(t, recorder.bodies[1], `"callbackData":"id-1"`)
		require.Contains(t, recorder.bodies[1], `"name":"DELIVERED_TO_HANDSET"`)
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/infobip/sms/3/logs?messageId=id-1,id-2", nil)
		req.Header.Set("Authorization", "App "+infobipKey)
		require.Equal(t, 1, strings.Count(serve(s, req).body, `"DELIVERED_TO_HANDSET"`))
		require.Len(t, messages(t, s, ""), 2)
	})
}

// A failed report is repeated after 1 minute, then after 2.
func TestInfobip_Retries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, recorder := newFace(t, sandbox.Infobip{APIKey: infobipKey, Sender: infobipSender})
		recorder.answers = []int{http.StatusServiceUnavailable, http.StatusServiceUnavailable}
		body := `{"from":"` + infobipSender + `","to":"4915100000003","messageId":"id-1","content":{"text":"hi"},"notifyUrl":"http://backstop.test/x"}`
		require.Equal(t, http.StatusOK, postInfobip(t, s, "/whatsapp/1/message/text", body).status)
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Equal(t, []time.Duration{time.Second, 61 * time.Second, 181 * time.Second}, recorder.at)
	})
}

func TestInfobip_Validity(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, recorder := newFace(t, sandbox.Infobip{APIKey: infobipKey, Sender: infobipSender})
		options := `,"options":{"validityPeriod":{"amount":5,"timeUnit":"SECONDS"}}`
		require.Equal(t, http.StatusOK, postInfobip(t, s, "/sms/3/messages", infobipSMS("id-1", "4915100000021", options)).status)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, []time.Duration{5 * time.Second}, recorder.at)
		require.Contains(t, recorder.bodies[0], `"name":"UNDELIVERABLE_NOT_SENT"`)
		require.Contains(t, recorder.bodies[0], `"name":"EC_MESSAGE_CANCELED"`)
		require.Equal(t, http.StatusOK, postInfobip(t, s, "/sms/3/messages", infobipSMS("id-2", "4915100000021",
			`,"options":{"validityPeriod":{"amount":1}}`)).status, "minutes are the default")
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Contains(t, recorder.bodies[len(recorder.bodies)-1], `"name":"DELIVERED_TO_HANDSET"`)
	})
}

func TestInfobip_InvalidRequest(t *testing.T) {
	t.Parallel()
	s, _ := newFace(t, sandbox.Infobip{APIKey: infobipKey, Sender: infobipSender})
	whatsApp := func(from, to, content string) string {
		return `{"from":"` + from + `","to":"` + to + `","content":` + content + `}`
	}
	for _, row := range []struct{ path, body string }{
		{"/sms/3/messages", `{`},
		{"/sms/3/messages", `{"messages":[]}`},
		{"/sms/3/messages", infobipSMS("id-1", "+4915100000001", "")},
		{"/sms/3/messages", infobipSMS(strings.Repeat("i", 201), "4915100000001", "")},
		{"/sms/3/messages", infobipSMS("id-1", "4915100000001", `,"options":{"validityPeriod":{"amount":0}}`)},
		{"/whatsapp/1/message/text", whatsApp("1", "4915100000001", `{"text":"hi"}`)},
		{"/whatsapp/1/message/text", whatsApp(infobipSender, "1", `{"text":"hi"}`)},
		{"/whatsapp/1/message/text", whatsApp(infobipSender, "4915100000001", `{"text":""}`)},
		{"/whatsapp/1/message/text", whatsApp(infobipSender, "4915100000001", `{"text":"`+strings.Repeat("x", 4097)+`"}`)},
		{"/whatsapp/1/message/template", `{"messages":[` + whatsApp(infobipSender, "4915100000001", `{"templateName":"x","language":"en"}`) + `]}`},
	} {
		got := postInfobip(t, s, row.path, row.body)
		require.Equal(t, http.StatusBadRequest, got.status, row.body)
		require.Regexp(t, `"errorCode":"E400"|"messageId":"BAD_REQUEST"`, got.body)
	}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/infobip/sms/3/messages", strings.NewReader(`{}`))
	req.Header.Set("Authorization", "App other")
	require.Equal(t, http.StatusUnauthorized, serve(s, req).status)
}

func TestFaces_options(t *testing.T) {
	t.Parallel()
	for _, face := range []sandbox.Face{
		sandbox.Infobip{}, sandbox.Infobip{APIKey: "x"}, sandbox.Vonage{}, sandbox.Vonage{SignatureSecret: "x", Sender: "1"},
	} {
		opts := options()
		opts.Faces = []sandbox.Face{face}
		_, err := sandbox.New(opts)
		require.Error(t, err)
	}
}
