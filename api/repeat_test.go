package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

// A repeated send has the content and the overrides of the first one, as much time, and the present rules of its policy.
func TestSends_Repeat(t *testing.T) {
	t.Parallel()
	clock := now
	r := newRig(t, func(o *api.Options) { o.Now = func() time.Time { return clock } })
	rule, policy := r.seed(t)
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", `{
		"to": "+447400123456", "category": "utility", "expires_at": "2031-05-04T12:20:00Z",
		"whatsapp": {"template": {"name": "order_shipped", "language": "en_GB", "components": [{"type": "body"}]}},
		"fallback": {"policy_id": "`+policy.ID+`", "text": "On its way", "wait_seconds": 30}}`).Code)
	old := r.sends[0]
	clock = now.Add(time.Hour) // the first one has expired
	require.Equal(t, 200, r.call(t, "PUT", "/v1/rules/"+rule.ID, strings.Replace(ruleBody, `"MyShop"`, `"60777"`, 1), "If-Match", "*").Code)
	r.policies[0].Rules = r.rules

	var accepted api.SendAccepted
	got := r.call(t, "POST", "/v1/sends/"+old.ID+"/repeat", "")
	got.into(202, &accepted)
	require.Equal(t, "/v1/sends/"+accepted.ID, got.Header().Get("Location"))
	require.NotEqual(t, old.ID, accepted.ID)
	require.Len(t, r.sends, 2)
	send := r.sends[1]
	require.Equal(t, clock.Add(20*time.Minute), *send.ExpiresAt)
	require.Equal(t, []any{old.To, old.Country, old.Text, old.Template, old.SMSText, old.Category},
		[]any{send.To, send.Country, send.Text, send.Template, send.SMSText, send.Category})
	require.Equal(t, "60777", send.Plan.Rules[0].SendID, "by the present rule")
	require.Equal(t, 30, send.Plan.Rules[0].WaitSeconds, "as the send had changed it")
	require.Equal(t, old.Plan.Override, send.Plan.Override)

	r.sends[0].ExpiresAt, r.sends[0].Plan.Override = nil, nil
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends/"+old.ID+"/repeat", "").Code)
	require.Nil(t, r.sends[2].ExpiresAt)
	require.Equal(t, 3600, r.sends[2].Plan.Rules[0].WaitSeconds)
}

func TestSends_Repeat_refused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	r.call(t, "POST", "/v1/sends/"+someID+"/repeat", "").problem(404, "not_found")
	r.call(t, "POST", "/v1/sends/x/repeat", "").problem(400, "malformed", "id")
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", sendBody(policy.ID)).Code)
	path := "/v1/sends/" + r.sends[0].ID + "/repeat"
	r.call(t, "POST", path, `{}`).problem(400, "malformed")

	r.sends[0].To = "+4407400123456"
	r.call(t, "POST", path, "").problem(422, "invalid", "to")
	r.sends[0].To = "+447400123456"
	require.NoError(t, r.DeletePolicy(t.Context(), policy.ID, backstop.AnyVersion))
	r.call(t, "POST", path, "").problem(422, "invalid", "fallback.policy_id")
	require.Len(t, r.sends, 1)
}

// A send whose recipient has opted out meanwhile is not repeated, unless the list does not stop its category.
func TestSends_Repeat_optedOut(t *testing.T) {
	t.Parallel()
	for category, goesOn := range map[backstop.Category]bool{
		"": false, backstop.Marketing: false, backstop.Utility: true, backstop.Authentication: true,
	} {
		r := newRig(t)
		_, policy := r.seed(t)
		require.Equal(t, 202, r.call(t, "POST", "/v1/sends", sendBody(policy.ID)).Code)
		path := "/v1/sends/" + r.sends[0].ID + "/repeat"
		first := r.call(t, "POST", path, "", "Idempotency-Key", "k")
		require.Equal(t, 202, first.Code)
		r.sends[0].Category = category
		r.outs.entries = []backstop.OptOut{{To: r.sends[0].To, Category: backstop.OptOutMarketing}}
		got := r.call(t, "POST", path, "")
		if goesOn {
			require.Equal(t, 202, got.Code)
			continue
		}
		got.problem(422, "invalid", "to")
		require.Len(t, r.sends, 2)
		require.Equal(t, first.Body.String(), r.call(t, "POST", path, "", "Idempotency-Key", "k").Body.String(), "a lost answer")
		r.outs.entries = nil // the person wants them again
		require.Equal(t, 202, r.call(t, "POST", path, "").Code)
	}
}

// If the answer is lost, the caller repeats the request with its key, and nothing is sent twice.
func TestSends_Repeat_idempotency(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	body := sendBody(policy.ID)
	for range 2 {
		require.Equal(t, 202, r.call(t, "POST", "/v1/sends", body).Code)
	}
	path := func(i int) string { return "/v1/sends/" + r.sends[i].ID + "/repeat" }
	first := r.call(t, "POST", path(0), "", "Idempotency-Key", "k")
	require.Equal(t, 202, first.Code)
	require.NoError(t, r.DeletePolicy(t.Context(), policy.ID, backstop.AnyVersion))
	upper := "/v1/sends/" + strings.ToUpper(r.sends[0].ID) + "/repeat"
	for _, again := range []string{path(0), upper} {
		got := r.call(t, "POST", again, "", "Idempotency-Key", "k")
		require.Equal(t, 202, got.Code)
		require.Equal(t, first.Body.String(), got.Body.String())
		require.Equal(t, first.Header().Get("Location"), got.Header().Get("Location"))
	}
	require.Len(t, r.sends, 3)

	r.call(t, "POST", path(1), "", "Idempotency-Key", "k").problem(422, "mismatch")
	r.call(t, "POST", "/v1/sends", body, "Idempotency-Key", "k").problem(422, "mismatch")
	require.Len(t, r.sends, 3)
}

// A scheduled send whose turn came after its expires_at is repeated with the time that it would have had.
func TestSends_Repeat_lateTurn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	body := strings.Replace(sendBody(policy.ID), `{`, `{"send_at": "2031-05-04T13:00:00Z", "expires_at": "2031-05-04T13:05:00Z", `, 1)
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", body).Code)
	turn := r.sends[0].ExpiresAt.Add(time.Minute) // the engine was away
	r.sends[0].StartedAt = &turn
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends/"+r.sends[0].ID+"/repeat", "").Code)
	require.Equal(t, now.Add(5*time.Minute), *r.sends[1].ExpiresAt)
	require.Nil(t, r.sends[1].SendAt)
}
