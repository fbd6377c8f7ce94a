package api_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

func TestRetention_Get(t *testing.T) {
	t.Parallel()
	var got api.Retention
	newRig(t).call(t, "GET", "/v1/retention", "").into(200, &got)
	require.Empty(t, got.Items)
	state := backstop.RemovalState{
		Removal: backstop.Removal{What: backstop.RemoveNumbers, Categories: []backstop.Category{"", "utility"}, Age: 48 * time.Hour},
		Removed: 5, Later: 2, Through: now.Add(-time.Hour), RanAt: now,
	}
	r := newRig(t, func(o *api.Options) {
		o.Removals = func(context.Context) ([]backstop.RemovalState, error) { return []backstop.RemovalState{state}, nil }
	})
	r.call(t, "GET", "/v1/retention", "").into(200, &got)
	require.Equal(t, []api.RemovalState{{
		What: "numbers", Categories: []api.RemovalStateCategories{"", "utility"}, AgeSeconds: 172_800, Removed: 5, Later: 2,
		Through: new(now.Add(-time.Hour)), RanAt: new(now),
	}}, got.Items)
}

// A send without its content or its number cannot be repeated: that would send a mask.
func TestRepeat_removed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, change := range []func(*backstop.Send){
		func(s *backstop.Send) { s.ContentRemovedAt = &now }, func(s *backstop.Send) { s.To = "+44•••••56" },
	} {
		send := backstop.Send{ID: someID, To: "+447400123456", Text: "•", SMSText: "•"}
		change(&send)
		r.sends = []backstop.Send{send}
		r.call(t, "POST", "/v1/sends/"+someID+"/repeat", "").problem(409, "conflict")
	}
}

func TestErasures(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var e api.Erasure
	created := r.call(t, "POST", "/v1/erasures", `{"to": "+447400123456"}`)
	created.into(202, &e)
	require.Equal(t, "/v1/erasures/"+someID, created.Header().Get("Location"))
	require.Equal(t, api.Erasure{
		ID: someID, State: "running", KeepOptOut: true, CreatedAt: now, Changed: map[string]int{}, PendingSends: 1,
	}, e)
	require.NotContains(t, created.Body.String(), "447400123456")
	require.NotContains(t, r.logs.String(), "447400123456")
	r.call(t, "POST", "/v1/erasures", `{"to": "+447400123456", "keep_opt_out": false}`).into(202, &e)
	require.False(t, e.KeepOptOut)
	r.call(t, "GET", "/v1/erasures/"+someID, "").into(200, &e)
	require.Equal(t, someID, e.ID)
	r.call(t, "GET", "/v1/erasures/01970e2a-5b7c-7d3e-8f00-4a1b2c3d4e99", "").problem(404, "not_found")
	r.call(t, "POST", "/v1/erasures", `{"to": "+44740"}`).problem(422, "invalid", "to")
	r.call(t, "POST", "/v1/erasures", `{}`).problem(400, "malformed", "to")
}
