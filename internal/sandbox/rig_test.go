package sandbox_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/sandbox"
)

const (
	accessToken = "meta-access-token"
	appSecret   = "meta-app-secret"
	phoneID     = "106540352242922"
	verifyToken = "meta-verify-token"
	accountSID  = "AC0123456789abcdef0123456789abcdef"
	authToken   = "twilio-auth-token"
	webhookURL  = "http://backstop.test/webhooks/meta"
	callbackURL = "http://backstop.test/webhooks/twilio?send=42"
	metaPath    = "/v23.0/" + phoneID + "/messages"
	twilioPath  = "/2010-04-01/Accounts/" + accountSID + "/Messages.json"
	recipient   = "+49151000000" // the two digits of a scenario follow
)

func options() sandbox.Options {
	return sandbox.Options{
		Meta: sandbox.Meta{
			AccessToken: accessToken, AppSecret: appSecret, PhoneNumberID: phoneID,
			VerifyToken: verifyToken, WebhookURL: webhookURL,
		},
		Twilio: sandbox.Twilio{AccountSID: accountSID, AuthToken: authToken},
		Speed:  math.Inf(1),
	}
}

// status is one status of a received webhook.
type status struct {
	After  time.Duration // time since the receiver was made
	Name   string
	Code   int
	ID     string
	Opaque string
	Batch  int // how many statuses the webhook had
}

func (s status) String() string {
	if s.Code != 0 {
		return fmt.Sprintf("%v %s %d", s.After, s.Name, s.Code)
	}
	return fmt.Sprintf("%v %s", s.After, s.Name)
}

// receiver receives the webhooks. It verifies every signature with its own code.
type receiver struct {
	mu      sync.Mutex
	started time.Time
	seen    []status
	raw     []string // the bodies of the accepted requests
	faults  []error
	answer  func(n int) int // the HTTP status for the n-th request; if nil, always 200
	tries   int
	latest  time.Time // the time of the last request
}

// countRequest counts a request and returns its number, from 1.
func (rc *receiver) countRequest() int {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	rc.tries++
	rc.latest = time.Now()
	return rc.tries
}

// lastRequest returns the time of the last request.
func (rc *receiver) lastRequest() time.Time {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	return rc.latest
}

// restartClock sets the start of the receiver's time to now.
func (rc *receiver) restartClock() {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	rc.started = time.Now()
}

func newReceiver() *receiver { return &receiver{started: time.Now()} }

func (rc *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "read", http.StatusBadRequest)
		return
	}
	n := rc.countRequest()
	rc.mu.Lock()
	defer rc.mu.Unlock()
	if rc.answer != nil {
		if code := rc.answer(n); code != http.StatusOK {
			w.WriteHeader(code)
			return
		}
	}
	rc.raw = append(rc.raw, string(body))
	statuses, err := statusesOf(r, body)
	if err != nil {
		rc.faults = append(rc.faults, err)
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	for _, st := range statuses {
		st.After, st.Batch = time.Since(rc.started), len(statuses)
		rc.seen = append(rc.seen, st)
	}
}

// RoundTrip passes a request to the receiver without a network.
func (rc *receiver) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	rc.ServeHTTP(rec, r)
	return rec.Result(), nil
}

func (rc *receiver) statuses() []status {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	return append([]status(nil), rc.seen...)
}

// bodies returns the bodies of the accepted requests.
func (rc *receiver) bodies() []string {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	return append([]string(nil), rc.raw...)
}

// posts returns the number of requests, with the refused ones.
func (rc *receiver) posts() int {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	return rc.tries
}

func (rc *receiver) lines() []string {
	lines := []string{}
	for _, st := range rc.statuses() {
		lines = append(lines, st.String())
	}
	return lines
}

func (rc *receiver) requireNoFaults(t *testing.T) {
	t.Helper()
	rc.mu.Lock()
	defer rc.mu.Unlock()
	require.NoError(t, errors.Join(rc.faults...))
}

func statusesOf(r *http.Request, body []byte) ([]status, error) {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return metaStatuses(r, body)
	}
	return twilioStatuses(r, body)
}

func metaStatuses(r *http.Request, body []byte) ([]status, error) {
	mac := hmac.New(sha256.New, []byte(appSecret))
	mac.Write(body)
	if want := "sha256=" + hex.EncodeToString(mac.Sum(nil)); r.Header.Get("X-Hub-Signature-256") != want {
		return nil, errors.New("wrong X-Hub-Signature-256")
	}
	var hook struct {
		Object string `json:"object"`
		Entry  []struct {
			Changes []struct {
				Field string `json:"field"`
				Value struct {
					Metadata struct {
						PhoneNumberID string `json:"phone_number_id"`
					} `json:"metadata"`
					Statuses []struct {
						ID        string `json:"id"`
						Status    string `json:"status"`
						Timestamp string `json:"timestamp"`
						Recipient string `json:"recipient_id"`
						Opaque    string `json:"biz_opaque_callback_data"`
						Errors    []struct {
							Code int `json:"code"`
						} `json:"errors"`
					} `json:"statuses"`
				} `json:"value"`
			} `json:"changes"`
		} `json:"entry"`
	}
	if err := json.Unmarshal(body, &hook); err != nil {
		return nil, fmt.Errorf("decode webhook: %w", err)
	}
	var found []status
	for _, entry := range hook.Entry {
		for _, change := range entry.Changes {
			if hook.Object != "whatsapp_business_account" || change.Field != "messages" || change.Value.Metadata.PhoneNumberID != phoneID {
				return nil, fmt.Errorf("unexpected webhook: %s", body)
			}
			for _, s := range change.Value.Statuses {
				st := status{Name: s.Status, ID: s.ID, Opaque: s.Opaque}
				if len(s.Errors) > 0 {
					st.Code = s.Errors[0].Code
				}
				found = append(found, st)
			}
		}
	}
	return found, nil
}

func twilioStatuses(r *http.Request, body []byte) ([]status, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fmt.Errorf("decode callback: %w", err)
	}
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	sort.Strings(names)
	var signed strings.Builder
	signed.WriteString("http://" + r.Host + r.URL.RequestURI())
	for _, name := range names {
		signed.WriteString(name + form.Get(name))
	}
	mac := hmac.New(sha1.New, []byte(authToken))
	mac.Write([]byte(signed.String()))
	if want := base64.StdEncoding.EncodeToString(mac.Sum(nil)); r.Header.Get("X-Twilio-Signature") != want {
		return nil, errors.New("wrong X-Twilio-Signature")
	}
	st := status{Name: form.Get("MessageStatus"), ID: form.Get("MessageSid"), Opaque: r.URL.Query().Get("send")}
	if code := form.Get("ErrorCode"); code != "" {
		if _, err := fmt.Sscan(code, &st.Code); err != nil {
			return nil, fmt.Errorf("decode ErrorCode: %w", err)
		}
	}
	return []status{st}, nil
}

func textBody(to, opaque string) string {
	return fmt.Sprintf(`{"messaging_product":"whatsapp","recipient_type":"individual","to":%q,"type":"text",`+
		`"text":{"body":"hello"},"biz_opaque_callback_data":%q}`, to, opaque)
}

func templateBody(to string) string {
	return fmt.Sprintf(`{"messaging_product":"whatsapp","to":%q,"type":"template","template":{"name":"order_shipped",`+
		`"language":{"code":"en_US"},"components":[{"type":"body","parameters":[{"type":"text","text":"42"}]}]}}`, to)
}

func smsForm(to, from string) url.Values {
	return url.Values{"To": {to}, "From": {from}, "Body": {"hello"}, "StatusCallback": {callbackURL}}
}

func metaRequest(ctx context.Context, base, body string) *http.Request {
	req := httptest.NewRequestWithContext(ctx, http.MethodPost, base+metaPath, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+accessToken)
	req.Header.Set("Content-Type", "application/json")
	req.RequestURI = ""
	return req
}

func twilioRequest(ctx context.Context, base string, form url.Values) *http.Request {
	req := httptest.NewRequestWithContext(ctx, http.MethodPost, base+twilioPath, strings.NewReader(form.Encode()))
	req.SetBasicAuth(accountSID, authToken)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.RequestURI = ""
	return req
}

// answer is the answer to a call. Status 0 means that the context ended before the answer.
type answer struct {
	status int
	header http.Header
	body   string
}

// serve passes a request to the handler without a network.
func serve(h http.Handler, req *http.Request) (got answer) {
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // net/http compares it in this way
			panic(p)
		}
	}()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return answer{status: rec.Code, header: rec.Header(), body: rec.Body.String()}
}

func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	require.NoError(t, json.Unmarshal([]byte(a.body), &v), a.body)
	return v
}

// code returns the provider's error code, or 0.
func (a answer) code(t *testing.T) int {
	t.Helper()
	var v struct {
		Code  int `json:"code"`
		Error struct {
			Code int `json:"code"`
		} `json:"error"`
	}
	if a.status == 0 || a.status < 400 {
		return 0
	}
	require.NoError(t, json.Unmarshal([]byte(a.body), &v), a.body)
	return max(v.Code, v.Error.Code)
}

func messages(t *testing.T, h http.Handler, query string) []sandbox.Message {
	t.Helper()
	got := serve(h, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/messages"+query, nil))
	require.Equal(t, http.StatusOK, got.status, got.body)
	var list []sandbox.Message
	require.NoError(t, json.NewDecoder(bytes.NewReader([]byte(got.body))).Decode(&list))
	return list
}

func deleteMessages(t *testing.T, h http.Handler) {
	t.Helper()
	got := serve(h, httptest.NewRequestWithContext(t.Context(), http.MethodDelete, "/messages", nil))
	require.Equal(t, http.StatusNoContent, got.status)
}

// newServer starts a sandbox and shuts it down at the end of the test.
func newServer(t *testing.T, opts sandbox.Options) *sandbox.Server {
	t.Helper()
	s, err := sandbox.New(opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Shutdown(context.Background())) })
	return s
}
