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

func TestWebhookSender_Retry(t *testing.T) {
	t.Parallel()
	t.Run("meta retries after a 503 and does not delay the next post", func(t *testing.T) {
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
	t.Run("meta pauses for 1 s to 60 s and stops after 10 minutes", func(t *testing.T) {
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
	t.Run("meta retries without a connection", func(t *testing.T) {
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
	t.Run("a fast sandbox retries long enough for a restart", func(t *testing.T) {
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
}

// The fragment of the callback's URL sets which failures Twilio retries, and how often.
func TestWebhookSender_Retry_twilio(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		fragment string
		status   int // the HTTP status of each answer; 0: no connection
		posts    int // the number of requests for each receipt
	}{
		"by default not after a 503":        {"", 503, 1},
		"by default once if not connected":  {"", 0, 2},
		"as often as asked":                 {"#rc=3&rp=5xx", 503, 4},
		"any failure":                       {"#rc=5&rp=all", 503, 6},
		"a 401 too":                         {"#rc=5&rp=all", 401, 6},
		"one of several kinds":              {"#rc=2&rp=ct,5xx", 500, 3},
		"not another kind":                  {"#rc=5&rp=ct,rt", 503, 1},
		"count without a policy":            {"#rc=5", 503, 1},
		"policy without a count":            {"#rp=5xx", 503, 2},
		"none":                              {"#rc=0&rp=all", 503, 1},
		"a count that is too large":         {"#rc=6&rp=5xx", 503, 2},
		"a policy that is none":             {"#rc=3&rp=5xx,503", 503, 1},
		"as long as the total time":         {"#rc=5&rp=all&tt=3000", 503, 4},
		"a total time that is none":         {"#rc=5&rp=all&tt=99", 503, 6},
		"not connected as often as allowed": {"#rc=5&rp=ct", 0, 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rc := newReceiver()
				rc.answer = func(int) int { return row.status }
				opts := options()
				opts.Speed, opts.HTTP = 1, &http.Client{Transport: refusing{rc, row.status == 0}}
				s := newServer(t, opts)
				form := smsForm(recipient+"01", "Backstop")
				form.Set("StatusCallback", callbackURL+row.fragment)
				serve(s, twilioRequest(t.Context(), "", form))
				begin := time.Now()
				time.Sleep(time.Hour)
				synctest.Wait()
				require.Equal(t, 2*row.posts, rc.posts(), "sent and delivered")
				require.Less(t, rc.lastRequest().Sub(begin), 20*time.Second, "all within 15 s")
			})
		})
	}
}

// refusing counts the requests, and refuses the connection if drop is set.
type refusing struct {
	*receiver

	drop bool
}

func (f refusing) RoundTrip(r *http.Request) (*http.Response, error) {
	if !f.drop {
		return f.receiver.RoundTrip(r)
	}
	f.countRequest()
	return nil, errors.New("connection refused")
}

// A retried callback has the idempotency token of the first attempt.
func TestWebhookSender_Retry_token(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rc := newReceiver()
		var tokens []string
		opts := options()
		opts.Speed = 1
		opts.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			tokens = append(tokens, r.Header.Get("I-Twilio-Idempotency-Token"))
			return rc.RoundTrip(r)
		})}
		rc.answer = func(n int) int {
			if n == 1 {
				return http.StatusServiceUnavailable
			}
			return http.StatusOK
		}
		s := newServer(t, opts)
		form := smsForm(recipient+"01", "Backstop")
		form.Set("StatusCallback", callbackURL+"#rc=5&rp=all")
		serve(s, twilioRequest(t.Context(), "", form))
		time.Sleep(time.Minute)
		rc.requireNoFaults(t)
		require.Equal(t, []string{"1.4s sent", "2s delivered"}, rc.lines())
		require.Len(t, tokens, 3)
		require.NotEmpty(t, tokens[0])
		require.Equal(t, tokens[0], tokens[1])
		require.NotEqual(t, tokens[0], tokens[2])
	})
}

type roundTrip func(r *http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// cut is a network that refuses connections until a time.
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

func TestWebhookSender_Speed(t *testing.T) {
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

// The fields of Meta's webhooks are those of the example in its manual.
func TestMetaWebhook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, rc := bubble(t)
		serve(s, metaRequest(t.Context(), "", templateBody("4915100000001")))
		time.Sleep(time.Minute)
		sent, delivered, read := firstStatus(t, rc.bodies()[0]), firstStatus(t, rc.bodies()[1]), firstStatus(t, rc.bodies()[2])

		require.Equal(t, "4915100000001", sent["recipient_id"])
		require.Equal(t, "946684801", sent["timestamp"], "synctest starts at 2000-01-01")
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
