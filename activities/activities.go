// Package activities makes the provider calls of a send, each at most once as far as can be known.
//
// The ledger of the send decides about each call, and stores the call before the provider is called. If the process dies
// during the call, the attempt stays open. The ledger then answers the next run that the message may have gone out.
package activities

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/backstophq/backstop"
)

// Activities are the activities of workflows.Send; a worker registers its exported methods.
type Activities struct {
	store        Store
	accounts     Accounts
	health       Health
	refresh      func(context.Context) error
	log          *slog.Logger
	now          func() time.Time
	trace        TraceCall
	calls        chan struct{} // a semaphore of the calls under way; nil: no limit
	receiptWaits chan struct{} // a semaphore of the activities that wait for receipts
	saving       chan struct{} // a semaphore of the ends of calls that are still to be stored
}

// Options are the options of New. Store, Accounts and Log are required. Now is time.Now by default.
type Options struct {
	Store    Store
	Accounts Accounts
	Health   Health                      // nil: no circuit breakers
	Refresh  func(context.Context) error // reads accounts that were stored a moment ago; nil: Accounts has all
	Log      *slog.Logger
	Now      func() time.Time

	Calls int // provider calls under way at once; 0 is no limit

	Trace TraceCall // nil: no traces
}

// TraceCall starts the span of a provider call, under the traceparent of its send, which may be empty. The context that it
// returns is for the call. End is called once, with the failure of the call or nil.
type TraceCall func(ctx context.Context, traceparent string, a backstop.Attempt) (_ context.Context, end func(*backstop.Failure))

func untraced(ctx context.Context, _ string, _ backstop.Attempt) (context.Context, func(*backstop.Failure)) {
	return ctx, func(*backstop.Failure) {}
}

// New returns the activities, or an error that names a missing or wrong option.
func New(o Options) (*Activities, error) {
	if o.Store == nil || o.Accounts == nil || o.Log == nil {
		return nil, errors.New("new activities: Store, Accounts and Log are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Health == nil {
		o.Health = healthy{}
	}
	if o.Refresh == nil {
		o.Refresh = func(context.Context) error { return nil }
	}
	if o.Trace == nil {
		o.Trace = untraced
	}
	a := &Activities{
		store: o.Store, accounts: o.Accounts, health: o.Health, refresh: o.Refresh, log: o.Log, now: o.Now, trace: o.Trace,
		receiptWaits: make(chan struct{}, MaxReceiptWaits), saving: make(chan struct{}, maxSaving),
	}
	if o.Calls > 0 {
		a.calls = make(chan struct{}, o.Calls)
	}
	return a, nil
}
