package api_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

// A key that may only write ends sends, and reads no person by that: not even of a send that it cannot end any more.
func TestSends_end_writerReadsNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	const private = `"correlation_id":"7","metadata":{"name":"zebra"}`
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", correlatedBody(policy.ID, private)).Code)
	send := &r.sends[0]
	r.attempts = []backstop.Attempt{{
		Ref: backstop.Ref{Send: send.ID, Step: 1}, Channel: backstop.WhatsApp, Number: 1, State: backstop.Accepted,
		StartedAt: now, Provider: "meta", Account: "meta", MessageID: "wamid.447400123456",
	}}
	ended := now.Add(-time.Second)
	send.Outcome, send.FinishedAt = backstop.OutcomeWhatsApp, &ended
	_, writer := r.createKey(t, scopes(backstop.ScopeSendsWrite), backstop.KeyLive)
	_, both := r.createKey(t, scopes(backstop.ScopeSendsWrite, backstop.ScopeSendsRead), backstop.KeyLive)
	for _, o := range []struct{ path, body string }{
		{"/v1/sends/" + send.ID + "/cancel", ""},
		{"/v1/sends/" + send.ID + "/confirm", ""},
		{"/v1/sends/cancel", `{"correlation_id":"7"}`},
		{"/v1/sends/confirm", `{"correlation_id":"7"}`},
	} {
		got := r.call(t, "POST", o.path, o.body, "Authorization", "Bearer "+writer).Body.String()
		require.Contains(t, got, send.ID, o.path)
		require.NotContains(t, got, "7400123456", o.path)
		require.NotContains(t, got, "zebra", o.path)
		require.Contains(t, r.call(t, "POST", o.path, o.body, "Authorization", "Bearer "+both).Body.String(), "+447400123456")
	}
}

// The sends of other policies do not crowd out those of the key, and nothing says that they exist.
func TestSends_endOrder_policies(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rule, policy := r.seed(t)
	other, err := r.CreatePolicy(t.Context(), backstop.PolicyInput{Name: "Other", RuleIDs: []string{rule.ID}})
	require.NoError(t, err)
	second, err := r.CreatePolicy(t.Context(), backstop.PolicyInput{Name: "Second", RuleIDs: []string{rule.ID}})
	require.NoError(t, err)
	own := map[string]api.EndedSendResult{
		ordered(t, r, policy.ID, "7"): api.EndedSendResultDone, ordered(t, r, second.ID, "7"): api.EndedSendResultDone,
	}
	for range 103 {
		ordered(t, r, other.ID, "7")
	}
	in := scopes(backstop.ScopeSendsWrite)
	in.Policies = []string{policy.ID, second.ID}
	_, secret := r.createKey(t, in, backstop.KeyLive)
	for _, operation := range []string{"cancel", "confirm"} {
		var shown api.EndedSends
		r.call(t, "POST", "/v1/sends/"+operation, `{"correlation_id":"7"}`, "Authorization", "Bearer "+secret).into(200, &shown)
		results, _ := resultsOf(shown)
		require.Equal(t, own, results)
		require.False(t, shown.MoreSends)
	}
}
