// Package activities makes the provider calls of a send, each at most once as far as can be known.
//
// The ledger of the send decides about each call, and stores the call before the provider is called. If the process dies
// during the call, the attempt stays open. So the next run can see that the message may have gone out.
package activities

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/backstophq/backstop"
)

// Activities are the activities of workflows.Send; a worker registers its exported methods.
type Activities struct {
	store        Store
	whatsapp     WhatsApp
	sms          []Route
	log          *slog.Logger
	now          func() time.Time
	calls        chan struct{} // holds a place per call under way; nil is no limit
	breakers     map[string]breaker
	receiptWaits chan struct{} // holds a place per activity that waits for receipts
	saving       chan struct{} // holds a place per end of a call that is still to be stored
}

// Options are what the activities need. All are required but Now, which is time.Now by default, Calls and OpenFor.
type Options struct {
	Store    Store
	WhatsApp WhatsApp
	SMS      []Route // the first is the default
	Log      *slog.Logger
	Now      func() time.Time

	Calls   int           // provider calls under way at once; 0 is no limit
	OpenFor time.Duration // how long a provider that is down is not called, see breaker; 0: 10 s; below 0: it is called always
}

// New returns the activities, or an error that names what is missing or wrong.
func New(o Options) (*Activities, error) {
	if o.Store == nil || o.WhatsApp == nil || o.Log == nil {
		return nil, errors.New("new activities: Store, WhatsApp, SMS and Log are required")
	}
	if err := checkRoutes(o.SMS); err != nil {
		return nil, fmt.Errorf("new activities: %w", err)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &Activities{
		store: o.Store, whatsapp: o.WhatsApp, sms: slices.Clone(o.SMS), log: o.Log, now: o.Now,
		breakers:     newBreakers(o),
		receiptWaits: make(chan struct{}, MaxReceiptWaits), saving: make(chan struct{}, maxSaving),
	}
	if o.Calls > 0 {
		a.calls = make(chan struct{}, o.Calls)
	}
	return a, nil
}

// GiveUp stores that a step has failed, because its provider accepted no call within the time for retries.
func (a *Activities) GiveUp(ctx context.Context, channel backstop.Channel, step Step) (backstop.View, error) {
	c := step.sms()
	c.Channel = channel
	if err := a.saveLast(ctx, step, c.Step()); err != nil {
		return backstop.View{}, err
	}
	ruling, view, err := a.store.GiveUp(ctx, step.Send, c)
	if err != nil {
		return backstop.View{}, permanent(err)
	}
	if ruling.Answer == backstop.UnderWay {
		return backstop.View{}, retryable(UnderWay, "a call may still be under way", ruling.Until.Sub(a.store.Now()))
	}
	return view, nil
}

// saveLast stores how the last call ended, if an earlier run could not. Without that end, GiveUp would not know
// that the call sent nothing.
func (a *Activities) saveLast(ctx context.Context, step Step, number int) error {
	if step.Ended == nil {
		return nil
	}
	_, _, err := a.save(ctx, step, step.Ended.ending(number))
	if backstop.CodeOf(err) == backstop.NotFound {
		return nil // the call was never begun
	}
	return err
}

// Finish ends a send. Lapsed is true if its ExpiresAt has passed.
func (a *Activities) Finish(ctx context.Context, send string, lapsed bool) (backstop.View, error) {
	view, err := a.store.Finish(ctx, send, lapsed)
	return view, permanent(err)
}

// permanent tells the engine not to retry what cannot get better: a send that does not exist.
func permanent(err error) error {
	if backstop.CodeOf(err) == backstop.NotFound {
		return temporal.NewNonRetryableApplicationError(err.Error(), string(backstop.NotFound), err)
	}
	return err
}
