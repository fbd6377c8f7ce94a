package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

// sendAtBody is a valid send with times, which begin with a name.
func sendAtBody(policy, times string) string {
	return strings.Replace(sendBody(policy), `"to"`, times+`,"to"`, 1)
}

func TestSends_scheduled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	at, deadline := now.Add(20*time.Hour), now.Add(20*time.Hour+5*time.Minute)
	body := sendAtBody(policy.ID, `"send_at":"2031-05-05T10:00:00+02:00"`)

	var preview api.SendPreview
	r.call(t, "POST", "/v1/sends/preview", body).into(200, &preview)
	require.Equal(t, at, *preview.SendAt)
	require.Equal(t, deadline, *preview.Plan.Rules[0].Deadline)

	var accepted api.SendAccepted
	r.call(t, "POST", "/v1/sends", body).into(202, &accepted)
	require.Equal(t, now, accepted.AcceptedAt)
	require.Equal(t, at, *accepted.SendAt)
	var send api.Send
	r.call(t, "GET", "/v1/sends/"+accepted.ID, "").into(200, &send)
	require.Equal(t, at, *send.SendAt)
	require.Nil(t, send.StartedAt)
	require.Equal(t, deadline, *send.Plan.Rules[0].Deadline)
	require.Equal(t, deadline, *send.NextDeadline)

	started := at.Add(time.Minute)
	r.sends[0].StartedAt = &started
	r.call(t, "GET", "/v1/sends/"+accepted.ID, "").into(200, &send)
	require.Equal(t, started, *send.StartedAt)
	require.Equal(t, started.Add(5*time.Minute), *send.Plan.Rules[0].Deadline)
	var list api.SendList
	r.call(t, "GET", "/v1/sends?scheduled=true", "").into(200, &list)
	require.True(t, *r.filter.Scheduled)
	require.Equal(t, at, *list.Items[0].SendAt)
	require.Equal(t, started, *list.Items[0].StartedAt)
}

// A time that is past by up to an hour means at once.
func TestSends_scheduled_past(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	for _, at := range []string{"2031-05-04T12:00:00Z", "2031-05-04T13:00:00+02:00"} {
		var accepted api.SendAccepted
		r.call(t, "POST", "/v1/sends", sendAtBody(policy.ID, `"send_at":"`+at+`"`)).into(202, &accepted)
		require.Nil(t, accepted.SendAt)
	}
	for _, send := range r.sends {
		require.False(t, send.IsScheduled())
		require.Equal(t, now, send.Origin())
	}
}

func TestSends_scheduled_refused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	for times, want := range map[string]string{
		`"send_at":"2031-05-04T10:59:59Z"`:                                     `{"field":"send_at","code":"hours_past_max","reason":"must be at most 1 hour in the past","params":{"max":"1"}}`,
		`"send_at":"2031-10-31T12:00:01Z"`:                                     `{"field":"send_at","code":"days_ahead_max","reason":"must be at most 180 days ahead","params":{"max":"180"}}`,
		`"send_at":"2031-05-05T12:00:00Z","expires_at":"2031-05-05T12:00:00Z"`: `{"field":"expires_at","code":"after_other","reason":"must be after send_at","params":{"other":"send_at"}}`,
	} {
		for _, path := range []string{"/v1/sends", "/v1/sends/preview"} {
			got := r.call(t, "POST", path, sendAtBody(policy.ID, times))
			require.Equal(t, 422, got.Code, times)
			require.JSONEq(t, "["+want+"]", got.errors(), times)
		}
	}
	for _, at := range []string{`"2031-05-05T12:00:00"`, `"2031-05-05"`, `"tomorrow"`, `1935748800`, `null`, `"2031-03-30T02:30:00 Europe/Berlin"`} {
		r.call(t, "POST", "/v1/sends", sendAtBody(policy.ID, `"send_at":`+at)).problem(400, "malformed", "send_at")
	}
	require.Empty(t, r.sends)
}

// The warning compares expires_at with the deadline, which counts from send_at.
func TestSends_scheduled_warning(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	codes := func(expires string) (codes []api.WarningCode) {
		var preview api.SendPreview
		times := `"send_at":"2031-05-05T12:00:00Z","expires_at":"` + expires + `"`
		r.call(t, "POST", "/v1/sends/preview", sendAtBody(policy.ID, times)).into(200, &preview)
		for _, w := range *preview.Warnings {
			codes = append(codes, w.Code)
		}
		return codes
	}
	require.Contains(t, codes("2031-05-05T12:05:00Z"), api.WarningCodeExpiresBeforeWait)
	require.NotContains(t, codes("2031-05-05T12:05:01Z"), api.WarningCodeExpiresBeforeWait)
}

// A repeated send starts at once, and has as much time as the first one had from its start.
func TestSends_Repeat_scheduled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	times := `"send_at":"2031-05-05T12:00:00Z","expires_at":"2031-05-05T12:20:00Z"`
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", sendAtBody(policy.ID, times)).Code)
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends/"+r.sends[0].ID+"/repeat", "").Code)
	require.Nil(t, r.sends[1].SendAt)
	require.Equal(t, now.Add(20*time.Minute), *r.sends[1].ExpiresAt)
}

// A repeated request gets the answer of the first one, also when its send_at is long past.
func TestSends_scheduled_repeatedKey(t *testing.T) {
	t.Parallel()
	clock := now
	r := newRig(t, func(o *api.Options) { o.Now = func() time.Time { return clock } })
	_, policy := r.seed(t)
	body := sendAtBody(policy.ID, `"send_at":"2031-05-04T12:10:00Z"`)
	first := r.call(t, "POST", "/v1/sends", body, "Idempotency-Key", "a")
	require.Equal(t, 202, first.Code)
	clock = now.Add(48 * time.Hour)
	again := r.call(t, "POST", "/v1/sends", body, "Idempotency-Key", "a")
	require.JSONEq(t, first.Body.String(), again.Body.String())
	r.call(t, "POST", "/v1/sends", body, "Idempotency-Key", "b").problem(422, "invalid", "send_at")
	require.Equal(t, []bool{true}, []bool{r.sends[0].IsScheduled()})
}

func TestSends_Export_scheduled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.sends = []backstop.Send{exported(0)}
	r.sends[0].SendAt, r.sends[0].StartedAt = new(now.Add(time.Hour)), new(now.Add(2*time.Hour))
	_, _, file, err := r.export(t, "scheduled=false")
	require.NoError(t, err)
	require.False(t, *r.filter.Scheduled)
	lines := strings.Split(file, "\r\n")
	require.True(t, strings.HasSuffix(lines[0], ",send_at,started_at"))
	require.True(t, strings.HasSuffix(lines[1], ",2031-05-04T13:00:00Z,2031-05-04T14:00:00Z"), lines[1])
}
