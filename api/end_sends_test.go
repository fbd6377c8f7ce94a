package api_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

// ordered accepts a send of an order and returns its id.
func ordered(t *testing.T, r *rig, policy, order string) string {
	t.Helper()
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", correlatedBody(policy, `"correlation_id":"`+order+`"`)).Code)
	return r.sends[len(r.sends)-1].ID
}

// resultsOf returns the result of each send, and the ids in their order.
func resultsOf(ended api.EndedSends) (results map[string]api.EndedSendResult, ids []string) {
	results = map[string]api.EndedSendResult{}
	for _, item := range ended.Items {
		results[item.Send.ID] = item.Result
		ids = append(ids, item.Send.ID)
	}
	return results, ids
}

func TestSends_endOrder(t *testing.T) {
	t.Parallel()
	for operation, want := range map[string]struct {
		outcome api.Outcome
		ofEnded api.EndedSendResult
	}{
		"cancel":  {api.OutcomeCancelled, api.EndedSendResultTooLate},
		"confirm": {api.OutcomeConfirmed, api.EndedSendResultDone},
	} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			_, policy := r.seed(t)
			first, arrived := ordered(t, r, policy.ID, "7"), ordered(t, r, policy.ID, "7")
			other, last := ordered(t, r, policy.ID, "8"), ordered(t, r, policy.ID, "7")
			ended := now.Add(-time.Second)
			r.sends[1].Outcome, r.sends[1].FinishedAt = backstop.OutcomeWhatsApp, &ended

			for range 2 { // a repeated request has the same results
				var shown api.EndedSends
				r.call(t, "POST", "/v1/sends/"+operation, `{"correlation_id":"7"}`).into(200, &shown)
				results, ids := resultsOf(shown)
				require.Equal(t, map[string]api.EndedSendResult{
					first: api.EndedSendResultDone, last: api.EndedSendResultDone, arrived: want.ofEnded,
				}, results)
				require.ElementsMatch(t, []string{last, first, arrived}, ids)
				require.False(t, shown.MoreSends)
				for _, item := range shown.Items {
					require.Equal(t, item.Result == api.EndedSendResultTooLate, item.Reason != nil)
					if item.Send.ID == arrived {
						require.Equal(t, api.OutcomeWhatsapp, item.Send.Outcome)
					} else {
						require.Equal(t, want.outcome, item.Send.Outcome)
					}
				}
			}
			untouched, err := r.Send(t.Context(), other)
			require.NoError(t, err)
			require.Equal(t, backstop.OutcomePending, untouched.Outcome)
		})
	}
}

// One request ends at most 100 sends. The sends that have not ended come first, so a repeated request ends the rest.
func TestSends_endOrder_many(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	const n = 103
	for range n {
		ordered(t, r, policy.ID, "7")
	}
	var shown api.EndedSends
	r.call(t, "POST", "/v1/sends/cancel", `{"correlation_id":"7"}`).into(200, &shown)
	require.Len(t, shown.Items, 100)
	require.True(t, shown.MoreSends)
	shown = api.EndedSends{}
	r.call(t, "POST", "/v1/sends/cancel", `{"correlation_id":"7"}`).into(200, &shown)
	require.Len(t, shown.Items, 100)
	require.False(t, shown.MoreSends)
	for _, s := range r.sends {
		require.Equal(t, backstop.OutcomeCancelled, s.Outcome)
	}
}

func TestSends_endOrder_faults(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/v1/sends/cancel", "/v1/sends/confirm"} {
		r := newRig(t)
		_, policy := r.seed(t)
		ordered(t, r, policy.ID, "7")
		r.call(t, "POST", path, `{"correlation_id":"8"}`).problem(404, "not_found")
		r.call(t, "POST", path, `{"correlation_id":""}`).problem(400, "malformed", "correlation_id")
		r.call(t, "POST", path, `{}`).problem(400, "malformed", "correlation_id")
		r.call(t, "POST", path, `{"correlation_id":"7","to":"x"}`).problem(400, "malformed", "to")
		r.call(t, "GET", path, "").problem(400, "malformed", "id")
		r.door.away = &backstop.Error{Code: backstop.TryLater, Message: "away"}
		r.call(t, "POST", path, `{"correlation_id":"7"}`).problem(503, "unavailable")
		require.Equal(t, backstop.OutcomePending, r.sends[0].Outcome)
	}
}
