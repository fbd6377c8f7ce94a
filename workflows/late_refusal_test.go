package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// TestSend_lateRefusal: the process of a call counts as dead, and then stores that the account refused for a reason of its own. The
// next account of the rule sends.
func TestSend_lateRefusal(t *testing.T) {
	t.Parallel()
	for name, isSignalled := range map[string]bool{"signalled": true, "found by the next look": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, rule("ud", backstop.Undelivered, time.Minute, first, second))
			w.answers(backstop.WhatsApp, failure(backstop.Rejected, backstop.RecipientFault))
			w.down[first] = failure(backstop.Unknown, "")
			w.after(10*time.Second, func() {
				a := w.ledger().Attempts[1]
				_, view, err := w.End(t.Context(), sendID, backstop.Ending{
					Step: a.Ref.Step, Token: a.Token, Failure: &backstop.Failure{Kind: backstop.Rejected, Class: backstop.AccountFault},
				})
				require.NoError(t, err)
				if isSignalled {
					w.signal(view)
				}
			})
			result := w.run(settings)
			require.Equal(t, []string{number, first, second}, w.calledBy)
			require.Equal(t, backstop.Submitted, result.SMS)
			if isSignalled {
				require.Equal(t, []time.Duration{0, 10 * time.Second}, w.smsAfter())
			}
		})
	}
}
