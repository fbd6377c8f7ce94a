package api_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

// errTest is the internal cause of an error. No answer may contain its text.
var errTest = errors.New("connect to 10.0.0.7: refused")

// webhooksOf finds the webhooks of the environment's accounts "meta", which has a handshake, and "twilio", which has none, and
// those of the accounts "uk" and "closed" of "twilio" and "old" of "plain", which signs nothing.
func webhooksOf(d driver) func(provider, account string) (api.Webhook, bool) {
	all := map[string]api.Webhook{
		"meta/":         {Provider: "meta", Account: "meta", Reader: shaker{d}},
		"twilio/":       {Provider: "twilio", Account: "twilio", Reader: d},
		"twilio/uk":     {Provider: "twilio", Account: "uk", Reader: d, Keys: []string{"presentkey"}},
		"twilio/closed": {Provider: "twilio", Account: "closed"},
		"plain/old":     {Provider: "plain", Account: "old", Reader: answerer{d}, Keys: []string{"presentkey", "formerkey"}, NeedsKey: true},
		"plain/nokey":   {Provider: "plain", Account: "nokey", Reader: answerer{d}, NeedsKey: true},
	}
	return func(provider, account string) (api.Webhook, bool) {
		w, found := all[provider+"/"+account]
		return w, found
	}
}

// reading is a rig with the webhooks of webhooksOf. All return the given number of receipts and the error.
func reading(t *testing.T, receipts int, err error) *rig {
	t.Helper()
	read := func(r *http.Request, body []byte) ([]backstop.Receipt, error) {
		again, readErr := io.ReadAll(r.Body)
		require.NoError(t, readErr)
		require.Equal(t, string(body), string(again), "the request still has its body")
		return make([]backstop.Receipt, receipts), err
	}
	return newRig(t, func(o *api.Options) { o.Webhooks = webhooksOf(driver{read}) })
}

func (r *rig) report(t *testing.T, path, body string) answer {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r.serve(t, request)
}

func TestWebhook_Receive(t *testing.T) {
	t.Parallel()
	forged := &backstop.Error{Code: backstop.Forged, Message: "the signature is wrong"}
	broken := &backstop.Error{Code: backstop.Invalid, Message: "read meta webhook: no entry", Cause: errTest}
	for _, c := range []struct {
		name     string
		receipts int
		err      error
		away     error
		status   int
		code     string
		stored   int
	}{
		{"good", 3, nil, nil, 200, "", 3},
		{"nothing of interest", 0, nil, nil, 200, "", 0},
		{"forged", 0, forged, nil, 401, "forged", 0},
		{"forged, and yet read", 2, forged, nil, 401, "forged", 0},
		{"broken", 0, broken, nil, 400, "malformed", 0},
		{"broken in part", 2, broken, nil, 400, "malformed", 2},
		{"broken in part, store away", 2, broken, tryLater(), 503, "unavailable", 0},
		{"store away", 2, nil, tryLater(), 503, "unavailable", 0},
		{"store fails", 2, nil, errTest, 500, "internal", 0},
		{"store has no such send", 2, nil, &backstop.Error{Code: backstop.NotFound, Message: "no such send"}, 400, "malformed", 0},
		{"driver fails", 2, errTest, nil, 500, "internal", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := reading(t, c.receipts, c.err)
			r.door.away = c.away
			got := r.report(t, "/webhooks/twilio", "a=b")
			require.Equal(t, c.stored, r.door.delivered())
			if c.status == 200 {
				require.Equal(t, 200, got.Code)
				require.Empty(t, got.Body.String())
				return
			}
			got.problem(c.status, c.code)
			require.NotContains(t, got.Body.String(), "10.0.0.7")
			require.Equal(t, c.status == 503, got.Header().Get("Retry-After") != "")
			if c.err != nil {
				require.Contains(t, r.logs.String(), `"msg":"webhook refused"`)
			}
		})
	}
}

func tryLater() error {
	return &backstop.Error{Code: backstop.TryLater, Message: "the database is away", Cause: errTest}
}

func TestWebhook_Size(t *testing.T) {
	t.Parallel()
	r := reading(t, 1, nil)
	require.Equal(t, 200, r.report(t, "/webhooks/meta", strings.Repeat("x", 3<<20)).Code)
	r.report(t, "/webhooks/meta", strings.Repeat("x", 3<<20+1)).problem(413, "too_large")

	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/meta", strings.NewReader(strings.Repeat("x", 4<<20)))
	request.ContentLength = -1 // chunked: the size shows only while it is read
	r.serve(t, request).problem(413, "too_large")
	require.Equal(t, 1, r.door.delivered())
}

func TestWebhook_Handshake(t *testing.T) {
	t.Parallel()
	r := reading(t, 0, nil)
	const query = "?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token="
	got := r.call(t, "GET", "/webhooks/meta"+query+"letmein", "", "Authorization", "")
	require.Equal(t, 200, got.Code)
	require.Equal(t, "1158201444", got.Body.String())
	require.Equal(t, "text/plain; charset=utf-8", got.Header().Get("Content-Type"))
	require.Equal(t, "nosniff", got.Header().Get("X-Content-Type-Options"), "a challenge is never a page")

	r.call(t, "GET", "/webhooks/meta"+query+"guess", "").problem(401, "forged")
	require.NotContains(t, r.logs.String(), "guess")

	got = r.call(t, "GET", "/webhooks/twilio"+query+"letmein", "")
	got.problem(405, "method_not_allowed")
	require.Equal(t, "POST", got.Header().Get("Allow"))
}

func TestWebhook_UnknownProvider(t *testing.T) {
	t.Parallel()
	r := reading(t, 1, nil)
	r.report(t, "/webhooks/nobody", "x").problem(404, "not_found")
	r.call(t, "GET", "/webhooks/nobody", "").problem(404, "not_found")
	r.call(t, "PUT", "/webhooks/meta", "{}").problem(405, "method_not_allowed")
	require.Zero(t, r.door.delivered())
}

func TestWebhook_Account(t *testing.T) {
	t.Parallel()
	for path, status := range map[string]int{
		"/webhooks/twilio/uk":              200,
		"/webhooks/twilio/uk/presentkey":   200,
		"/webhooks/twilio/uk/wrong":        404,
		"/webhooks/twilio/closed":          503,
		"/webhooks/twilio/other":           404,
		"/webhooks/meta/uk":                404,
		"/webhooks/plain/old/presentkey":   200,
		"/webhooks/plain/old/formerkey":    200,
		"/webhooks/plain/old/presentkeyy":  404,
		"/webhooks/plain/old/presentke":    404,
		"/webhooks/plain/old/":             404,
		"/webhooks/plain/old":              404,
		"/webhooks/plain":                  404,
		"/webhooks/plain/nokey/":           404,
		"/webhooks/plain/nokey/x":          404,
		"/webhooks/plain/old/presentkey/x": 404,
		"/webhooks/plain/old/%70resentkey": 200,
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			r := reading(t, 2, nil)
			got := r.report(t, path, "a=b")
			require.Equal(t, status, got.Code, got.Body.String())
			stored := 0
			if status == 200 {
				stored = 2
			}
			require.Equal(t, stored, r.door.delivered())
			for _, key := range []string{"presentke", "formerkey"} {
				require.NotContains(t, r.logs.String(), key, "the log has no key")
			}
		})
	}
}

// A wrong key is found before anything of the request is read.
func TestWebhook_KeyFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *api.Options) {
		o.Webhooks = webhooksOf(driver{func(*http.Request, []byte) ([]backstop.Receipt, error) {
			t.Error("the webhook was read")
			return nil, nil
		}})
	})
	r.report(t, "/webhooks/plain/old/wrong", strings.Repeat("x", 4<<20)).problem(404, "not_found")
	require.Contains(t, r.logs.String(), "the key in the address is missing or wrong")
}

func TestWebhook_Answer(t *testing.T) {
	t.Parallel()
	r := reading(t, 1, nil)
	for _, got := range []answer{
		r.report(t, "/webhooks/plain/old/presentkey", "a=b"),
		r.call(t, "GET", "/webhooks/plain/old/presentkey?id=7&status=DELIVRD", "", "Authorization", ""),
	} {
		require.Equal(t, 200, got.Code)
		require.Equal(t, "ACK/Jasmin", got.Body.String())
		require.Equal(t, "text/plain", got.Header().Get("Content-Type"))
	}
	require.Equal(t, 2, r.door.delivered())
	r.door.away = tryLater()
	got := r.call(t, "GET", "/webhooks/plain/old/presentkey?id=7", "", "Authorization", "")
	got.problem(503, "unavailable")
	require.NotContains(t, got.Body.String(), "ACK")
}
