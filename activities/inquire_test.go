package activities_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

// asked lets the rig's first account answer inquiries. It returns the inquiries that arrive.
func (r *rig) asked(found *backstop.Found, err error) *[]backstop.Inquiry {
	r.t.Helper()
	var asked []backstop.Inquiry
	r.finds("first", func(q backstop.Inquiry) (*backstop.Found, error) {
		asked = append(asked, q)
		return found, err
	})
	return &asked
}

// finds lets an account answer inquiries.
func (r *rig) finds(account string, find finder) {
	r.accounts.change(account, func(a *activities.Account) { a.Finder = find })
}

// unknownSMS makes an SMS call of unknown end.
func (r *rig) unknownSMS() {
	r.t.Helper()
	r.provider.answers(fails(&backstop.Failure{Kind: backstop.Unknown, Reason: "cut off"}))
	result, err := r.runOn(backstop.SMS)
	r.requireVerdict(activities.Unknown, result, err)
}

func (r *rig) inquire() (backstop.View, error) {
	r.t.Helper()
	value, err := r.environment().ExecuteActivity(r.acts.Inquire, r.send.ID)
	if err != nil {
		return backstop.View{}, err
	}
	var view backstop.View
	return view, value.Get(&view)
}

// Inquire asks the provider about a call of unknown end, and stores the answer.
func TestActivities_Inquire(t *testing.T) {
	t.Parallel()
	undelivered := &backstop.Failure{Kind: backstop.Rejected, Class: backstop.RecipientFault, Code: "30003"}
	for name, tc := range map[string]struct {
		found   *backstop.Found
		state   backstop.AttemptState
		status  backstop.Status
		outcome backstop.Outcome
	}{
		"the provider holds it": {
			found: &backstop.Found{MessageID: "SM1", Status: backstop.Submitted, Segments: 2},
			state: backstop.Accepted, status: backstop.Submitted,
		},
		"sent": {
			found: &backstop.Found{MessageID: "SM1", Status: backstop.Sent}, state: backstop.Accepted, status: backstop.Sent,
		},
		"delivered": {
			found: &backstop.Found{MessageID: "SM1", Status: backstop.Delivered},
			state: backstop.Accepted, status: backstop.Delivered, outcome: backstop.OutcomeSMS,
		},
		"failed": {
			found: &backstop.Found{MessageID: "SM1", Status: backstop.Failed, Failure: undelivered},
			state: backstop.Accepted, status: backstop.Failed, outcome: backstop.OutcomeFailed,
		},
		"none": {state: "unknown", status: backstop.Queued},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			asked := r.asked(tc.found, nil)
			r.unknownSMS()
			view, err := r.inquire()
			require.NoError(t, err)
			require.Equal(t, r.ledger().View(), view)
			require.Equal(t, tc.status, view.SMS)
			require.Equal(t, tc.outcome, view.Outcome)
			attempt := r.attempt(backstop.SMS)
			require.Equal(t, tc.state, attempt.State)
			if tc.found != nil {
				require.Equal(t, "SM1", attempt.MessageID)
				require.Equal(t, tc.found.Failure, attempt.Refusal)
				require.Equal(t, tc.found.Segments, attempt.Segments)
			}
			require.Equal(t, []backstop.Inquiry{{
				Ref: attempt.Ref, To: to, SendID: "Acme", Text: smsText,
				Since: attempt.StartedAt.Add(-2 * time.Minute), Until: attempt.StartedAt.Add(activities.CallTimeout + 2*time.Minute),
			}}, *asked)
			require.Equal(t, 1, r.provider.calls())
		})
	}
}

// A WhatsApp account that answers inquiries is asked about the WhatsApp message, which has another text than the SMS.
func TestActivities_Inquire_whatsApp(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var asked []backstop.Inquiry
	r.finds(number, func(q backstop.Inquiry) (*backstop.Found, error) {
		asked = append(asked, q)
		return &backstop.Found{MessageID: "wamid.1", Status: backstop.Sent}, nil
	})
	r.provider.answers(fails(&backstop.Failure{Kind: backstop.Unknown}))
	result, err := r.runOn(backstop.WhatsApp)
	r.requireVerdict(activities.Unknown, result, err)
	view, err := r.inquire()
	require.NoError(t, err)
	require.Equal(t, backstop.Sent, view.WhatsApp)
	require.Equal(t, "wamid.1", r.attempt(backstop.WhatsApp).MessageID)
	require.Len(t, asked, 1)
	require.Equal(t, text, asked[0].Text)
}

// If the receipt of a message is missing, Inquire asks by the message id. The workflow decides about the next rule.
func TestActivities_Inquire_receiptMissing(t *testing.T) {
	t.Parallel()
	r := newRig(t, withRules(newRule("first", backstop.Undelivered), newRule("second", backstop.Undelivered)))
	asked := r.asked(&backstop.Found{MessageID: "SM1", Status: backstop.Failed}, nil)
	r.provider.answers(func(context.Context, backstop.Ref) (backstop.Submission, error) {
		return backstop.Submission{MessageID: "SM1"}, nil
	})
	result, err := r.runOn(backstop.SMS)
	r.requireVerdict(activities.Accepted, result, err)
	view, err := r.inquire()
	require.NoError(t, err)
	require.Equal(t, backstop.Failed, view.SMS)
	require.Empty(t, view.Outcome)
	require.Len(t, *asked, 1)
	require.Equal(t, "SM1", (*asked)[0].MessageID)

	_, err = r.inquire()
	require.NoError(t, err)
	require.Len(t, *asked, 1, "its end is known")
}

// Inquire is retried if the provider is away or throttles, and not after other errors. The provider's text does not reach the
// engine.
func TestActivities_Inquire_unanswered(t *testing.T) {
	t.Parallel()
	for kind, err := range map[backstop.FailureKind]error{
		backstop.Unavailable: &backstop.Failure{Kind: backstop.Unavailable, Code: "503", Reason: "of " + to},
		backstop.Throttled:   throttled,
		backstop.Unknown:     &backstop.Failure{Kind: backstop.Unknown, Reason: "several messages to " + to},
		backstop.Rejected:    &backstop.Failure{Kind: backstop.Rejected, Class: backstop.AccountFault, Code: "20003"},
	} {
		for _, err := range []error{err, fmt.Errorf("ask: %w", err)} {
			r := newRig(t)
			r.asked(nil, err)
			r.unknownSMS()
			before := r.ledger()
			after := time.Duration(0)
			if kind == backstop.Throttled {
				after = throttled.RetryAfter
			}
			_, err := r.inquire()
			requireUnanswered(t, kind, after, err)
			requireNone(t, err.Error(), to)
			require.Equal(t, before, r.ledger())
		}
	}
}

// Inquire skips a message that belongs to another attempt with the same text and number.
func TestActivities_Inquire_ofAnother(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.asked(&backstop.Found{MessageID: "SM1", Status: backstop.Delivered}, nil)
	r.unknownSMS()
	r.store.owner = backstop.Ref{Send: "another", Step: 3}
	view, err := r.inquire()
	require.NoError(t, err)
	require.Equal(t, backstop.Queued, view.SMS)
	require.Equal(t, backstop.StateUnknown, r.attempt(backstop.SMS).State)

	r.store.owner = r.attempt(backstop.SMS).Ref
	view, err = r.inquire()
	require.NoError(t, err)
	require.Equal(t, backstop.Delivered, view.SMS)
}

// A call and its resend both have an unknown end, and the provider has one message. The first attempt gets the message.
func TestActivities_Inquire_resend(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	asked := r.asked(&backstop.Found{MessageID: "SM1", Status: backstop.Sent}, nil)
	r.unknownSMS()
	r.provider.answers(fails(&backstop.Failure{Kind: backstop.Unknown}))
	resend := r.fallback(0)
	resend.Resend = true
	result, err := r.run(r.acts.SendSMS, resend)
	r.requireVerdict(activities.Unknown, result, err)
	_, err = r.inquire()
	require.NoError(t, err)
	require.Len(t, *asked, 2)
	l := r.ledger()
	require.Equal(t, "SM1", l.Attempt(backstop.SMSStep(0, 0, false)).MessageID)
	require.Empty(t, l.Attempt(backstop.SMSStep(0, 0, true)).MessageID)
}

// The inquiry about one message fails. The answer about another is stored. Inquire returns no error only if that answer ends
// the send.
func TestActivities_Inquire_resend_unanswered(t *testing.T) {
	t.Parallel()
	for status, ended := range map[backstop.Status]bool{backstop.Delivered: true, backstop.Sent: false} {
		r := newRig(t)
		r.finds("first", func(q backstop.Inquiry) (*backstop.Found, error) {
			if q.Ref.Step == backstop.SMSStep(0, 0, false) {
				return nil, &backstop.Failure{Kind: backstop.Unknown, Reason: "several messages"}
			}
			return &backstop.Found{MessageID: "SM2", Status: status}, nil
		})
		r.unknownSMS()
		r.provider.answers(fails(&backstop.Failure{Kind: backstop.Unknown}))
		resend := r.fallback(0)
		resend.Resend = true
		_, err := r.run(r.acts.SendSMS, resend)
		require.NoError(t, err)
		view, err := r.inquire()
		require.Equal(t, status, r.ledger().Send.Status.SMS)
		if ended {
			require.NoError(t, err)
			require.Equal(t, backstop.OutcomeSMS, view.Outcome)
			continue
		}
		requireUnanswered(t, backstop.Unknown, 0, err)
	}
}

// requireUnanswered asserts the error of a failed inquiry. It is retried only if the provider is away or throttles.
func requireUnanswered(t *testing.T, kind backstop.FailureKind, after time.Duration, err error) {
	t.Helper()
	if kind == backstop.Throttled || kind == backstop.Unavailable {
		requireRetry(t, string(kind), after, err)
		return
	}
	failed, ok := errors.AsType[*temporal.ApplicationError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, string(kind), failed.Type())
	require.True(t, failed.NonRetryable())
}

// Inquire skips calls that are under way, and providers without inquiry.
func TestActivities_Inquire_nothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	asked := r.asked(&backstop.Found{MessageID: "SM1", Status: backstop.Delivered}, nil)
	r.otherBegins(backstop.SMS)
	view, err := r.inquire()
	require.NoError(t, err)
	require.Equal(t, r.ledger().View(), view)
	require.Empty(t, *asked)

	r = newRig(t)
	r.provider.answers(fails(&backstop.Failure{Kind: backstop.Unknown}))
	_, err = r.runOn(backstop.WhatsApp)
	require.NoError(t, err)
	r.unknownSMS()
	view, err = r.inquire()
	require.NoError(t, err)
	require.Equal(t, r.ledger().View(), view)
}

// Two accounts share a driver. Inquire asks the account that made the call, because the other does not have the message.
func TestActivities_Inquire_route(t *testing.T) {
	t.Parallel()
	r := newRig(t, withRules(newRule("unread", backstop.Unread, "second")))
	asked := r.asked(nil, nil)
	r.accounts.change("second", func(a *activities.Account) { a.Provider = "scripted" })
	r.finds("second", func(backstop.Inquiry) (*backstop.Found, error) {
		return &backstop.Found{MessageID: "SM1", Status: backstop.Sent}, nil
	})
	r.unknownSMS()
	view, err := r.inquire()
	require.NoError(t, err)
	require.Equal(t, backstop.Sent, view.SMS)
	require.Empty(t, *asked)

	r.accounts.remove("second") // the account is not configured any more
	_, err = r.inquire()
	require.NoError(t, err)
	require.Empty(t, *asked)

	r.accounts.change("second", func(a *activities.Account) { // another account has its name
		a.Name, a.Provider, a.Finder = "second", "other", finder(func(backstop.Inquiry) (*backstop.Found, error) {
			t.Error("it does not have the message")
			return nil, down
		})
	})
	_, err = r.inquire()
	require.NoError(t, err)
}

// The store waits for the receipt of the last SMS. If the inquiry fails, Inquire returns an error, so the sweeper retries it
// before the send ends.
func TestActivities_Inquire_detached(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.asked(nil, down)
	result, err := r.runOn(backstop.SMS)
	r.requireVerdict(activities.Accepted, result, err)
	require.Equal(t, backstop.OutcomePending, result.View.Outcome)
	_, err = r.inquire()
	require.Error(t, err)
}

// TestActivities_Inquire_unreadable: a message whose text cannot be read is not searched by it. It is found by its id, if it has one.
func TestActivities_Inquire_unreadable(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.unknownSMS()
	asked := r.asked(nil, nil)
	r.store.unreadable = `key "k1" is missing`
	_, err := r.inquire()
	require.NoError(t, err)
	require.Empty(t, *asked)
	r.store.unreadable = ""
	_, err = r.inquire()
	require.NoError(t, err)
	require.Len(t, *asked, 1)
}
