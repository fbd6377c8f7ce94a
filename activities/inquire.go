package activities

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/backstophq/backstop"
)

// inquirySlack is how far a provider's clock may be from ours, for the search of a message by the time of its call.
const inquirySlack = 2 * time.Minute

// Inquire asks the providers what became of those messages of a send that may still arrive: after a call of unknown end, and
// when receipts are missing. It returns what is known then. If a provider did not answer about one of them it returns an error,
// unless the answers about the others have ended the send.
func (a *Activities) Inquire(ctx context.Context, send string) (backstop.View, error) {
	l, err := a.store.Ledger(ctx, send)
	if err != nil {
		return backstop.View{}, permanent(fmt.Errorf("read ledger: %w", err))
	}
	view := l.View()
	var unanswered error
	for _, attempt := range l.Attempts {
		v, err := a.inquire(ctx, l, attempt)
		switch {
		case err != nil:
			unanswered = err
		case v.Revision > view.Revision:
			view = v
		}
	}
	if unanswered != nil && view.Outcome == "" {
		return backstop.View{}, unanswered
	}
	return view, nil
}

// inquire asks about one message, if it may still arrive and its provider can be asked, and stores what is said.
func (a *Activities) inquire(ctx context.Context, l *backstop.Ledger, attempt backstop.Attempt) (backstop.View, error) {
	finder := a.finder(l.Send.Plan, attempt)
	if finder == nil || !attempt.MayArrive() || attempt.State == backstop.Calling {
		return l.View(), nil
	}
	found, err := finder.Find(ctx, backstop.Inquiry{
		Ref: attempt.Ref, MessageID: attempt.MessageID, To: l.Send.To, SendID: attempt.SendID, Text: l.Send.SMSText,
		Since: attempt.StartedAt.Add(-inquirySlack), Until: attempt.StartedAt.Add(CallTimeout + inquirySlack),
	})
	if err != nil {
		f := failureOf(backstop.Submission{}, err)
		return backstop.View{}, retryable(string(f.Kind), f.Code, f.RetryAfter)
	}
	if found == nil {
		return l.View(), nil
	}
	owner, isTaken, err := a.store.Owner(ctx, attempt.Channel, attempt.Provider, found.MessageID)
	if err != nil || isTaken && owner != attempt.Ref { // the same text to the same number, of another send
		return l.View(), err
	}
	return a.learn(ctx, attempt, *found)
}

// learn stores what a provider said of a message.
func (a *Activities) learn(ctx context.Context, attempt backstop.Attempt, found backstop.Found) (backstop.View, error) {
	_, view, err := a.store.End(ctx, attempt.Ref.Send, backstop.Ending{
		Step: attempt.Ref.Step, Token: attempt.Token,
		Submission: backstop.Submission{MessageID: found.MessageID, Segments: found.Segments},
	})
	if err != nil || found.Status == backstop.Submitted {
		return view, permanent(err)
	}
	view, err = a.store.Learn(ctx, backstop.Receipt{
		Provider: attempt.Provider, Channel: attempt.Channel, MessageID: found.MessageID, Ref: attempt.Ref,
		Status: found.Status, At: a.store.Now(), Failure: found.Failure,
	})
	return view, permanent(err)
}

// finder returns the account that made the calls of an attempt, or nil if it cannot be asked. Another account of the same
// driver does not have the message.
func (a *Activities) finder(plan backstop.Plan, attempt backstop.Attempt) Finder {
	rule := slices.IndexFunc(plan.Rules, func(r backstop.Rule) bool { return r.Name == attempt.Rule })
	if attempt.Channel != backstop.SMS || rule < 0 {
		return nil
	}
	driver := a.route(plan.Rules[rule].Route).SMS
	finder, ok := driver.(Finder)
	if !ok || driver.Name() != attempt.Provider {
		return nil
	}
	return finder
}
