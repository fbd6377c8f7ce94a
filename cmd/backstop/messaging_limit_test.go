package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/client"
	"github.com/backstophq/backstop/internal/demo"
	"github.com/backstophq/backstop/internal/sandbox"
)

// setLimit changes the messaging limit of the sandbox's business, which Meta reports by a webhook.
func (r *rig) setLimit(tier string) {
	r.t.Helper()
	require.Equal(r.t, http.StatusNoContent, r.post(http.MethodPut, r.sandboxURL+"/meta/number?limit="+tier, "", nil))
}

// sendTemplate starts a send of a template by a WhatsApp account.
func (r *rig) sendTemplate(account, to, policy string) (id string) {
	r.t.Helper()
	parameters := json.RawMessage(`[{"type":"body","parameters":[{"type":"text","text":"Ada"},{"type":"text","text":"4711"}]}]`)
	accepted, err := r.caller.API.CreateSendWithResponse(r.t.Context(), &client.CreateSendParams{}, client.SendInput{
		To: to, Fallback: client.FallbackInput{PolicyID: &policy, Text: "Your order is on its way."},
		Whatsapp: client.WhatsAppInput{
			Account: &account, Template: &client.TemplateInput{Name: "order_update", Language: "en_US", Components: parameters},
		},
	})
	require.NoError(r.t, err)
	require.NotNil(r.t, accepted.JSON202, string(accepted.Body))
	return accepted.JSON202.ID
}

// awaitHealth waits until an account has a state, and returns the account.
func (r *rig) awaitHealth(name string, state client.AccountHealthState) client.Account {
	r.t.Helper()
	var account client.Account
	require.Eventually(r.t, func() bool {
		read, err := r.caller.API.GetAccountWithResponse(r.t.Context(), name)
		require.NoError(r.t, err)
		account = *read.JSON200
		return account.Health.State == state
	}, 40*time.Second, 50*time.Millisecond, "account %s does not get %s", name, state)
	return account
}

// TestAccounts_messagingLimit: when two numbers of one business have reached its messaging limit, no process calls Meta. The sends
// of one fall back at once, and those of the other wait until Meta raises the limit.
func TestAccounts_messagingLimit(t *testing.T) {
	t.Parallel()
	r := newFleet(t, map[string]string{"BACKSTOP_META_WABA_ID": "102290129340398"}) // of the sandbox
	second, hold := r.secondAccount(), client.WhenUnhealthyHold
	second.WhenUnhealthy, second.Settings["waba_id"] = &hold, r.environment["BACKSTOP_META_WABA_ID"]
	r.createAccount(second)
	r.second("worker")
	policy, err := r.caller.EnsurePolicy(t.Context(), "Patient", demo.Rule{
		Name: "Patient", Type: client.RuleTypeUnread, Wait: 10 * time.Minute, SendID: "ACME",
	})
	require.NoError(t, err)
	to := func(n int) string { return fmt.Sprintf("+4474006%03d01", n) }
	for i, account := range []string{"meta", "meta", "uk", "uk"} { // two to one person
		require.Equal(t, client.OutcomeWhatsapp, r.ended(r.sendTemplate(account, to(i%3), policy)).Outcome)
	}
	r.setLimit("TIER_3")
	for _, name := range []string{"meta", "uk"} {
		account := r.awaitHealth(name, client.AccountHealthStateUnhealthy)
		require.Equal(t, "the messaging limit of 3 recipients in 24 hours is reached", *account.Health.Reason)
		require.Equal(t, 3, *account.Profile.Recipients24H)
		require.Equal(t, 3, *account.Profile.RecipientLimit)
	}
	time.Sleep(2 * time.Second) // the other process reads it too

	for i := range 6 {
		send := r.ended(r.sendTemplate("meta", to(10+i), policy))
		require.Equal(t, client.OutcomeSms, send.Outcome)
	}
	held := r.sendTemplate("uk", to(20), policy)
	time.Sleep(3 * time.Second)
	require.Len(t, r.calls(func(m sandbox.Message) bool { return m.From == firstNumber || m.From == secondNumber }), 4)

	r.setLimit("TIER_2K")
	require.Equal(t, client.OutcomeWhatsapp, r.ended(held).Outcome)
	for _, name := range []string{"meta", "uk"} {
		account := r.awaitHealth(name, client.AccountHealthStateHealthy)
		require.Equal(t, 2000, *account.Profile.RecipientLimit)
	}
	require.Equal(t, client.OutcomeWhatsapp, r.ended(r.sendTemplate("meta", to(30), policy)).Outcome)
}
