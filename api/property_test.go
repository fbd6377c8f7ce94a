package api_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestServer_AnyInput: for any input the answer fits the contract and is not a 5xx, and only a success writes.
func TestServer_AnyInput(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rule, policy := r.seed(t)
	names := rapid.OneOf(rapid.SampledFrom([]string{
		"name", "type", "wait_seconds", "send_id", "route", "countries", "rule_ids", "to", "whatsapp", "text", "template", "language",
		"components", "fallback", "policy_id", "category", "expires_at", "correlation_id", "correlation_unique", "metadata", "rules",
		"routes", "account", "exclusive",
	}), rapid.String())
	leaf := rapid.OneOf(
		rapid.SampledFrom([]any{
			nil, true, "", "GB", "unread", "MyShop", "+447400123456", "2031-05-04T13:00:00Z", "2031-02-31T00:00:00Z", "en",
			rule.ID, policy.ID, json.Number("1e400"), json.Number("60.0"), json.Number("-0"), 60, "\x00", "\u202e",
		}),
		rapid.Just[any]([]any{}), rapid.Map(rapid.String(), asAny), rapid.Map(rapid.Int(), asAny), rapid.Map(rapid.Float64(), asAny),
	)
	value := leaf
	for range 3 {
		inner := value
		value = rapid.OneOf(leaf, rapid.Map(rapid.SliceOfN(inner, 0, 3), asAny), rapid.Map(rapid.MapOfN(names, inner, 0, 6), asAny))
	}
	rapid.Check(t, func(rt *rapid.T) {
		body, err := json.Marshal(value.Draw(rt, "body"))
		require.NoError(rt, err)
		if rapid.Bool().Draw(rt, "cut") {
			body = body[:rapid.IntRange(0, len(body)).Draw(rt, "at")]
		}
		to := rapid.SampledFrom([][2]string{
			{"POST", "/v1/rules"}, {"POST", "/v1/policies"}, {"POST", "/v1/sends"}, {"POST", "/v1/sends/preview"},
			{"PUT", "/v1/rules/" + rule.ID}, {"PUT", "/v1/policies/" + policy.ID},
		}).Draw(rt, "to")
		header := rapid.SampledFrom([]string{"If-Match", "Idempotency-Key"}).Draw(rt, "header")
		before := r.writes
		got := r.call(t, to[0], to[1], string(body), header, rapid.StringMatching(`[ -~]{0,12}`).Draw(rt, "value"))
		require.Less(rt, got.Code, 500, got.Body.String())
		if got.Code >= 400 {
			require.Equal(rt, before, r.writes)
		}
	})
}

func asAny[T any](v T) any { return v }
