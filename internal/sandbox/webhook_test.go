package sandbox_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func entriesOf(t *testing.T, body string) int {
	t.Helper()
	var hook struct {
		Entry []json.RawMessage `json:"entry"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &hook))
	return len(hook.Entry)
}

func TestCourier_Retry(t *testing.T) {
	t.Parallel()
	t.Run("meta repeats after a 503 and does not hold up what follows", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s, rc := bubble(t)
			rc.answer = func(n int) int {
				if n == 1 { // sent
					return http.StatusServiceUnavailable
				}
				return http.StatusOK
			}
			send(t, s, "whatsapp", recipient+"02")
			time.Sleep(time.Minute)
			require.ElementsMatch(t, []string{"2s sent", "2s delivered"}, rc.lines())
		})
	})
	t.Run("meta backs off from 1 s to 60 s and gives up after 10 minutes", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s, rc := bubble(t)
			var at []int // seconds
			rc.answer = func(int) int {
				at = append(at, int(time.Since(rc.started).Seconds())-1)
				return http.StatusInternalServerError
			}
			send(t, s, "whatsapp", recipient+"03")
			time.Sleep(time.Hour)
			synctest.Wait()
			require.Equal(t, []int{0, 1, 3, 7, 15, 31, 63, 123, 183, 243, 303, 363, 423, 483, 543}, at)
		})
	})
	t.Run("meta repeats when there is no connection", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			rc := newReceiver()
			opts := options()
			opts.Speed, opts.HTTP = 10, &http.Client{Transport: &cut{until: time.Now().Add(time.Second), then: rc}}
			s := newServer(t, opts)
			send(t, s, "whatsapp", recipient+"03")
			time.Sleep(time.Minute)
			require.Equal(t, []string{"1.6s sent"}, rc.lines(), "due at 0.1 s; after 0.1, 0.2, 0.4, 0.8 s again")
		})
	})
	t.Run("a fast sandbox still leaves real time to restart", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			rc := newReceiver()
			opts := options()
			opts.HTTP = &http.Client{Transport: &cut{until: time.Now().Add(30 * time.Second), then: rc}}
			s := newServer(t, opts)
			send(t, s, "whatsapp", recipient+"03")
			time.Sleep(time.Hour)
			require.Len(t, rc.statuses(), 1)
		})
	})
	t.Run("twilio does not", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s, rc := bubble(t)
			rc.answer = func(int) int { return http.StatusServiceUnavailable }
			send(t, s, "sms", recipient+"01")
			time.Sleep(time.Hour)
			require.Equal(t, 2, rc.posts())
		})
	})
}

// cut is a network without a connection for a while.
type cut struct {
	until time.Time
	then  http.RoundTripper
}

func (c *cut) RoundTrip(r *http.Request) (*http.Response, error) {
	if time.Now().Before(c.until) {
		return nil, errors.New("connection refused")
	}
	return c.then.RoundTrip(r)
}

func TestCourier_Speed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rc := newReceiver()
		opts := options()
		opts.Speed, opts.HTTP = 10, &http.Client{Transport: rc}
		s := newServer(t, opts)
		send(t, s, "whatsapp", recipient+"01")
		time.Sleep(time.Hour)
		require.Equal(t, []string{"100ms sent", "200ms delivered", "500ms read"}, rc.lines())
	})
}

// What Meta's webhooks carry, against the example of its manual.
func TestMetaWebhook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, rc := bubble(t)
		serve(s, metaRequest(t.Context(), "", templateBody("4915100000001")))
		time.Sleep(time.Minute)
		sent, delivered, read := firstStatus(t, rc.bodies()[0]), firstStatus(t, rc.bodies()[1]), firstStatus(t, rc.bodies()[2])

		require.Equal(t, "4915100000001", sent["recipient_id"])
		require.Equal(t, "946684801", sent["timestamp"], "the bubble starts at the turn of the century")
		require.NotContains(t, sent, "biz_opaque_callback_data")
		require.NotContains(t, sent, "errors")
		require.Equal(t, map[string]any{"billable": true, "pricing_model": "PMP", "category": "utility", "type": "regular"}, sent["pricing"])
		conversation, _ := sent["conversation"].(map[string]any)
		require.Equal(t, "946771201", conversation["expiration_timestamp"])
		require.Equal(t, map[string]any{"type": "utility"}, conversation["origin"])
		require.Len(t, conversation["id"], 32)

		again, _ := delivered["conversation"].(map[string]any)
		require.Equal(t, conversation["id"], again["id"])
		require.NotContains(t, again, "expiration_timestamp")
		require.Contains(t, delivered, "pricing")
		require.NotContains(t, read, "conversation")
		require.NotContains(t, read, "pricing")
	})
}

func TestMetaWebhook_Failed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, rc := bubble(t)
		send(t, s, "whatsapp", recipient+"05")
		time.Sleep(time.Minute)
		st := firstStatus(t, rc.bodies()[0])
		require.Equal(t, []any{map[string]any{
			"code": 131026.0, "title": "Message undeliverable", "message": "Message undeliverable",
			"error_data": map[string]any{"details": "Message Undeliverable."},
			"href":       "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
		}}, st["errors"])
		require.NotContains(t, st, "pricing")
	})
}

func TestMetaWebhook_NoConversationFromV24(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, rc := bubble(t)
		req := metaRequest(t.Context(), "", textBody(recipient+"03", "42"))
		req.URL.Path = "/v24.0/" + phoneID + "/messages"
		require.Equal(t, http.StatusOK, serve(s, req).status)
		time.Sleep(time.Minute)
		st := firstStatus(t, rc.bodies()[0])
		require.NotContains(t, st, "conversation")
		require.Contains(t, st, "pricing")
	})
}

func firstStatus(t *testing.T, body string) map[string]any {
	t.Helper()
	var hook struct {
		Entry []struct {
			Changes []struct {
				Value struct {
					Statuses []map[string]any `json:"statuses"`
				} `json:"value"`
			} `json:"changes"`
		} `json:"entry"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &hook))
	return hook.Entry[0].Changes[0].Value.Statuses[0]
}
