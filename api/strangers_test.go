package api_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// logged counts the lines with a message, and the requests that these lines represent.
func (r *rig) logged(t *testing.T, message string) (lines, requests int) {
	t.Helper()
	for line := range strings.Lines(r.logs.String()) {
		var entry struct {
			Message string `json:"msg"`
			Times   int    `json:"times"`
		}
		require.NoError(t, json.Unmarshal([]byte(line), &entry))
		if entry.Message == message {
			lines++
			requests += max(entry.Times, 1)
		}
	}
	return lines, requests
}

// Requests without a key cannot fill a disk with log lines. The first is logged at once, and the lines count them all.
func TestServer_strangersLog(t *testing.T) {
	t.Parallel()
	const (
		many  = 1000
		bytes = 2 << 10
	)
	for name, c := range map[string]struct {
		ask      func(t *testing.T, r *rig)
		messages []string
	}{
		"forged webhooks": {func(t *testing.T, r *rig) {
			t.Helper()
			r.report(t, "/webhooks/twilio", "a=b").problem(401, "forged")
		}, []string{"request", "webhook refused"}},
		"wrong sign-ins": {func(t *testing.T, r *rig) {
			t.Helper()
			request := httptest.NewRequestWithContext(t.Context(), "POST", sessionPath, strings.NewReader(`{"api_key": "wrong"}`))
			request.Header.Set("Content-Type", "application/json")
			request.RemoteAddr = fmt.Sprintf("10.0.%d.%d:1", rand.N(256), rand.N(256)) // one address is slowed
			r.serve(t, request).problem(401, "unauthorized")
		}, []string{"request"}},
		"wrong keys": {func(t *testing.T, r *rig) {
			t.Helper()
			r.call(t, "GET", "/v1/rules", "", "Authorization", "Bearer wrong").problem(401, "unauthorized")
		}, []string{"request"}},
		"paths that are not there": {func(t *testing.T, r *rig) {
			t.Helper()
			r.browse(t, "GET", "/"+newID(), "").problem(404, "not_found")
		}, []string{"request"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := reading(t, 0, &backstop.Error{Code: backstop.Forged, Message: "the signature is missing or wrong"})
				c.ask(t, r)
				for _, message := range c.messages {
					lines, _ := r.logged(t, message)
					require.Equal(t, 1, lines, "the first is logged at once")
				}
				for range many - 1 {
					c.ask(t, r)
				}
				time.Sleep(time.Minute)
				t.Logf("%d bytes of log for %d", len(r.logs.String()), many)
				require.Less(t, len(r.logs.String()), bytes)
				for _, message := range c.messages {
					_, requests := r.logged(t, message)
					require.Equal(t, many, requests)
				}
				c.ask(t, r)
				lines, _ := r.logged(t, "request")
				require.Equal(t, 3, lines, "one after a pause is logged at once")
			})
		})
	}
}

// Every line about an authenticated request is written.
func TestServer_callersLog(t *testing.T) {
	t.Parallel()
	r := reading(t, 1, nil)
	const many = 20
	for range many {
		r.call(t, "GET", "/v1/rules", "")
		r.call(t, "GET", "/v1/nowhere", "").problem(404, "not_found")
		require.Equal(t, 200, r.report(t, "/webhooks/twilio", "a=b").Code)
		r.signIn(t)
	}
	lines, _ := r.logged(t, "request")
	require.Equal(t, 4*many, lines)
}
