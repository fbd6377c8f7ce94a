package backstop_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// A send whose template cannot be sent makes no WhatsApp call, and its rules fire at once.
func TestLedger_unsendable(t *testing.T) {
	t.Parallel()
	for _, later := range []backstop.Rule{rule(backstop.SendFailed, 0), rule(backstop.Undelivered, time.Hour), rule(backstop.Unread, time.Hour)} {
		d := newDesk(t, later)
		d.l.Send.Plan.Template = &backstop.PlanTemplate{Fault: "template.name is not approved: its status is paused"}
		for range 3 { // the engine repeats activities
			d.answers(backstop.GivenUp, whatsApp())
		}
		require.Equal(t, failed, d.l.Send.Status.WhatsApp)
		require.Empty(t, d.l.Attempts)
		require.Len(t, d.l.Events, 1)
		event := d.l.Events[0]
		require.Equal(t, backstop.EventGaveUp, event.Kind)
		require.Equal(t, backstop.WhatsApp, event.Channel)
		require.Equal(t, &backstop.Failure{
			Kind: backstop.Rejected, Class: backstop.TemplateFault, Reason: d.l.Send.Plan.Template.Fault,
		}, event.Failure)
		require.Nil(t, d.l.Send.FinishedAt, "an SMS follows")

		d.call(byFailure(smsOf(0)), nil)
		require.NotEmpty(t, d.l.Send.FallbackReason)
		d.receive(smsOf(0), delivered)
		require.Equal(t, backstop.OutcomeSMS, d.l.Send.Outcome)
	}
}

func TestLedger_unsendable_expired(t *testing.T) {
	t.Parallel()
	d := newDesk(t, rule(backstop.SendFailed, 0))
	d.l.Send.Plan.Template = &backstop.PlanTemplate{Fault: "paused"}
	d.l.Send.ExpiresAt = new(origin.Add(time.Minute))
	d.at(time.Hour).answers(backstop.SendExpired, whatsApp())
}

// What is known of a template that can be sent changes no call.
func TestLedger_sendableTemplate(t *testing.T) {
	t.Parallel()
	d := newDesk(t, rule(backstop.SendFailed, 0))
	d.l.Send.Plan.Template = &backstop.PlanTemplate{Category: backstop.Marketing, TTLSeconds: 60}
	d.call(whatsApp(), nil)
}
