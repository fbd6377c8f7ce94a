package activities_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

// A failure with MaxTries becomes a rejection with the last of these calls, so that the next rule fires.
func TestActivities_maxTries(t *testing.T) {
	t.Parallel()
	doubtful := &backstop.Failure{Kind: backstop.Unavailable, Code: "1", MaxTries: 3}
	for _, channel := range channels {
		r := newRig(t)
		r.provider.answers(fails(doubtful), fails(doubtful), fails(doubtful), fails(doubtful))
		for range 2 {
			_, err := r.runOn(channel)
			requireRetry(t, "unavailable", 0, err)
		}
		result, err := r.runOn(channel)
		r.requireVerdict(activities.Rejected, result, err)
		require.Equal(t, "rejected 1", r.attempt(channel).Failure.Error())
		require.Equal(t, 3, r.provider.calls())
	}
}

// Calls that failed for another reason, such as an outage, do not count towards MaxTries.
func TestActivities_maxTries_otherFailures(t *testing.T) {
	t.Parallel()
	doubtful := &backstop.Failure{Kind: backstop.Unavailable, Code: "1", MaxTries: 3}
	r := newRig(t)
	r.provider.answers(fails(down), fails(down), fails(down), fails(doubtful), fails(doubtful))
	for range 4 {
		_, err := r.runOn(backstop.WhatsApp)
		requireRetry(t, "unavailable", 0, err)
	}
	result, err := r.runOn(backstop.WhatsApp)
	r.requireVerdict(activities.Rejected, result, err)
}

// A failure is logged at ERROR if an operator must act, at WARN if its code is in no table, and else at INFO.
func TestActivities_failureLevel(t *testing.T) {
	t.Parallel()
	for level, failure := range map[string]*backstop.Failure{
		"ERROR": {Kind: backstop.Rejected, Class: backstop.AccountFault, Code: "131045"},
		"WARN":  {Kind: backstop.Rejected, Code: "987654"},
		"INFO":  {Kind: backstop.Rejected, Class: backstop.RecipientFault, Code: "131026"},
	} {
		r := newRig(t)
		r.provider.answers(fails(failure))
		_, err := r.runOn(backstop.SMS)
		require.NoError(t, err)
		require.Contains(t, r.log.String(), `"level":"`+level+`","msg":"provider call failed"`)
	}
}

// An account fault is logged at ERROR too if an inquiry finds it: the provider refused the inquiry, or reports that the message
// failed.
func TestActivities_Inquire_accountFault(t *testing.T) {
	t.Parallel()
	locked := &backstop.Failure{Kind: backstop.Rejected, Class: backstop.AccountFault, Code: "30002"}
	for want, answer := range map[string]struct {
		found *backstop.Found
		err   error
	}{
		"provider call failed": {err: locked},
		"message failed":       {found: &backstop.Found{MessageID: "SM1", Status: backstop.Failed, Failure: locked}},
	} {
		r := newRig(t)
		r.asked(answer.found, answer.err)
		r.unknownSMS()
		r.log.Reset()
		_, err := r.inquire()
		require.Equal(t, answer.err != nil, err != nil)
		require.Contains(t, r.log.String(), `"level":"ERROR","msg":"`+want+`"`)
		require.Contains(t, r.log.String(), `"code":"30002"`)
		requireNone(t, r.log.String(), to, to[1:])
	}
}
