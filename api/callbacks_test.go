package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

const hook = "https://shop.example/hook"

// calledBack sets the callbacks of an installation.
func calledBack(standard *backstop.Callback) func(*api.Options) {
	return func(o *api.Options) {
		o.CallbackSettings = &api.CallbackSettings{Default: standard, CheckURL: func(url string) error {
			if strings.Contains(url, "10.0.0.1") {
				return errors.New("must not be a private address")
			}
			return nil
		}}
	}
}

// withCallback returns a send with a callback, as JSON.
func withCallback(policy, callback string) string {
	return strings.TrimSuffix(strings.TrimSpace(sendBody(policy)), "}") + `, "callback": ` + callback + `}`
}

func TestSends_callback(t *testing.T) {
	t.Parallel()
	standard := &backstop.Callback{URL: "https://default.example/"}
	r := newRig(t, calledBack(standard))
	_, policy := r.seed(t)
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", sendBody(policy.ID)).Code)
	require.Equal(t, standard, r.sends[0].Callback)
	body := withCallback(policy.ID, `{"url": "`+hook+`", "events": ["finished", "sms_failed"]}`)
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", body).Code)
	want := &backstop.Callback{URL: hook, Events: []backstop.CallbackEvent{"finished", "sms_failed"}}
	require.Equal(t, want, r.sends[1].Callback)
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends/"+r.sends[1].ID+"/repeat", "").Code)
	require.Equal(t, want, r.sends[2].Callback)
	var shown api.Send
	r.call(t, "GET", "/v1/sends/"+r.sends[1].ID, "").into(200, &shown)
	require.Equal(t, hook, shown.Callback.URL)
	require.Len(t, *shown.Callback.Events, 2)
}

func TestSends_callback_refused(t *testing.T) {
	t.Parallel()
	r := newRig(t, calledBack(nil))
	_, policy := r.seed(t)
	for callback, field := range map[string]string{
		`{"url": "ftp://shop.example"}`:                       "callback.url",
		`{"url": "https://user@shop.example"}`:                "callback.url",
		`{"url": "http://10.0.0.1/"}`:                         "callback.url",
		`{"url": "` + hook + `", "events": ["read", "read"]}`: "callback.events",
	} {
		r.call(t, "POST", "/v1/sends", withCallback(policy.ID, callback)).problem(422, "invalid", field)
		r.call(t, "POST", "/v1/sends/preview", withCallback(policy.ID, callback)).problem(422, "invalid", field)
	}
	for callback, field := range map[string]string{
		`{}`: "callback.url", `{"url": "` + hook + `", "events": ["reading"]}`: "callback.events.0",
		`{"url": "` + hook + `", "secret": "x"}`: "callback.secret", `null`: "callback",
	} {
		r.call(t, "POST", "/v1/sends", withCallback(policy.ID, callback)).problem(400, "malformed", field)
	}
	require.Empty(t, r.sends)

	off := newRig(t)
	_, policy = off.seed(t)
	answer := off.call(t, "POST", "/v1/sends", withCallback(policy.ID, `{"url": "`+hook+`"}`))
	answer.problem(422, "invalid", "callback")
	require.Contains(t, answer.errors(), `"callbacks_off"`)
	require.Equal(t, 202, off.call(t, "POST", "/v1/sends", sendBody(policy.ID)).Code)
	require.Nil(t, off.sends[0].Callback)
}

func someCallback(state backstop.CallbackState) backstop.QueuedCallback {
	return backstop.QueuedCallback{
		ID: newID(), Send: someID, Seq: 3, Event: "delivered", URL: hook, State: state, CreatedAt: now, QueuedAt: now, Tries: 2,
		Newest: &backstop.CallbackTry{Number: 2, At: now, Status: 500, Latency: 1500 * time.Microsecond, Answer: "oops"},
	}
}

func TestCallbacks_list(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.posted.all = []backstop.QueuedCallback{someCallback(backstop.CallbackPending), someCallback(backstop.CallbackFailed)}
	r.posted.total = backstop.Total{Count: 2, IsExact: true}
	query := "?send=" + someID + "&state=failed&status=500&url=https%3A%2F%2Fshop.example%2Fhook&from=2031-05-04T12:00:00Z" +
		"&until=2031-05-05T12:00:00Z&total=true&limit=1"
	var list api.CallbackList
	r.call(t, "GET", "/v1/callbacks"+query, "").into(200, &list)
	status := 500
	require.Equal(t, backstop.CallbackFilter{
		Send: someID, State: backstop.CallbackFailed, URL: hook, Status: &status, From: now, Until: now.Add(24 * time.Hour),
	}, r.posted.filter)
	require.Equal(t, 2, list.Total.Count)
	require.Len(t, list.Items, 1)
	require.Equal(t, r.posted.all[1].ID, list.Items[0].ID)
	require.Equal(t, 500, *list.Items[0].NewestTry.Status)
	require.InDelta(t, 1.5, list.Items[0].NewestTry.LatencyMs, 1e-9)
	r.call(t, "GET", "/v1/callbacks?cursor="+*list.NextCursor, "").into(200, &list)
	require.Equal(t, r.posted.all[0].ID, list.Items[0].ID)

	for _, bad := range []string{"send=x", "state=lost", "status=-1", "url=", "limit=0", "cursor=x", "from=x"} {
		name, _, _ := strings.Cut(bad, "=")
		r.call(t, "GET", "/v1/callbacks?"+bad, "").problem(400, "malformed", name)
	}
	r.call(t, "GET", "/v1/callbacks?from=1999-01-01T00:00:00Z", "").problem(422, "invalid", "from")
	r.posted.away = &backstop.Error{Code: backstop.TryLater, Message: "away"}
	r.call(t, "GET", "/v1/callbacks", "").problem(503, "unavailable")
}

func TestCallbacks_get(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := someCallback(backstop.CallbackPending)
	r.posted.all = []backstop.QueuedCallback{c}
	r.posted.tries = []backstop.CallbackTry{*c.Newest, {Number: 1, At: now, Error: "connection refused"}}
	var got api.CallbackDetail
	r.call(t, "GET", "/v1/callbacks/"+c.ID, "").into(200, &got)
	require.Len(t, got.Tries, 2)
	require.Nil(t, got.Tries[1].Status)
	require.Equal(t, "connection refused", *got.Tries[1].Error)
	r.call(t, "GET", "/v1/callbacks/"+someID, "").problem(404, "not_found")
}

func TestCallbacks_replay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := someCallback(backstop.CallbackFailed)
	r.posted.all = []backstop.QueuedCallback{c}
	var shown api.Callback
	r.call(t, "POST", "/v1/callbacks/"+c.ID+"/replay", "").into(202, &shown)
	require.Equal(t, api.CallbackStatePending, shown.State)
	require.Equal(t, []string{c.ID}, r.posted.replayed)
	r.call(t, "POST", "/v1/callbacks/"+someID+"/replay", "").problem(404, "not_found")

	var replayed api.CallbacksReplayed
	r.call(t, "POST", "/v1/callbacks/replay", `{"send": "`+someID+`", "state": "failed"}`).into(202, &replayed)
	require.Equal(t, 1, replayed.Replayed)
	require.Equal(t, backstop.CallbackFilter{Send: someID, State: backstop.CallbackFailed}, r.posted.filter)
	body := `{"from": "2031-05-04T12:00:00Z", "until": "2031-05-05T12:00:00Z", "url": "` + hook + `", "cursor": "` +
		*replayed.NextCursor + `"}`
	r.call(t, "POST", "/v1/callbacks/replay", body).into(202, &replayed)
	require.Equal(t, backstop.CallbackFilter{URL: hook, From: now, Until: now.Add(24 * time.Hour)}, r.posted.filter)
	require.Equal(t, c.ID, r.posted.after)
	require.Equal(t, 1000, r.posted.limit)

	r.call(t, "POST", "/v1/callbacks/replay", `{}`).problem(422, "invalid", "send")
	r.call(t, "POST", "/v1/callbacks/replay", `{"state": "pending"}`).problem(400, "malformed", "state")
	r.call(t, "POST", "/v1/callbacks/replay", `{"send": "x"}`).problem(400, "malformed", "send")
	r.call(t, "POST", "/v1/callbacks/replay", `{"send": "`+someID+`", "cursor": "x"}`).problem(400, "malformed", "cursor")
}

func TestCallbacks_endpoints(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	since := now.Add(-3 * time.Hour)
	r.posted.endpoints = []backstop.CallbackEndpoint{{
		URL: hook, FailingSince: &since, Failures: 30, PausedAt: new(now.Add(-time.Hour)), RetryAt: new(now), Status: 502,
	}, {URL: "http://other.example", FailingSince: &since, Failures: 1, Error: "no answer in time"}}
	var list api.CallbackEndpointList
	r.call(t, "GET", "/v1/callback-endpoints", "").into(200, &list)
	require.Equal(t, 502, *list.Items[0].Status)
	require.NotNil(t, list.Items[0].RetryAt)
	require.Nil(t, list.Items[1].PausedAt)
}

// source is a send with its timeline.
type source struct {
	ledger *backstop.Ledger
	events []backstop.Event
}

func (s source) Ledger(context.Context, string) (*backstop.Ledger, error) { return s.ledger, nil }

func (s source) NumberedEvents(_ context.Context, _ string, seq int) ([]backstop.Event, int, error) {
	return s.events, seq - 1, nil
}

func (source) Now() time.Time { return now }

// The body has the event, its rule, and the send as GET shows it.
func TestWriteCallback(t *testing.T) {
	t.Parallel()
	r := newRig(t, calledBack(nil))
	_, policy := r.seed(t)
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", withCallback(policy.ID, `{"url": "`+hook+`"}`)).Code)
	send := r.sends[0]
	rule := send.Plan.Rules[0]
	r.events = []backstop.Event{
		{Send: send.ID, At: now, Kind: backstop.EventAccepted},
		{
			Send: send.ID, At: now.Add(90 * time.Second), Kind: backstop.EventFired, Channel: backstop.SMS, Rule: rule.Name,
			Detail: "not delivered in time", Cause: "not_delivered",
		},
	}
	from := source{ledger: &backstop.Ledger{Revision: 7, Send: send}, events: r.events}
	text, err := api.WriteCallback(t.Context(), from, backstop.QueuedCallback{Send: send.ID, Seq: 2, Event: "rule_fired"})
	require.NoError(t, err)
	var body map[string]any
	require.NoError(t, json.Unmarshal(text, &body))
	require.NoError(t, r.contract.Components.Schemas["CallbackBody"].Value.VisitJSON(body))
	require.Equal(t, "rule_fired", body["type"])
	require.Equal(t, "2031-05-04T12:01:30Z", body["timestamp"])
	data, _ := body["data"].(map[string]any)
	require.InDelta(t, 7, data["revision"], 0)
	require.Equal(t, map[string]any{
		"name": rule.Name, "type": string(rule.Type), "cause": "not_delivered", "reason": "not delivered in time", "waited_seconds": 90.0,
	}, data["rule"])
	var shown any
	got := r.call(t, "GET", "/v1/sends/"+send.ID, "")
	require.NoError(t, json.Unmarshal(got.Body.Bytes(), &shown))
	require.Equal(t, shown, data["send"])
}

// The wait of a scheduled send begins with its turn, not with its acceptance days before.
func TestWriteCallback_scheduled(t *testing.T) {
	t.Parallel()
	turn := now.Add(72 * time.Hour)
	send := backstop.Send{
		ID: someID, To: "+447400123456", AcceptedAt: now, SendAt: &turn, StartedAt: &turn,
		Plan: backstop.Plan{Rules: []backstop.Rule{{Name: "first", Type: backstop.Undelivered, WaitSeconds: 90, SendID: "MyShop"}}},
	}
	fired := backstop.Event{Send: send.ID, At: turn.Add(90 * time.Second), Kind: backstop.EventFired, Channel: backstop.SMS, Rule: "first"}
	from := source{ledger: &backstop.Ledger{Revision: 7, Send: send}, events: []backstop.Event{fired}}
	text, err := api.WriteCallback(t.Context(), from, backstop.QueuedCallback{Send: send.ID, Seq: 1, Event: "rule_fired"})
	require.NoError(t, err)
	var body struct {
		Data struct {
			Rule struct {
				Waited float64 `json:"waited_seconds"`
			} `json:"rule"`
		} `json:"data"`
	}
	require.NoError(t, json.Unmarshal(text, &body))
	require.InDelta(t, 90, body.Data.Rule.Waited, 0)
}
