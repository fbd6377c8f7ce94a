package backstop_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

func TestSend_Validate_times(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	at := func(after time.Duration) *time.Time { return new(origin.Add(after)) }
	for name, c := range map[string]struct {
		sendAt, expiresAt *time.Time
		field             string
		code              backstop.FieldCode
		params            map[string]string
	}{
		"no times":                     {},
		"soon":                         {sendAt: at(time.Second)},
		"now":                          {sendAt: at(0)},
		"an hour ago":                  {sendAt: at(-time.Hour)},
		"more than an hour ago":        {sendAt: at(-time.Hour - 1), field: "send_at", code: backstop.FieldHoursPastMax, params: map[string]string{"max": "1"}},
		"years ago":                    {sendAt: new(time.Time{}), field: "send_at", code: backstop.FieldHoursPastMax, params: map[string]string{"max": "1"}},
		"180 days ahead":               {sendAt: at(180 * day)},
		"more than 180 days ahead":     {sendAt: at(180*day + 1), field: "send_at", code: backstop.FieldDaysAheadMax, params: map[string]string{"max": "180"}},
		"in milliseconds, not seconds": {sendAt: new(time.Unix(origin.UnixMilli(), 0)), field: "send_at", code: backstop.FieldDaysAheadMax, params: map[string]string{"max": "180"}},
		"expires after it":             {sendAt: at(day), expiresAt: at(day + time.Microsecond)},
		"expires at it":                {sendAt: at(day), expiresAt: at(day), field: "expires_at", code: backstop.FieldAfterOther, params: map[string]string{"other": "send_at"}},
		"expires 1 ns after it":        {sendAt: at(day), expiresAt: at(day + 1), field: "expires_at", code: backstop.FieldAfterOther, params: map[string]string{"other": "send_at"}},
		"expires before it":            {sendAt: at(day), expiresAt: at(time.Hour), field: "expires_at", code: backstop.FieldAfterOther, params: map[string]string{"other": "send_at"}},
		"expires after 180 days":       {sendAt: at(180 * day), expiresAt: at(500 * day)},
		"has expired":                  {sendAt: at(-time.Minute), expiresAt: at(0), field: "expires_at", code: backstop.FieldMustBeFuture},
	} {
		send := backstop.Send{Text: "hello", SMSText: "hello", SendAt: c.sendAt, ExpiresAt: c.expiresAt}
		err := send.Validate(origin)
		if c.field == "" {
			require.NoError(t, err, name)
			continue
		}
		invalid, ok := errors.AsType[*backstop.Error](err)
		require.True(t, ok, name)
		require.Len(t, invalid.Fields, 1, name)
		require.Equal(t, c.field, invalid.Fields[0].Name, name)
		require.Equal(t, c.code, invalid.Fields[0].Code, name)
		require.Equal(t, c.params, invalid.Fields[0].Params, name)
	}
}

func TestSend_AcceptAt(t *testing.T) {
	t.Parallel()
	send := backstop.Send{SendAt: new(origin.Add(time.Second))}.AcceptAt(origin)
	require.True(t, send.IsScheduled())
	require.Equal(t, origin.Add(time.Second), send.Origin())
	for _, ago := range []time.Duration{-1, 0, time.Minute, time.Hour} { // the store has microseconds
		send := backstop.Send{SendAt: new(origin.Add(-ago))}.AcceptAt(origin)
		require.Nil(t, send.SendAt, "it starts at once")
		require.False(t, send.IsScheduled())
		require.Equal(t, origin, send.Origin())
	}
}

// All deadlines of a scheduled send count from SendAt. If its turn comes later, they count from then.
func TestSend_Origin_scheduled(t *testing.T) {
	t.Parallel()
	d := newDesk(t, rule(backstop.Undelivered, time.Minute))
	d.l.Send.SendAt = new(origin.Add(time.Hour))
	foretold := func() time.Time {
		_, at, found := d.l.NextRule(d.now)
		require.True(t, found)
		return at
	}
	require.Equal(t, origin.Add(time.Hour+time.Minute), foretold())
	require.Equal(t, origin.Add(time.Hour+11*time.Minute), d.l.Send.CheckAt())

	started := origin.Add(2 * time.Hour)
	d.l.Send.StartedAt = &started
	d.at(2 * time.Hour)
	require.False(t, d.l.Send.IsScheduled())
	require.Equal(t, started.Add(time.Minute), foretold())
	d.call(whatsApp(), nil)
	d.at(2*time.Hour+50*time.Second).answers(backstop.TooEarly, smsOf(0))
	d.at(2*time.Hour+time.Minute).call(smsOf(0), nil)
}

// The ledger refuses every call of a scheduled send until its turn comes.
func TestLedger_Begin_scheduled(t *testing.T) {
	t.Parallel()
	d := newDesk(t, rule(backstop.SendFailed, 0), rule(backstop.Undelivered, time.Minute))
	at := origin.Add(time.Hour)
	d.l.Send.SendAt = &at
	for _, call := range []backstop.Call{whatsApp(), byFailure(smsOf(0)), smsOf(1), resend(whatsApp())} {
		for _, now := range []time.Duration{0, 2 * time.Hour} {
			ruling := d.at(now).begin(call)
			require.Equal(t, backstop.TooEarly, ruling.Answer)
			require.Equal(t, at, ruling.Until)
		}
	}
	require.Empty(t, d.l.Attempts)
	require.Empty(t, d.l.Events)
	d.l.Send.StartedAt = new(at.Add(time.Hour))
	d.at(2*time.Hour).call(whatsApp(), nil)
}
