package activities

import (
	"context"

	"github.com/backstophq/backstop"
)

// SendWhatsApp submits a send to WhatsApp, unless it has expired meanwhile.
func (a *Activities) SendWhatsApp(ctx context.Context, ref backstop.Ref) (Result, error) {
	attempt := backstop.Attempt{Ref: ref, Channel: backstop.WhatsApp, Provider: a.whatsapp.Name()}
	unexpired := func(s backstop.Send) Verdict {
		if a.expired(s) {
			return Expired
		}
		return ""
	}
	return a.call(ctx, attempt, unexpired, func(ctx context.Context, s backstop.Send) (backstop.Submission, error) {
		return a.whatsapp.SendWhatsApp(ctx, backstop.WhatsAppMessage{Ref: ref, To: s.To, Text: s.Text, Template: s.Template})
	})
}

func (a *Activities) expired(s backstop.Send) bool {
	return s.ExpiresAt != nil && !a.now().Before(*s.ExpiresAt)
}

// Fallback tells SendSMS which rule fired and what would avert it.
type Fallback struct {
	Ref    backstop.Ref    `json:"ref"`
	Rule   string          `json:"rule"`
	Reason string          `json:"reason"`
	SendID string          `json:"send_id"`
	Unless backstop.Status `json:"unless"` // no SMS if WhatsApp has reached this after all
}

// SendSMS submits a send to SMS, unless a last look shows that it has arrived by WhatsApp or has expired.
func (a *Activities) SendSMS(ctx context.Context, in Fallback) (Result, error) {
	attempt := backstop.Attempt{
		Ref: in.Ref, Channel: backstop.SMS, Provider: a.sms.Name(),
		Rule: in.Rule, Reason: in.Reason, SendID: in.SendID,
	}
	lastLook := func(s backstop.Send) Verdict {
		switch {
		case s.WhatsAppStatus.Reached(in.Unless), s.SMSStatus.Reached(backstop.Delivered): // perhaps an earlier SMS, late
			return Averted
		case a.expired(s):
			return Expired
		default:
			return ""
		}
	}
	return a.call(ctx, attempt, lastLook, func(ctx context.Context, s backstop.Send) (backstop.Submission, error) {
		return a.sms.SendSMS(ctx, backstop.SMSMessage{Ref: in.Ref, To: s.To, SendID: in.SendID, Text: s.SMSText})
	})
}
