package activities

import (
	"context"
	"fmt"
	"time"

	"github.com/backstophq/backstop"
)

// Step is the message that an activity sends.
type Step struct {
	Send      string `json:"send"`
	Rule      int    `json:"rule,omitempty"`       // of an SMS: the index in the plan of the rule that fired
	Resend    bool   `json:"resend,omitempty"`     // the step repeats a call of unknown end
	ByFailure bool   `json:"by_failure,omitempty"` // of an SMS: the WhatsApp message has failed

	// Accounts are the names of the accounts that the call may go to. The ledger picks one of them.
	Accounts []string `json:"accounts"`

	// SMSReceiptWait is how long the store, in place of the workflow, waits for the SMS's receipt if no other SMS can follow.
	SMSReceiptWait time.Duration `json:"receipt_wait,omitempty"`

	// AwaitReceipts is how long the activity may take if it waits for the message's receipts; 0: it does not wait. A receipt that
	// comes meanwhile saves the engine a signal and a workflow task.
	AwaitReceipts time.Duration `json:"linger,omitempty"`

	// Ended is how an earlier run's call ended, if that run could not store it.
	Ended *Ended `json:"ended,omitempty"`
}

// SendWhatsApp submits a send to WhatsApp.
func (a *Activities) SendWhatsApp(ctx context.Context, step Step) (Result, error) {
	submit := func(ctx context.Context, account Account, r backstop.Ruling) (backstop.Submission, error) {
		if account.WhatsApp == nil {
			return backstop.Submission{}, wrongChannel(account.Name)
		}
		return account.WhatsApp.SendWhatsApp(ctx, backstop.WhatsAppMessage{
			Ref: r.Attempt.Ref, To: r.Send.To, Text: r.Send.Text, Template: r.Send.Template,
		})
	}
	return a.makeCall(ctx, step, backstop.Call{Channel: backstop.WhatsApp, Resend: step.Resend}, submit)
}

// SendSMS submits a send as an SMS, by one of the step's accounts.
func (a *Activities) SendSMS(ctx context.Context, step Step) (Result, error) {
	submit := func(ctx context.Context, account Account, r backstop.Ruling) (backstop.Submission, error) {
		if account.SMS == nil {
			return backstop.Submission{}, wrongChannel(account.Name)
		}
		return account.SMS.SendSMS(ctx, backstop.SMSMessage{
			Ref: r.Attempt.Ref, To: r.Send.To, SendID: r.Attempt.SendID, Text: r.Send.SMSText, ValidFor: a.validFor(r.Send),
		})
	}
	return a.makeCall(ctx, step, step.smsCall(), submit)
}

// wrongChannel is the failure of an account that was made anew with another channel.
func wrongChannel(account string) error {
	return &backstop.Failure{
		Kind: backstop.Rejected, Class: backstop.AccountFault, Reason: fmt.Sprintf("account %q is of another channel", account),
	}
}

// GiveUp stores that a step has failed, because its provider accepted no call within the time for retries. The engine retries
// GiveUp while a call may be under way.
func (a *Activities) GiveUp(ctx context.Context, channel backstop.Channel, step Step) (backstop.View, error) {
	c := step.smsCall()
	c.Channel, c.Candidates = channel, a.candidates(a.accountsOf(channel, step))
	if err := a.saveLastEnd(ctx, step); err != nil {
		return backstop.View{}, err
	}
	ruling, view, err := a.store.GiveUp(ctx, step.Send, c)
	if err != nil {
		return backstop.View{}, finalIfNotFound(err)
	}
	if ruling.Answer == backstop.UnderWay {
		return backstop.View{}, retryableError(UnderWay, "a call may still be under way", ruling.Until.Sub(a.store.Now()))
	}
	return view, nil
}

// Finish ends a send. Lapsed is true if its ExpiresAt has passed.
func (a *Activities) Finish(ctx context.Context, send string, lapsed bool) (backstop.View, error) {
	view, err := a.store.Finish(ctx, send, lapsed)
	return view, finalIfNotFound(err)
}

func (s Step) smsCall() backstop.Call {
	return backstop.Call{Channel: backstop.SMS, Rule: s.Rule, Resend: s.Resend, ByFailure: s.ByFailure}
}

// validFor returns the time until a message expires, 1 s at least. It returns 0 if the message never expires.
func (a *Activities) validFor(s backstop.Send) time.Duration {
	if s.ExpiresAt == nil {
		return 0
	}
	return max(s.ExpiresAt.Sub(a.store.Now()), time.Second)
}
