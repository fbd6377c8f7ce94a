package backstop_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

func TestLedger_NextRule(t *testing.T) {
	t.Parallel()
	const none = -1
	minute, hour := rule(backstop.Undelivered, time.Minute), rule(backstop.Unread, time.Hour)
	both, noWait := []backstop.Rule{hour, minute}, rule(backstop.SendFailed, 0)
	out := func(d *desk) { d.call(whatsApp(), nil) }
	fellBack := func(d *desk) { out(d); d.at(time.Minute).call(smsOf(1), nil) }
	tests := map[string]struct {
		rules   []backstop.Rule
		history func(*desk)
		rule    int
		after   time.Duration // of acceptance; 0: now
	}{
		"the shortest wait":              {both, out, 1, time.Minute},
		"at a tie the first":             {[]backstop.Rule{minute, minute}, out, 0, time.Minute},
		"while WhatsApp is called":       {both, func(d *desk) { d.begin(whatsApp()) }, 1, time.Minute},
		"not a satisfied rule":           {both, func(d *desk) { out(d); d.receive(whatsApp(), delivered) }, 0, time.Hour},
		"none: all are satisfied":        {both, func(d *desk) { out(d); d.receive(whatsApp(), read) }, none, 0},
		"none: it has no wait":           {[]backstop.Rule{noWait}, out, none, 0},
		"due, its wait has ended":        {both, func(d *desk) { out(d); d.at(2 * time.Minute) }, 1, 0},
		"after a failure the first, now": {[]backstop.Rule{noWait, minute}, func(d *desk) { d.call(whatsApp(), rejected("")) }, 0, 0},
		"none: an SMS is called":         {both, func(d *desk) { out(d); d.at(time.Minute).begin(smsOf(1)) }, none, 0},
		"none: an SMS is retried":        {both, func(d *desk) { out(d); d.at(time.Minute).call(smsOf(1), kind(backstop.Throttled)) }, none, 0},
		"none: an SMS may arrive":        {both, fellBack, none, 0},
		"an SMS failed":                  {both, func(d *desk) { fellBack(d); d.receive(smsOf(1), failed) }, 0, time.Hour},
		"none: an SMS arrived":           {both, func(d *desk) { fellBack(d); d.receive(smsOf(1), delivered) }, none, 0},
		"it expires later":               {both, func(d *desk) { out(d); d.expires(time.Minute + 1) }, 1, time.Minute},
		"none: it expires by then":       {both, func(d *desk) { out(d); d.expires(time.Minute) }, none, 0},
		"none: an operator ended it":     {both, func(d *desk) { out(d); d.l.Finish(false, d.tick()) }, none, 0},
		"none: the recipient opted out":  {both, func(d *desk) { out(d); d.optOut(whatsApp()) }, none, 0},
		"none: opted out during a call":  {both, func(d *desk) { d.begin(whatsApp()); d.optOut(whatsApp()) }, none, 0},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, tc.rules...)
			tc.history(d)
			rule, at, found := d.l.NextRule(d.now)
			require.Equal(t, tc.rule != none, found)
			if !found {
				return
			}
			require.Equal(t, tc.rule, rule)
			want := d.now
			if tc.after > 0 {
				want = origin.Add(tc.after)
			}
			require.Equal(t, want, at)
		})
	}
}
