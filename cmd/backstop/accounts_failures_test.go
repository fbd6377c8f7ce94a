package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/client"
	"github.com/backstophq/backstop/internal/cutproxy"
	"github.com/backstophq/backstop/internal/demo"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
	"github.com/backstophq/backstop/internal/sandbox"
)

// newRigBehindProxy returns a fleet whose connections to Postgres can be cut.
func newRigBehindProxy(t *testing.T) (*rig, *cutproxy.Proxy) {
	t.Helper()
	if postgrestest.BehindPooler() {
		t.Fatal("the proxy reads the protocol of Postgres itself")
	}
	through, proxy := postgrestest.Proxy(t, postgrestest.URL(t))
	return newFleet(t, map[string]string{"BACKSTOP_DATABASE_URL": through}), proxy
}

// TestAccounts_lostAnswer: the connection to Postgres breaks while an account is replaced. Each change is made once.
func TestAccounts_lostAnswer(t *testing.T) {
	t.Parallel()
	r, proxy := newRigBehindProxy(t)
	account := r.secondAccount()
	version := r.createAccount(account).Version
	for _, cut := range []cutproxy.Cut{
		{After: true, How: cutproxy.Reset}, {After: true, How: cutproxy.Finish}, {How: cutproxy.Reset}, {After: true, Times: 2},
	} {
		cut.Match = func(q cutproxy.Request) bool { return strings.Contains(q.SQL, "UPDATE accounts") }
		done := proxy.On(cut)
		timeout := version + 3
		replaced := r.replaceAccount(account, func(c *client.AccountChangeInput) { c.CallTimeoutSeconds = &timeout })
		if cut.Times < 2 {
			<-done
		}
		proxy.Clear()
		require.Equal(t, version+1, replaced.Version, "%+v", cut)
		require.Equal(t, timeout, replaced.CallTimeoutSeconds)
		version = replaced.Version
		read, err := r.caller.API.GetAccountWithResponse(t.Context(), "uk")
		require.NoError(t, err)
		require.Equal(t, replaced, *read.JSON200)
	}
	proxy.Down()
	change := client.AccountChangeInput{Settings: map[string]string{"phone_number_id": secondNumber, "base_url": r.sandboxURL}}
	away, err := r.caller.API.ReplaceAccountWithResponse(t.Context(), "uk", &client.ReplaceAccountParams{IfMatch: "*"}, change)
	require.NoError(t, err)
	require.Equal(t, 503, away.StatusCode(), string(away.Body))
	proxy.Up()
	require.Equal(t, version+1, r.replaceAccount(account, func(*client.AccountChangeInput) {}).Version)
}

// TestAccounts_killedBetween: the process is killed after the first account's refusal is stored, and before the second account is
// called. One SMS goes out.
func TestAccounts_killedBetween(t *testing.T) {
	t.Parallel()
	r, proxy := newRigBehindProxy(t)
	r.createAccount(r.spareSMS())
	policy, err := r.caller.EnsurePolicy(t.Context(), "Two accounts", demo.Rule{
		Name: "Two accounts", Type: client.RuleTypeUndelivered, SendID: "ACME", Accounts: []string{"twilio", "spare"},
	})
	require.NoError(t, err)
	r.setOutage("twilio", "account")
	refusal := func(q cutproxy.Request) bool {
		return strings.Contains(q.SQL, "UPDATE sends") && bytes.Contains(q.Bytes, []byte("20003"))
	}
	stored := proxy.On(cutproxy.Cut{Match: refusal, After: true, How: cutproxy.Hang})
	id := r.sendBy("", "+447400600004", policy)
	<-stored
	r.kill()
	require.Empty(t, r.calls(func(m sandbox.Message) bool { return m.Channel == "sms" && m.Accepted }))
	r.start()
	send := r.ended(id)
	require.Equal(t, client.OutcomeSms, send.Outcome)
	var by []string
	for _, a := range send.Attempts {
		by = append(by, a.Account+" "+string(a.State))
	}
	require.Equal(t, []string{"meta rejected", "twilio rejected", "spare accepted"}, by)
	sms := r.calls(func(m sandbox.Message) bool { return m.Channel == "sms" })
	require.Len(t, sms, 2)
	require.Equal(t, []bool{false, true}, []bool{sms[0].Accepted, sms[1].Accepted})
}
