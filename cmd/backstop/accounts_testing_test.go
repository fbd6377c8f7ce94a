package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/client"
	"github.com/backstophq/backstop/internal/demo"
	"github.com/backstophq/backstop/internal/logtest"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
	"github.com/backstophq/backstop/internal/sandbox"
)

// test sends a test SMS by an account.
func (r *rig) test(account, to string) *client.TestAccountResponse {
	r.t.Helper()
	sender := "ACME"
	got, err := r.caller.API.TestAccountWithResponse(r.t.Context(), account, client.AccountTestInput{To: to, SendID: &sender})
	require.NoError(r.t, err)
	return got
}

// tested returns the answer to a test SMS, and checks that the provider got one call.
func (r *rig) tested(account, to string) client.AccountTest {
	r.t.Helper()
	got := r.test(account, to)
	require.NotNil(r.t, got.JSON200, string(got.Body))
	require.Len(r.t, r.calls(func(m sandbox.Message) bool { return m.To == to }), 1, "the provider gets one call")
	return *got.JSON200
}

// TestAccounts_testMessage: a test goes out by the real drivers, also by a disabled account. It leaves no send, and its receipts,
// which come soon after, change nothing.
func TestAccounts_testMessage(t *testing.T) {
	t.Parallel()
	r := newFleet(t, nil)
	r.stop()
	log := &logtest.Buffer{}
	r.process = r.launch("serve", r.environment, log)
	r.awaitReady(r.apiURL)
	spare := r.spareSMS()
	disabled, timeout := true, 1
	spare.Disabled, spare.CallTimeoutSeconds = &disabled, &timeout
	r.createAccount(spare)

	bySpare, byTwilio := r.tested("spare", "+447400800001"), r.tested("twilio", "+447400800101")
	for _, got := range []client.AccountTest{bySpare, byTwilio} {
		require.Equal(t, client.AccountTestResultAccepted, got.Result)
		require.NotEmpty(t, *got.MessageID)
		require.Equal(t, 1, got.Segments)
		require.Nil(t, got.Error)
	}
	r.setOutage("infobip", "account")
	refused := r.tested("spare", "+447400800201")
	require.Equal(t, client.AccountTestResultRefused, refused.Result)
	require.Equal(t, client.FailureKindRejected, refused.Error.Kind)
	require.Equal(t, client.FailureClassAccount, *refused.Error.Class)
	require.NotEmpty(t, (*refused.Error.Explained)["zh-CN"].Cause)
	r.setOutage("infobip", "down")
	require.Equal(t, client.FailureKindUnavailable, r.tested("spare", "+447400800301").Error.Kind)
	r.setOutage("infobip", "hang")
	unknown := r.tested("spare", "+447400800401")
	require.Equal(t, client.AccountTestResultUnknown, unknown.Result)
	require.InDelta(t, 1000, unknown.TookMs, 900)

	db := postgrestest.Past(t, r.environment["BACKSTOP_DATABASE_URL"])
	require.Eventually(t, func() bool {
		var matched, delivered int
		db.Row(`SELECT count(send), count(*) FILTER (WHERE status = 'delivered') FROM receipts`, nil, &matched, &delivered)
		require.Zero(t, matched)
		return delivered == 2
	}, 20*time.Second, 50*time.Millisecond, "the receipts of the tests come")
	var sends, attempts, events, health int
	db.Row(`SELECT (SELECT count(*) FROM sends), (SELECT count(*) FROM attempts), (SELECT count(*) FROM events),
		(SELECT count(*) FROM account_health)`, nil, &sends, &attempts, &events, &health)
	require.Equal(t, []int{0, 0, 0, 0}, []int{sends, attempts, events, health})
	for _, level := range []string{`"level":"ERROR"`, `"level":"WARN"`} {
		require.NotContains(t, log.String(), level)
	}
	require.Equal(t, 5, strings.Count(log.String(), `"msg":"test message sent"`))
	require.NotContains(t, log.String(), "400800")
	require.NotContains(t, log.String(), "sandbox-api-key")
}

// TestAccounts_testOfOptedOut: a person who has opted out of a send gets no test.
func TestAccounts_testOfOptedOut(t *testing.T) {
	t.Parallel()
	r := newFleet(t, nil)
	policy, err := r.caller.EnsurePolicy(t.Context(), "Rejected", demo.Rule{
		Name: "Rejected", Type: client.RuleTypeUndelivered, SendID: "ACME",
	})
	require.NoError(t, err)
	const stopped = "+447400900023"
	require.Equal(t, client.OutcomeFailed, r.ended(r.sendBy("", stopped, policy)).Outcome)
	before := len(r.calls(func(m sandbox.Message) bool { return m.To == stopped }))
	refused := r.test("twilio", stopped)
	require.Equal(t, 422, refused.StatusCode(), string(refused.Body))
	require.Equal(t, client.FieldErrorCodeOptedOut, (*refused.ApplicationProblemJSON422.Errors)[0].Code)
	require.Len(t, r.calls(func(m sandbox.Message) bool { return m.To == stopped }), before)
}
