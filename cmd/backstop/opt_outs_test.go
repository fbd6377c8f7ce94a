package main

import (
	"crypto/hmac"
	"crypto/sha1" // Twilio signs so
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/client"
	"github.com/backstophq/backstop/internal/demo"
	"github.com/backstophq/backstop/internal/logtest"
	"github.com/backstophq/backstop/internal/sandbox"
)

// textTwilio brings an SMS of a person by Twilio's webhook.
func (r *rig) textTwilio(from, text, id string) {
	r.t.Helper()
	form := url.Values{
		"MessageSid": {id}, "AccountSid": {r.environment["BACKSTOP_TWILIO_ACCOUNT_SID"]}, "From": {from}, "To": {"+15550100"},
		"Body": {text}, "NumSegments": {"1"},
	}
	address := r.apiURL + "/webhooks/twilio"
	mac := hmac.New(sha1.New, []byte(r.environment["BACKSTOP_TWILIO_AUTH_TOKEN"]))
	mac.Write([]byte(address))
	for _, name := range slices.Sorted(maps.Keys(form)) {
		mac.Write([]byte(name + form.Get(name)))
	}
	status := r.post(http.MethodPost, address, form.Encode(), http.Header{
		"Content-Type":       {"application/x-www-form-urlencoded"},
		"X-Twilio-Signature": {base64.StdEncoding.EncodeToString(mac.Sum(nil))},
	})
	require.Equal(r.t, 200, status)
}

// prefer brings a change of a person's preference by Meta's webhook.
func (r *rig) prefer(from, value string, at time.Time) {
	r.t.Helper()
	body := metaWebhook(firstNumber, fmt.Sprintf(
		`"user_preferences":[{"wa_id":%q,"detail":"User requested to %s marketing messages","category":"marketing_messages","value":%q,"timestamp":%d}]`,
		strings.TrimPrefix(from, "+"), value, value, at.Unix()))
	header := signedByMeta(body, r.environment["BACKSTOP_META_APP_SECRET"])
	require.Equal(r.t, 200, r.post(http.MethodPost, r.apiURL+"/webhooks/meta", body, header))
}

func (r *rig) optOuts(to string) (list []client.OptOut) {
	r.t.Helper()
	got, err := r.caller.API.ListOptOutsWithResponse(r.t.Context(), &client.ListOptOutsParams{To: &to})
	require.NoError(r.t, err)
	require.NotNil(r.t, got.JSON200, string(got.Body))
	return got.JSON200.Items
}

// listed returns the categories and the source of a person's entries: "marketing utility by message".
func (r *rig) listed(to string) string {
	r.t.Helper()
	var words []string
	source := client.OptOutSource("")
	for _, o := range r.optOuts(to) {
		words, source = append(words, string(o.Category)), o.Source
	}
	if len(words) == 0 {
		return ""
	}
	slices.Sort(words)
	return strings.Join(words, " ") + " by " + string(source)
}

// try asks for a send of a category, and returns the answer.
func (r *rig) try(to, policy string, category client.Category, ifOptedOut client.SendInputIfOptedOut) *client.CreateSendResponse {
	r.t.Helper()
	text := "News of today."
	input := client.SendInput{
		To: to, Whatsapp: client.WhatsAppInput{Text: &text}, Fallback: client.FallbackInput{PolicyID: &policy, Text: text},
	}
	if category != "" {
		input.Category = &category
	}
	if ifOptedOut != "" {
		input.IfOptedOut = &ifOptedOut
	}
	got, err := r.caller.API.CreateSendWithResponse(r.t.Context(), &client.CreateSendParams{}, input)
	require.NoError(r.t, err)
	return got
}

// TestOptOuts: each source puts a person on the list, by the real drivers and their webhooks, and the list is honoured.
func TestOptOuts(t *testing.T) {
	t.Parallel()
	r := newFleet(t, map[string]string{"BACKSTOP_STOP_WORDS": "ARRET"})
	log := &logtest.Buffer{}
	r.stop()
	r.process = r.launch("serve", r.environment, log)
	r.awaitReady(r.apiURL)
	policy, err := r.caller.EnsurePolicy(t.Context(), "Rejected", demo.Rule{
		Name: "Rejected", Type: client.RuleTypeUndelivered, SendID: "ACME",
	})
	require.NoError(t, err)

	const byMeta, byMetaLater, byTwilio = "+447400910016", "+447400910122", "+447400910223"
	for to, category := range map[string]client.Category{byMeta: client.CategoryMarketing, byMetaLater: "", byTwilio: client.CategoryAuthentication} {
		accepted := r.try(to, policy, category, "")
		require.NotNil(t, accepted.JSON202, string(accepted.Body))
		require.Equal(t, client.OutcomeFailed, r.ended(accepted.JSON202.ID).Outcome)
	}
	require.Equal(t, "marketing by provider", r.listed(byMeta))
	require.Equal(t, "marketing by provider", r.listed(byMetaLater))
	require.Equal(t, "marketing utility by provider", r.listed(byTwilio))
	require.Equal(t, "21610", *r.optOuts(byTwilio)[0].Code)

	const wrote, preferred = "+447400920001", "+447400930001"
	for i, word := range []string{"STOP", " stopall", "Unsubscribe", "CANCEL", "end", "quit", "Arret"} {
		r.textTwilio(wrote, word, fmt.Sprintf("SMstop%028d", i))
		require.Equal(t, "marketing utility by message", r.listed(wrote), word)
		r.textTwilio(wrote, []string{"START", "unstop", "Yes"}[i%3], fmt.Sprintf("SMstart%027d", i))
		require.Empty(t, r.listed(wrote), word)
	}
	r.textTwilio(wrote, "STOP it", "SMother0000000000000000000000000")
	require.Empty(t, r.listed(wrote))
	r.textTwilio(wrote, "STOP", "SMlast00000000000000000000000000")
	now := time.Now()
	r.prefer(preferred, "stop", now.Add(-3*time.Second))
	require.Equal(t, "marketing by preference", r.listed(preferred))

	for _, to := range []string{byMeta, byTwilio, wrote, preferred} {
		for _, category := range []client.Category{"", client.CategoryMarketing} {
			refused := r.try(to, policy, category, "")
			require.Equal(t, 422, refused.StatusCode(), string(refused.Body))
			problem := (*refused.ApplicationProblemJSON422.Errors)[0]
			require.Equal(t, client.FieldErrorCodeOptedOut, problem.Code)
			require.Equal(t, "to", problem.Field)
		}
	}
	require.Equal(t, 422, r.try(wrote, policy, client.CategoryUtility, "").StatusCode(), "STOP stops utility messages")
	utility := r.try(preferred, policy, client.CategoryUtility, "")
	require.Equal(t, client.OutcomeWhatsapp, r.ended(utility.JSON202.ID).Outcome, "Meta's opt-out is of marketing alone")
	code := r.try(wrote, policy, client.CategoryAuthentication, "")
	require.Equal(t, client.OutcomeWhatsapp, r.ended(code.JSON202.ID).Outcome)

	skipped := r.try(preferred, policy, client.CategoryMarketing, client.SendInputIfOptedOutSkip)
	require.NotNil(t, skipped.JSON202, string(skipped.Body))
	require.Equal(t, client.SendAcceptedSkippedOptedOut, *skipped.JSON202.Skipped)
	send, err := r.caller.Send(t.Context(), skipped.JSON202.ID)
	require.NoError(t, err)
	require.Equal(t, client.OutcomeFailed, send.Outcome)
	require.Equal(t, client.EventKindOptedOut, send.Events[1].Kind)
	require.Empty(t, send.Attempts)
	before := len(r.calls(func(m sandbox.Message) bool { return m.To == preferred }))
	require.Equal(t, 1, before, "only the utility message")

	r.prefer(preferred, "resume", now)
	require.Empty(t, r.listed(preferred))
	again := r.try(preferred, policy, client.CategoryMarketing, "")
	require.Equal(t, client.OutcomeWhatsapp, r.ended(again.JSON202.ID).Outcome)
	require.NotContains(t, log.String(), "400910016")
	require.NotContains(t, log.String(), "400920001")
}

// TestOptOuts_stopDuringWait: a STOP that comes while a send waits for its rule forbids the SMS.
func TestOptOuts_stopDuringWait(t *testing.T) {
	t.Parallel()
	r := newFleet(t, nil)
	policy, err := r.caller.EnsurePolicy(t.Context(), "Soon", demo.Rule{
		Name: "Soon", Type: client.RuleTypeUndelivered, Wait: 4 * time.Second, SendID: "ACME",
	})
	require.NoError(t, err)
	const to = "+447400940003" // sent, and never delivered
	accepted := r.try(to, policy, client.CategoryMarketing, "")
	require.NotNil(t, accepted.JSON202, string(accepted.Body))
	require.Eventually(t, func() bool {
		send, err := r.caller.Send(t.Context(), accepted.JSON202.ID)
		return err == nil && send.Whatsapp.Status == client.StatusSent
	}, 20*time.Second, 20*time.Millisecond, "the WhatsApp message goes out first")
	r.textTwilio(to, "STOP", "SMwait00000000000000000000000000")
	send := r.ended(accepted.JSON202.ID)
	require.Equal(t, client.OutcomeUnconfirmed, send.Outcome, "WhatsApp may still deliver the message")
	require.True(t, slices.ContainsFunc(send.Events, func(e client.Event) bool { return e.Kind == client.EventKindOptedOut }))
	require.Empty(t, r.calls(func(m sandbox.Message) bool { return m.To == to && m.Channel == "sms" }))
}
