package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/client"
	"github.com/backstophq/backstop/internal/demo"
	"github.com/backstophq/backstop/internal/sandbox"
)

// noticed is longer than a process takes to notice that another has changed an account.
const noticed = 5 * time.Second

// limitsRig is a fleet with two workers, and an account whose limits change.
type limitsRig struct {
	*rig

	account client.AccountInput
	policy  string
	sent    int
}

func newLimitsRig(t *testing.T, perSecond float64) *limitsRig {
	t.Helper()
	r := &limitsRig{rig: newFleet(t, nil)}
	r.account = r.secondAccount()
	hold := client.WhenUnhealthyHold
	r.account.CallsPerSecond, r.account.WhenUnhealthy = &perSecond, &hold
	r.createAccount(r.account)
	var err error
	r.policy, err = r.caller.EnsurePolicy(t.Context(), "Patient", demo.Rule{
		Name: "Patient", Type: client.RuleTypeUnread, Wait: 10 * time.Minute, SendID: "ACME",
	})
	require.NoError(t, err)
	return r
}

// send starts sends by the account at once.
func (r *limitsRig) send(count int) {
	r.t.Helper()
	for range count {
		r.sent++
		r.sendBy("uk", fmt.Sprintf("+4474003%03d01", r.sent), r.policy)
	}
}

// limit changes the limit of the account; 0: it has none.
func (r *limitsRig) limit(perSecond float64) {
	r.t.Helper()
	r.replaceAccount(r.account, func(c *client.AccountChangeInput) { c.CallsPerSecond = &perSecond })
}

// called returns the accepted calls of the account's number.
func (r *limitsRig) called() []sandbox.Message { return r.calls(acceptedFrom(secondNumber)) }

// awaitAll waits until each message has gone out, for a time at most, and requires that none went out twice.
func (r *limitsRig) awaitAll(atMost time.Duration) []sandbox.Message {
	r.t.Helper()
	var calls []sandbox.Message
	require.Eventually(r.t, func() bool {
		calls = r.called()
		return len(calls) >= r.sent
	}, atMost, 50*time.Millisecond, "%d messages have not gone out", r.sent)
	recipients := map[string]bool{}
	for _, m := range calls {
		recipients[m.To] = true
	}
	require.Len(r.t, recipients, len(calls), "a message has gone out twice")
	return calls
}

// busiest returns the most calls within a second.
func busiest(calls []sandbox.Message) (most int) {
	for i, first := range calls {
		n := 0
		for _, m := range calls[i:] {
			if m.Time.Sub(first.Time) < time.Second {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// TestAccounts_limits: the calls of an account keep its limit over two workers. The calls of others do not wait for them. A changed
// limit applies within seconds, and no call is lost when there is no limit any more.
func TestAccounts_limits(t *testing.T) {
	t.Parallel()
	r := newLimitsRig(t, 5)
	r.second("worker")

	r.send(20)
	calls := r.awaitAll(20 * time.Second)
	require.LessOrEqual(t, busiest(calls), 12, "5 a second, after a burst of 5")
	require.Greater(t, calls[19].Time.Sub(calls[0].Time), 2*time.Second)

	r.limit(1)
	time.Sleep(noticed)
	r.send(60) // 60 s by the limit
	for i := range 5 {
		r.sendBy("meta", fmt.Sprintf("+44740040%02d01", i), r.policy)
	}
	require.Eventually(t, func() bool { return len(r.calls(acceptedFrom(firstNumber))) == 5 }, 30*time.Second, 20*time.Millisecond)
	require.Less(t, len(r.called()), r.sent, "an account without limits waits for nobody")
	r.limit(200)
	r.awaitAll(noticed + 20*time.Second)

	r.limit(1)
	time.Sleep(noticed)
	r.send(60) // 60 s by the limit
	r.limit(0)
	r.awaitAll(noticed + 20*time.Second)
}

// TestAccounts_limitsGone: the limit of an account is removed while no worker runs. The calls that wait on its task queue go out by
// workers that never saw the limit.
func TestAccounts_limitsGone(t *testing.T) {
	t.Parallel()
	r := newLimitsRig(t, 1)
	r.send(20)
	require.Eventually(t, func() bool { return len(r.called()) > 0 }, 30*time.Second, 20*time.Millisecond)
	r.stop()
	apiURL, stop := r.second("api")
	running := r.caller
	var err error
	r.caller, err = demo.NewCaller(apiURL, r.environment["BACKSTOP_API_KEY"])
	require.NoError(t, err)
	r.limit(0)
	stop()
	r.caller = running
	require.Less(t, len(r.called()), 15)
	r.start()
	r.awaitAll(20 * time.Second)
}

// TestAccounts_disabled: the sends of an account that is disabled wait, and go out when it is enabled again. Meanwhile it is not
// deleted.
func TestAccounts_disabled(t *testing.T) {
	t.Parallel()
	r := newLimitsRig(t, 2)
	spare := r.spareSMS()
	r.createAccount(spare)
	late, err := r.caller.EnsurePolicy(t.Context(), "Late", demo.Rule{
		Name: "Late", Type: client.RuleTypeUndelivered, Wait: 2 * time.Second, SendID: "ACME", Accounts: []string{"spare"},
	})
	require.NoError(t, err)
	bySMS := r.sendBy("meta", "+447400500003", late) // sent, never delivered
	r.send(8)
	isDisabled := true
	disable := func(c *client.AccountChangeInput) {
		c.Disabled, c.CallsPerSecond = &isDisabled, r.account.CallsPerSecond
	}
	r.replaceAccount(r.account, disable)
	r.replaceAccount(spare, func(c *client.AccountChangeInput) { c.Disabled = &isDisabled })
	out := len(r.called())
	require.Less(t, out, 8)
	requireInUse := func(name, why string) {
		deleted, err := r.caller.API.DeleteAccountWithResponse(t.Context(), name, &client.DeleteAccountParams{IfMatch: "*"})
		require.NoError(t, err)
		require.Equal(t, 409, deleted.StatusCode(), string(deleted.Body))
		require.Contains(t, string(deleted.Body), why)
	}
	requireInUse("uk", "not ended")
	requireInUse("spare", "route of the rule")
	time.Sleep(3 * time.Second)
	require.LessOrEqual(t, len(r.called()), out+1, "one call may have been under way")
	require.Empty(t, r.calls(func(m sandbox.Message) bool { return m.Channel == "sms" }))
	requireInUse("uk", "not ended")

	isDisabled = false
	r.replaceAccount(r.account, disable)
	r.replaceAccount(spare, func(c *client.AccountChangeInput) { c.Disabled = &isDisabled })
	r.awaitAll(20 * time.Second)
	send := r.ended(bySMS)
	require.Equal(t, "spare", send.Attempts[1].Account)
	require.Len(t, r.calls(func(m sandbox.Message) bool { return m.Channel == "sms" && m.Accepted }), 1)
}
