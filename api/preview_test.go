package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

func TestPreview(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rule, policy := r.seed(t)
	got := r.call(t, "POST", "/v1/sends/preview", `{
		"to": "+447400123456", "whatsapp": {"text": "hello"}, "expires_at": "2031-05-04T12:00:30Z",
		"fallback": {"policy_id": "`+strings.ToUpper(policy.ID)+`", "text": "See you in Malmö, 5 €", "wait_seconds": 30, "send_id": "60777"}}`)
	var preview api.SendPreview
	got.into(200, &preview)
	require.Equal(t, "GB", *preview.Country)
	require.Equal(t, &policy.ID, preview.Plan.PolicyID)
	require.Equal(t, new("Parcels"), preview.Plan.PolicyName)
	require.Len(t, preview.Plan.Rules, 1)
	planned := preview.Plan.Rules[0]
	require.Equal(t, &rule.ID, planned.ID)
	require.Equal(t, api.RuleTypeUndelivered, planned.Type)
	require.Equal(t, 30, *planned.WaitSeconds)
	require.Equal(t, "60777", planned.SendID)
	require.Equal(t, now.Add(30*time.Second), *planned.Deadline, "as if it were accepted now")
	require.Equal(t, api.SMSLength{Encoding: api.SMSLengthEncodingGsm7, Length: 22, Segments: 1}, preview.Sms)
	require.Len(t, *preview.Warnings, 2)
	require.Equal(t, api.FinalContent{WhatsappText: new("hello"), SmsText: "See you in Malmö, 5 €"}, preview.Content)

	require.Zero(t, r.writes)
	require.Empty(t, r.sends)
}

// TestPreview_Send: a preview has the same plan as the send with the same input.
func TestPreview_Send(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	var preview api.SendPreview
	r.call(t, "POST", "/v1/sends/preview", sendBody(policy.ID)).into(200, &preview)
	var accepted api.SendAccepted
	r.call(t, "POST", "/v1/sends", sendBody(policy.ID)).into(202, &accepted)
	var send api.Send
	r.call(t, "GET", "/v1/sends/"+accepted.ID, "").into(200, &send)
	require.Equal(t, send.Plan, preview.Plan)
	require.Equal(t, send.Country, preview.Country)
	require.Equal(t, accepted.Warnings, preview.Warnings)

	// A number without a country and a long text in another script give no warning.
	body := strings.NewReplacer("+447400123456", "+80012345678", `"text":"hi"`, `"text":"`+strings.Repeat("я", 71)+`","type":"send_failed","wait_seconds":0`)
	preview = api.SendPreview{}
	r.call(t, "POST", "/v1/sends/preview", body.Replace(sendBody(policy.ID))).into(200, &preview)
	require.Nil(t, preview.Country)
	require.Nil(t, preview.Warnings)
	require.Equal(t, api.SMSLength{Encoding: api.SMSLengthEncodingUcs2, Length: 71, Segments: 2}, preview.Sms)
}

func TestPreview_Refused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	r.policies[0].Rules[0].Countries = []string{"US"}
	r.call(t, "POST", "/v1/sends/preview", sendBody(policy.ID)).problem(422, "invalid", "to")
	r.call(t, "POST", "/v1/sends/preview", sendBody(policy.ID), "Authorization", "").problem(401, "unauthorized")
	r.away = &backstop.Error{Code: backstop.TryLater, Message: "the database is away", Cause: errTest}
	r.call(t, "POST", "/v1/sends/preview", sendBody(policy.ID)).problem(503, "unavailable")
}
