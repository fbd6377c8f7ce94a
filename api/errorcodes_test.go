package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

func TestErrorCodes_List(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *api.Options) {
		o.ErrorCodes = []backstop.ErrorCode{
			{Provider: "meta", Code: "131026", Class: backstop.RecipientFault, Explained: map[string]backstop.Explanation{
				"en": {Cause: "Not on WhatsApp.", Action: "Nothing to do."}, "zh-CN": {Cause: "未使用。", Action: "无需处理。"},
			}},
			{Provider: "twilio", Code: "20429", Explained: map[string]backstop.Explanation{"en": {Cause: "Too fast.", Action: "Wait."}}},
		}
	})
	got := r.call(t, "GET", "/v1/error-codes", "")
	require.Equal(t, 200, got.Code)
	require.JSONEq(t, `{"items": [
		{"provider": "meta", "code": "131026", "class": "recipient", "explained": {
			"en": {"cause": "Not on WhatsApp.", "action": "Nothing to do."}, "zh-CN": {"cause": "未使用。", "action": "无需处理。"}
		}},
		{"provider": "twilio", "code": "20429", "explained": {"en": {"cause": "Too fast.", "action": "Wait."}}}
	]}`, got.Body.String())
	require.JSONEq(t, `{"items": []}`, newRig(t).call(t, "GET", "/v1/error-codes", "").Body.String())
}
