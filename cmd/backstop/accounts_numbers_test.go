package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/client"
	"github.com/backstophq/backstop/internal/demo"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
	"github.com/backstophq/backstop/internal/sandbox"
)

// TestAccounts_twoNumbers: two numbers of one app send side by side. A send names its number, or its policy does. The sandbox posts
// the webhooks of both to the address of the first.
func TestAccounts_twoNumbers(t *testing.T) {
	t.Parallel()
	r := newFleet(t, nil)
	r.createAccount(r.secondAccount())
	patient := demo.Rule{Name: "Patient", Type: client.RuleTypeUnread, Wait: 3 * time.Minute, SendID: "ACME"}
	policy, err := r.caller.EnsurePolicy(t.Context(), "Patient", patient)
	require.NoError(t, err)
	account := "uk"
	rules, err := r.caller.API.ListRulesWithResponse(t.Context(), &client.ListRulesParams{})
	require.NoError(t, err)
	made, err := r.caller.API.CreatePolicyWithResponse(t.Context(), client.PolicyInput{
		Name: "Of the second number", Account: &account, RuleIds: []string{rules.JSON200.Items[0].ID},
	})
	require.NoError(t, err)
	require.NotNil(t, made.JSON201, string(made.Body))
	rejected, err := r.caller.EnsurePolicy(t.Context(), "Rejected", demo.Rule{Name: "Rejected", Type: client.RuleTypeUndelivered, SendID: "ACME"})
	require.NoError(t, err)

	type row struct {
		account, policy, to string
		by, from            string
		outcome             client.Outcome
	}
	rows := []row{
		{"", policy, "+447400200001", "meta", firstNumber, client.OutcomeWhatsapp},
		{"meta", policy, "+447400200101", "meta", firstNumber, client.OutcomeWhatsapp},
		{"uk", policy, "+447400200201", "uk", secondNumber, client.OutcomeWhatsapp},
		{"", made.JSON201.ID, "+447400200301", "uk", secondNumber, client.OutcomeWhatsapp},
		{"meta", made.JSON201.ID, "+447400200401", "meta", firstNumber, client.OutcomeWhatsapp},
		{"uk", policy, "+447400200511", "uk", secondNumber, client.OutcomeWhatsapp}, // receipts twice, in disorder
		{"uk", rejected, "+447400200604", "uk", "", client.OutcomeSms},
		{"uk", rejected, "+447400200705", "uk", secondNumber, client.OutcomeSms}, // fails by webhook
	}
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = r.sendBy(row.account, row.to, row.policy)
	}
	for i, row := range rows {
		send := r.ended(ids[i])
		require.Equal(t, row.outcome, send.Outcome, row)
		require.Equal(t, row.by, send.Attempts[0].Account, row)
		if row.outcome == client.OutcomeWhatsapp {
			require.Equal(t, client.StatusRead, send.Whatsapp.Status, row)
		}
		for _, m := range r.calls(acceptedFrom(row.from)) {
			if m.To == row.to {
				rows[i].from = ""
			}
		}
		require.Empty(t, rows[i].from, "%s is not sent by its number", row.to)
	}
	db := postgrestest.Past(t, r.environment["BACKSTOP_DATABASE_URL"])
	var without int
	db.Row(`SELECT count(*) FROM receipts WHERE send IS NULL`, nil, &without)
	require.Zero(t, without, "each receipt found its send")

	inbound := `"messages":[{"from":"447400200201","id":"wamid.in","timestamp":"1764000000","type":"text","text":{"body":"Stop"}}]`
	for _, number := range []string{secondNumber, "106540352249999"} {
		body := metaWebhook(number, inbound)
		require.Equal(t, 200, r.post("POST", r.apiURL+"/webhooks/meta", body, signedByMeta(body, r.environment["BACKSTOP_META_APP_SECRET"])))
	}
	var stored, keyword string
	db.Row(`SELECT string_agg(account, ','), string_agg(keyword, ',') FROM inbound`, nil, &stored, &keyword)
	require.Equal(t, "uk", stored, "the message belongs to the account of its number; another number has none")
	require.Equal(t, "stop", keyword)
}

// TestAccounts_justCreated: a send goes out by an account that was created a moment ago by another process than the worker.
func TestAccounts_justCreated(t *testing.T) {
	t.Parallel()
	r := newFleet(t, nil)
	r.stop()
	api, _ := r.second("api")
	r.second("worker")
	var err error
	r.caller, err = demo.NewCaller(api, r.environment["BACKSTOP_API_KEY"])
	require.NoError(t, err)
	spare := r.spareSMS()
	patient, err := r.caller.EnsurePolicy(t.Context(), "Patient", demo.Rule{
		Name: "Patient", Type: client.RuleTypeUnread, Wait: 3 * time.Minute, SendID: "ACME",
	})
	require.NoError(t, err)
	r.createAccount(r.secondAccount())
	whatsApp := r.sendBy("uk", "+447400700002", patient)
	r.createAccount(spare)
	rejected, err := r.caller.EnsurePolicy(t.Context(), "Spare", demo.Rule{
		Name: "Spare", Type: client.RuleTypeUndelivered, SendID: "ACME", Accounts: []string{"spare"},
	})
	require.NoError(t, err)
	r.sendBy("", "+447400700104", rejected)
	require.Eventually(t, func() bool {
		return len(r.calls(acceptedFrom(secondNumber))) == 1
	}, 20*time.Second, 20*time.Millisecond, "send %s", whatsApp)
	require.Eventually(t, func() bool {
		return len(r.calls(func(m sandbox.Message) bool { return m.Provider == "infobip" && m.Accepted })) == 1
	}, 20*time.Second, 20*time.Millisecond)
}
