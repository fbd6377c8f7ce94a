package activities

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/backstophq/backstop"
)

// inquirySlack is how far a provider's clock may be from ours, for the search of a message by the time of its call.
const inquirySlack = 2 * time.Minute

// Inquire asks the providers for the status of the messages of a send that may still arrive. It runs after a call of unknown
// end, and when receipts are missing. It stores the answers and returns the view after them. If one inquiry fails, it returns an
// error, unless the other answers have ended the send.
func (a *Activities) Inquire(ctx context.Context, send string) (backstop.View, error) {
	l, err := a.store.Ledger(ctx, send)
	if err != nil {
		return backstop.View{}, finalIfNotFound(fmt.Errorf("read ledger: %w", err))
	}
	view := l.View()
	var failed error
	for _, attempt := range l.Attempts {
		v, err := a.inquireAttempt(ctx, l, attempt)
		switch {
		case err != nil:
			failed = err
		case v.Revision > view.Revision:
			view = v
		}
	}
	if failed != nil && (view.Outcome == "" || view.Outcome == backstop.OutcomePending) {
		return backstop.View{}, failed
	}
	return view, nil
}

// inquireAttempt asks for the status of one message and stores it. It skips messages that cannot arrive any more, and providers
// without inquiry.
func (a *Activities) inquireAttempt(ctx context.Context, l *backstop.Ledger, attempt backstop.Attempt) (backstop.View, error) {
	finder := a.finderOf(attempt)
	if finder == nil || !attempt.MayArrive() || attempt.State == backstop.Calling {
		return l.View(), nil
	}
	if l.Send.Unreadable != "" && attempt.MessageID == "" { // the message would be found by its text
		return l.View(), nil
	}
	found, err := finder.Find(ctx, backstop.Inquiry{
		Ref: attempt.Ref, MessageID: attempt.MessageID, To: l.Send.To, SendID: attempt.SendID,
		Text:  textOf(l.Send, attempt.Channel),
		Since: attempt.StartedAt.Add(-inquirySlack), Until: attempt.StartedAt.Add(CallTimeout + inquirySlack),
	})
	if err != nil {
		f := backstop.FailureOf(backstop.Submission{}, err)
		if f.Kind == backstop.Rejected { // the others are retried
			a.logFailure(ctx, l.Send.ID, attempt, f)
		}
		return backstop.View{}, inquiryError(f)
	}
	if found == nil {
		return l.View(), nil
	}
	owner, isTaken, err := a.store.Owner(ctx, backstop.Receipt{
		Channel: attempt.Channel, Provider: attempt.Provider, Account: attempt.Account, MessageID: found.MessageID,
	})
	if err != nil || isTaken && owner != attempt.Ref { // it belongs to another send with the same text and recipient
		return l.View(), err
	}
	return a.storeAnswer(ctx, attempt, *found)
}

// textOf returns the text of a send's message on a channel. It is empty if the message is a template.
func textOf(s backstop.Send, channel backstop.Channel) string {
	if channel == backstop.WhatsApp {
		return s.Text
	}
	return s.SMSText
}

// inquiryError is the error of an inquiry that failed. The engine retries it if the provider is down or throttles.
func inquiryError(f *backstop.Failure) error {
	if f.Kind == backstop.Throttled || f.Kind == backstop.Unavailable {
		return retryableError(string(f.Kind), f.Code, f.RetryAfter)
	}
	return temporal.NewNonRetryableApplicationError(f.Code, string(f.Kind), nil)
}

// storeAnswer stores a provider's answer about a message.
func (a *Activities) storeAnswer(ctx context.Context, attempt backstop.Attempt, found backstop.Found) (backstop.View, error) {
	_, view, err := a.store.End(ctx, attempt.Ref.Send, backstop.Ending{
		Step: attempt.Ref.Step, Token: attempt.Token,
		Submission: backstop.Submission{MessageID: found.MessageID, Segments: found.Segments},
	})
	if err != nil || found.Status == backstop.Submitted {
		return view, finalIfNotFound(err)
	}
	if f := found.Failure; f != nil {
		a.log.Log(ctx, levelOf(f), "message failed", "send", attempt.Ref.Send, "provider", attempt.Provider,
			"class", f.Class, "code", f.Code, "reason", f.Reason)
	}
	view, err = a.store.Learn(ctx, backstop.Receipt{
		Provider: attempt.Provider, Account: attempt.Account, Channel: attempt.Channel,
		MessageID: found.MessageID, Ref: attempt.Ref,
		Status: found.Status, At: a.store.Now(), Failure: found.Failure,
	})
	return view, finalIfNotFound(err)
}

// finderOf returns the account that made the calls of an attempt, if its provider answers inquiries; else nil. It is nil too if
// another account has the name now.
func (a *Activities) finderOf(attempt backstop.Attempt) Finder { //nolint:ireturn // of an element of Accounts
	account, found := a.accounts.Account(attempt.Account)
	if !found || account.Provider != attempt.Provider {
		return nil
	}
	return account.Finder
}
