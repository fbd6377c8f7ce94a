package activities

import (
	"context"
	"time"

	"github.com/backstophq/backstop"
)

// Step tells an activity what it is to send. A WhatsApp message needs no more than the reference.
type Step struct {
	Ref    backstop.Ref    `json:"ref"`
	Rule   string          `json:"rule,omitempty"` // that fired
	Reason string          `json:"reason,omitempty"`
	SendID string          `json:"send_id,omitempty"`
	Route  string          `json:"route,omitempty"`  // empty: the default one
	Unless backstop.Status `json:"unless,omitempty"` // no SMS if WhatsApp has reached this after all

	// FallbackReason is why the first rule fired, also for the SMS of a later one.
	FallbackReason backstop.FallbackReason `json:"fallback_reason,omitempty"`

	// ReceiptWait is set when no SMS can follow this one. Then the workflow need not wait for its receipt: if the provider
	// accepts it, the store waits so long.
	ReceiptWait time.Duration `json:"receipt_wait,omitempty"`

	// Linger is how long the activity may take if it waits for the message's receipts; 0: it does not wait. A receipt that
	// comes meanwhile saves the engine a signal and a workflow task.
	Linger time.Duration `json:"linger,omitempty"`

	// Ended is how the first try's call ended, if that could not be stored.
	Ended *backstop.Attempt `json:"ended,omitempty"`
}

// SendWhatsApp submits a send to WhatsApp, unless it has expired meanwhile.
func (a *Activities) SendWhatsApp(ctx context.Context, step Step) (Result, error) {
	attempt := backstop.Attempt{Ref: step.Ref, Channel: backstop.WhatsApp, Provider: a.whatsapp.Name()}
	unexpired := func(s backstop.Send) Verdict {
		if a.expired(s) {
			return Expired
		}
		return ""
	}
	return a.call(ctx, step, attempt, unexpired, func(ctx context.Context, s backstop.Send) (backstop.Submission, error) {
		return a.whatsapp.SendWhatsApp(ctx, backstop.WhatsAppMessage{Ref: step.Ref, To: s.To, Text: s.Text, Template: s.Template})
	})
}

func (a *Activities) expired(s backstop.Send) bool {
	return s.ExpiresAt != nil && !a.now().Before(*s.ExpiresAt)
}

// SendSMS submits a send to SMS by the step's route, unless a last look shows that it has arrived by WhatsApp or has expired.
func (a *Activities) SendSMS(ctx context.Context, step Step) (Result, error) {
	driver := a.route(step.Route).SMS
	attempt := backstop.Attempt{
		Ref: step.Ref, Channel: backstop.SMS, Provider: driver.Name(),
		Rule: step.Rule, Reason: step.Reason, SendID: step.SendID, FallbackReason: step.FallbackReason,
	}
	lastLook := func(s backstop.Send) Verdict {
		switch {
		case s.WhatsAppStatus.Reached(step.Unless), s.SMSStatus.Reached(backstop.Delivered): // perhaps an earlier SMS, late
			return Averted
		case a.expired(s):
			return Expired
		default:
			return ""
		}
	}
	return a.call(ctx, step, attempt, lastLook, func(ctx context.Context, s backstop.Send) (backstop.Submission, error) {
		return driver.SendSMS(ctx, backstop.SMSMessage{Ref: step.Ref, To: s.To, SendID: step.SendID, Text: s.SMSText})
	})
}
