package backstop_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// TestLedger_Begin_otherProvider: a call of unknown end is repeated only by the provider that knows its reference. An account may
// have got another provider, or other settings, since.
func TestLedger_Begin_otherProvider(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*backstop.Candidate){
		"another provider":               func(c *backstop.Candidate) { c.Provider = "p-other" },
		"another one that refuses too":   func(c *backstop.Candidate) { c.Provider, c.RefusesRepeats = "p-other", true },
		"the account refuses no repeats": func(c *backstop.Candidate) { c.RefusesRepeats = false },
	} {
		for _, channel := range []backstop.Channel{backstop.WhatsApp, backstop.SMS} {
			t.Run(name+", "+string(channel), func(t *testing.T) {
				t.Parallel()
				d, c := newDesk(t, routed("a")), byRoutes()
				if channel == backstop.SMS {
					d = failedDesk(t, routed("a"))
				}
				c.Channel, d.l.Send.Plan.Account, c.Candidates[0].RefusesRepeats = channel, "a", true
				d.goesTo("a", c, errUnknown)
				d.goesTo("a", c, errUnknown) // the same account repeats it
				change(&c.Candidates[0])
				r := d.begin(c)
				require.Equal(t, backstop.MadeAlready, r.Answer)
				require.Equal(t, backstop.StateUnknown, r.Attempt.State)
				require.False(t, r.Attempt.MayRepeat(), "the caller does not retry")
				require.Len(t, d.l.Attempts, len(d.steps()))
				held := resend(c)
				held.Candidates[0].HoldsUnknown = true
				require.Equal(t, backstop.AlreadyOut, d.begin(held).Answer)
				held.Candidates[0].HoldsUnknown = false
				require.Equal(t, backstop.MayCall, d.begin(held).Answer, "the account resends what is unknown")
			})
		}
	}
	t.Run("the account cannot be opened for a while", func(t *testing.T) {
		t.Parallel()
		for _, broken := range []backstop.Candidate{{Account: "a"}, {Account: "a", Provider: "p-a", IsUnhealthy: true}} {
			d, c := failedDesk(t, routed("a")), byRoutes()
			c.Candidates[0].RefusesRepeats = true
			d.goesTo("a", c, errUnknown)
			well := c.Candidates
			c.Candidates = []backstop.Candidate{broken}
			r := d.begin(c)
			if r.Answer == backstop.MayCall {
				_, err := d.l.End(backstop.Ending{Step: r.Attempt.Ref.Step, Token: r.Attempt.Token, Failure: unavailable}, d.tick())
				require.NoError(t, err)
			}
			c.Candidates = well
			d.goesTo("a", c, nil)
		}
	})
}
