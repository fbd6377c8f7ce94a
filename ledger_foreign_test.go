package backstop_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// TestLedger_Receive_foreign: the references of a send are known to each provider that had a call of it. A receipt of one provider
// changes nothing about the messages of another.
func TestLedger_Receive_foreign(t *testing.T) {
	t.Parallel()
	refused := func(t *testing.T) *desk { // a has refused, b has the message
		t.Helper()
		d := failedDesk(t, routed("a", "b")).goesTo("a", byRoutes(), rejected(backstop.AccountFault)).goesTo("b", byRoutes(), nil)
		return d
	}
	receipt := func(channel backstop.Channel, step int, by string, s backstop.Status) backstop.Receipt {
		r := backstop.Receipt{
			Provider: "p-" + by, Account: by, Channel: channel, MessageID: "forged", Status: s,
			Ref: backstop.Ref{Send: sendID, Step: step},
		}
		if s == failed {
			r.Failure = rejected(backstop.OptedOut)
		}
		return r
	}
	for name, r := range map[string]backstop.Receipt{
		"of the message of another provider":     receipt(backstop.SMS, 103, "a", delivered),
		"its failure":                            receipt(backstop.SMS, 103, "a", failed),
		"of the WhatsApp message, as an SMS":     receipt(backstop.SMS, 1, "a", delivered),
		"of the resend of WhatsApp, as an SMS":   receipt(backstop.SMS, 2, "a", delivered),
		"of the SMS, as WhatsApp":                receipt(backstop.WhatsApp, 103, "b", read),
		"of an SMS never begun, by WhatsApp":     receipt(backstop.WhatsApp, 5, "b", read),
		"of a rule that the plan does not have":  receipt(backstop.SMS, 5, "b", delivered),
		"of a route that the rule does not have": receipt(backstop.SMS, 203, "b", delivered),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := refused(t)
			before := d.l
			require.False(t, d.l.Receive(r, d.tick()))
			require.Equal(t, before.Send, d.l.Send)
			require.Empty(t, d.l.Receipts)
			require.Len(t, d.l.Events, len(before.Events))
		})
	}
	t.Run("of its own provider", func(t *testing.T) {
		t.Parallel()
		d := refused(t)
		d.l.Receive(receipt(backstop.SMS, 103, "b", delivered), d.tick())
		d.ended(backstop.OutcomeSMS)
	})
	t.Run("of an account that got another name", func(t *testing.T) {
		t.Parallel()
		d, r := refused(t), receipt(backstop.SMS, 103, "b", delivered)
		r.Account = "renamed"
		d.l.Receive(r, d.tick())
		d.ended(backstop.OutcomeSMS)
	})
}
