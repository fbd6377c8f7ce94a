package api

import (
	"context"
	"fmt"
	"time"

	"github.com/backstophq/backstop"
)

// resolveTemplate sets what the plan keeps of the send's template, and then what it keeps of an exclusive send. The sandbox takes
// any template, and lists only some.
func (s *server) resolveTemplate(ctx context.Context, send backstop.Send) (backstop.Send, error) {
	if send.Template != nil {
		known, err := s.named.get(ctx, send.Plan.Account, send.Template.Name)
		if err != nil {
			return backstop.Send{}, err
		}
		send.Plan.Template, err = send.ResolveTemplate(known)
		if err != nil && !send.IsTest {
			return backstop.Send{}, err
		}
	}
	return send.ResolveExclusive(s.exclusiveGrace)
}

// showExclusivity shows whether the WhatsApp message of a plan may arrive after its SMS.
func showExclusivity(p backstop.Plan) Exclusivity {
	e := p.Exclusivity()
	return Exclusivity{
		Level: ExclusivityLevel(e.Reason.Level()), Reason: ExclusivityReason(e.Reason), Detail: describeExclusivity(e),
		Rule: omitZero(e.Rule.Name), WaitSeconds: omitZero(e.Rule.WaitSeconds),
		WhatsappSeconds: omitZero(int(e.TTL / time.Second)), GraceSeconds: omitZero(int(e.Grace / time.Second)),
	}
}

// describeExclusivity returns the reason as a sentence.
func describeExclusivity(e backstop.Exclusivity) string {
	name, wait, live := e.Rule.Name, describe(e.Rule.Wait()), describe(e.TTL)
	switch e.Reason {
	case backstop.ExclusiveUnread:
		return fmt.Sprintf("rule %q is of type unread: its SMS follows a delivered message", name)
	case backstop.ExclusiveNoTTL:
		return fmt.Sprintf("rule %q waits %s, and WhatsApp may deliver this message for up to 30 days", name, wait)
	case backstop.ExclusiveTooShort:
		return fmt.Sprintf("rule %q waits %s, and WhatsApp tries for up to %s", name, wait, live)
	case backstop.ExclusiveGuess:
		return fmt.Sprintf("the template sets no time-to-live: it counts as %s, "+
			"but it is 30 days if the template was made before 2024-10-23", live)
	case backstop.ExclusiveUnheld:
		return "the rules allow it, but the send is not exclusive: no SMS is held back for a receipt that is on its way, " +
			"or if WhatsApp was called late"
	case backstop.ExclusiveDropped:
		return fmt.Sprintf("WhatsApp drops the message after %s, and the SMS is held until %s later", live, describe(e.Grace))
	case backstop.ExclusiveFailure:
		return "only a failure that the provider reports leads to an SMS"
	case backstop.ExclusiveUnsent:
		return "the message is not sent by WhatsApp"
	default:
		return ""
	}
}

// duplicateShare returns the part of the fallbacks of which both messages arrived, or nil if there are none.
func duplicateShare(c backstop.Counts) *float64 {
	if c.Fallbacks == 0 {
		return nil
	}
	return new(float64(c.Duplicates) / float64(c.Fallbacks))
}
