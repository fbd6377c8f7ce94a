package api_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

// guard replaces the settings of the guards.
func (r *rig) guard(t *testing.T, settings string) {
	t.Helper()
	require.Equal(t, 200, r.call(t, "PUT", "/v1/guards", settings, "If-Match", "*").Code)
}

// results returns what the guards did.
func (r *rig) results(t *testing.T) api.GuardResultList {
	t.Helper()
	r.keeper.Close(t.Context())
	var list api.GuardResultList
	r.call(t, "GET", "/v1/guards/results", "").into(200, &list)
	return list
}

func TestGuards_settings(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	got := r.call(t, "GET", "/v1/guards", "")
	require.Equal(t, `"1"`, got.Header().Get("ETag"))
	require.JSONEq(t, `{"allow":[],"block":[],"watch":[],"recipient_cap":0,"prefix_cap":0,"country_cap":0,"country_caps":[],
		"same_text_seconds":0,"same_text_answer":"first","version":1}`, got.Body.String())

	const all = `{"allow":["GB","FR"],"block":["DE"],"watch":["FR"],"recipient_cap":10,"prefix_cap":100,"prefix_digits":6,
		"country_cap":5000,"country_caps":[{"country":"GB","cap":0}],"same_text_seconds":60,"same_text_answer":"refuse"}`
	require.Equal(t, 428, r.call(t, "PUT", "/v1/guards", all).Code)
	require.Equal(t, 412, r.call(t, "PUT", "/v1/guards", all, "If-Match", `"7"`).Code)
	got = r.call(t, "PUT", "/v1/guards", all, "If-Match", `"1"`)
	require.Equal(t, 200, got.Code)
	require.Equal(t, `"2"`, got.Header().Get("ETag"))
	var stored map[string]any
	require.NoError(t, json.Unmarshal(r.call(t, "GET", "/v1/guards", "").Body.Bytes(), &stored))
	require.Equal(t, "2031-05-04T12:00:00Z", stored["updated_at"])
	delete(stored, "updated_at")
	delete(stored, "version")
	text, err := json.Marshal(stored)
	require.NoError(t, err)
	require.JSONEq(t, all, string(text))

	require.Equal(t, 200, r.call(t, "PUT", "/v1/guards", `{}`, "If-Match", `"2"`).Code)
	require.Equal(t, backstop.Guards{SameTextAnswer: backstop.AnswerFirst, Version: 3, UpdatedAt: now}, r.keeper.Current())
}

func TestGuards_invalid(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]struct {
		status      int
		field, code string
	}{
		`{"allow":["ZZ"]}`:                            {422, "allow.0", "country_code"},
		`{"watch":["GB","GB"]}`:                       {422, "watch.1", "given_twice"},
		`{"allow":["GB"],"block":["GB"]}`:             {422, "allow.0", "blocked_too"},
		`{"watch":["GB"],"block":["GB"]}`:             {422, "watch.0", "blocked_too"},
		`{"prefix_cap":3}`:                            {422, "prefix_digits", "required"},
		`{"country_caps":[{"country":"X1","cap":1}]}`: {422, "country_caps.0.country", "country_code"},
		`{"country_caps":[{"country":"GB","cap":1},{"country":"GB","cap":2}]}`: {
			422, "country_caps.1.country", "given_twice",
		},
		`{"recipient_cap":-1}`:                       {400, "recipient_cap", "value_between"},
		`{"recipient_cap":1.5}`:                      {400, "recipient_cap", "wrong_type"},
		`{"prefix_cap":1,"prefix_digits":11}`:        {400, "prefix_digits", "value_between"},
		`{"same_text_seconds":86401}`:                {400, "same_text_seconds", "value_between"},
		`{"same_text_answer":"no"}`:                  {400, "same_text_answer", "one_of"},
		`{"caps":1}`:                                 {400, "caps", "unknown"},
		`{"country_caps":[{"country":"GB"}]}`:        {400, "country_caps.0.cap", "required"},
		`{"country_caps":[{"country":"G","cap":1}]}`: {400, "country_caps.0.country", "length_min"},
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			kind := map[int]string{400: "malformed", 422: "invalid"}[want.status]
			got := r.call(t, "PUT", "/v1/guards", body, "If-Match", "*")
			got.problem(want.status, kind, want.field)
			require.Contains(t, got.errors(), `"code":"`+want.code+`"`)
			require.Equal(t, 1, r.guarded.guards.Version, "nothing is stored")
		})
	}
}

func TestGuards_countries(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	body := sendBody(policy.ID)
	refused := func(settings, to, country string) {
		t.Helper()
		r.guard(t, settings)
		for _, path := range []string{"/v1/sends", "/v1/sends/preview"} {
			got := r.call(t, "POST", path, strings.Replace(body, "+447400123456", to, 1))
			got.problem(422, "invalid", "to")
			require.Contains(t, got.errors(), `"code":"country_refused"`)
			require.Contains(t, got.errors(), `"params":{"country":"`+country+`","guard":"countries"}`)
		}
	}
	refused(`{"block":["GB"]}`, "+447400123456", "GB")
	refused(`{"allow":["FR"]}`, "+447400123456", "GB")
	refused(`{"allow":["FR"]}`, "+80012345678", "")
	require.Empty(t, r.sends)

	r.guard(t, `{"watch":["GB"],"block":["FR"]}`)
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", body).Code)
	require.Contains(t, r.logs.String(), `"msg":"send to a watched country"`)
	require.NotContains(t, r.logs.String(), "7400123456", "the log has no number")
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", strings.Replace(body, "+447400123456", "+80012345678", 1)).Code)

	list := r.results(t)
	require.Equal(t, time.Date(2031, 5, 3, 13, 0, 0, 0, time.UTC), list.From)
	require.ElementsMatch(t, []api.GuardCount{
		{Guard: "countries", Result: "refused", Country: "GB", Count: 2, LastAt: now},
		{Guard: "countries", Result: "refused", Country: "", Count: 1, LastAt: now},
		{Guard: "countries", Result: "watched", Country: "GB", Count: 1, LastAt: now},
	}, list.Items, "a preview is not counted")
}

// A key that was used gets the answer of its send, also if the country was blocked since.
func TestGuards_usedKey(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	var first, again api.SendAccepted
	r.call(t, "POST", "/v1/sends", sendBody(policy.ID), "Idempotency-Key", "k").into(202, &first)
	r.guard(t, `{"block":["GB"],"recipient_cap":1}`)
	r.call(t, "POST", "/v1/sends", sendBody(policy.ID), "Idempotency-Key", "k").into(202, &again)
	require.Equal(t, first, again)
	require.Empty(t, r.results(t).Items)
}

func TestGuards_caps(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", sendBody(policy.ID)).Code)
	require.True(t, r.door.checks.IsEmpty(), "a guard that is off is no check")

	r.guard(t, `{"recipient_cap":1,"prefix_cap":20,"prefix_digits":6,"country_cap":300,"country_caps":[{"country":"FR","cap":0}]}`)
	want := []backstop.CapCheck{
		{Guard: "recipient_cap", Key: "+447400123456", Cap: 1}, {Guard: "prefix_cap", Key: "+44740012", Cap: 20},
		{Guard: "country_cap", Key: "GB", Cap: 300},
	}
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", sendBody(policy.ID)).Code)
	require.Equal(t, backstop.GuardChecks{Caps: want}, r.door.checks)

	r.door.refuse = backstop.RefuseCap(want[1], 89500*time.Millisecond)
	for range 2 {
		got := r.call(t, "POST", "/v1/sends", sendBody(policy.ID))
		require.Equal(t, "90", got.Header().Get("Retry-After"))
		got.problem(429, "rate_limited", "to")
		require.JSONEq(t, `[{"field":"to","reason":"has reached the cap of 20 sends per hour to its range of numbers",
			"code":"cap_reached","params":{"guard":"prefix_cap","limit":"20","window_seconds":"3600"}}]`, got.errors())
		r.door.refuse = nil // the second request is refused without the store
	}
	require.Len(t, r.sends, 2)
	require.Equal(t, 1, strings.Count(r.logs.String(), "a cap is reached"), "one line for a range of numbers")
	require.NotContains(t, r.logs.String(), "+44740012")
	require.Equal(t, []api.GuardCount{{Guard: "prefix_cap", Result: "refused", Country: "GB", Count: 2, LastAt: now}},
		r.results(t).Items)

	body := strings.Replace(sendBody(policy.ID), "+447400123456", "+33612345678", 1)
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", body).Code, "another range of numbers, and a country without a cap")
	require.Len(t, r.door.checks.Caps, 2)
}

func TestGuards_sameText(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	r.guard(t, `{"same_text_seconds":60}`)
	var first, again api.SendAccepted
	got := r.call(t, "POST", "/v1/sends", sendBody(policy.ID))
	got.into(202, &first)
	require.NotContains(t, got.Body.String(), "same_text")
	require.Equal(t, time.Minute, r.door.checks.TextWindow)
	require.Len(t, r.door.checks.Digest, 32)

	r.door.refuse = backstop.RefuseSameText(r.sends[0], time.Minute)
	got = r.call(t, "POST", "/v1/sends", sendBody(policy.ID))
	got.into(202, &again)
	require.Equal(t, "/v1/sends/"+first.ID, got.Header().Get("Location"))
	require.True(t, *again.SameText)
	again.SameText = nil
	require.Equal(t, first, again)

	r.guard(t, `{"same_text_seconds":60,"same_text_answer":"refuse"}`)
	got = r.call(t, "POST", "/v1/sends", sendBody(policy.ID))
	got.problem(409, "duplicate", "to")
	require.JSONEq(t, `[{"field":"to","reason":"got a send with the same content a moment ago","code":"same_text",
		"params":{"guard":"same_text","send":"`+first.ID+`","window_seconds":"60"}}]`, got.errors())
	require.ElementsMatch(t, []api.GuardCount{
		{Guard: "same_text", Result: "answered", Country: "GB", Count: 1, LastAt: now},
		{Guard: "same_text", Result: "refused", Country: "GB", Count: 1, LastAt: now},
	}, r.results(t).Items)

	r.door.refuse = nil
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends/"+first.ID+"/repeat", "").Code)
	require.Empty(t, r.door.checks.Digest, "who repeats a send wants the same content")
}

// A test SMS goes to no refused country. The other guards do not count it.
func TestGuards_testMessage(t *testing.T) {
	t.Parallel()
	r, fake := withTests(t)
	fake.tested = backstop.AccountTested{Segments: 1}
	r.guard(t, `{"recipient_cap":1,"block":["FR"]}`)
	for range 2 {
		require.Equal(t, 200, r.call(t, "POST", "/v1/accounts/twilio/test", `{"to":"+447400123456"}`).Code)
	}
	got := r.call(t, "POST", "/v1/accounts/twilio/test", `{"to":"+33612345678"}`)
	got.problem(422, "invalid", "to")
	require.Contains(t, got.errors(), `"code":"country_refused"`)
	require.Empty(t, r.results(t).Items)
}

func TestGuards_away(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.guarded.away = &backstop.Error{Code: backstop.TryLater, Message: "the database is away"}
	require.Equal(t, 503, r.call(t, "GET", "/v1/guards", "").Code)
	require.Equal(t, 503, r.call(t, "PUT", "/v1/guards", `{}`, "If-Match", "*").Code)
	require.Equal(t, 503, r.call(t, "GET", "/v1/guards/results", "").Code)
}
