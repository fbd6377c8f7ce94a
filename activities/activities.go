// Package activities makes the provider calls of a send, each at most once as far as can be known.
//
// The ledger of the send decides about each call, and stores the call before the provider is called. If the process dies
// during the call, the attempt stays open. The ledger then answers the next run that the message may have gone out.
package activities

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// Activities are the activities of workflows.Send; a worker registers its exported methods.
type Activities struct {
	store        Store
	whatsapp     WhatsApp
	sms          []Route
	log          *slog.Logger
	now          func() time.Time
	breakers     map[string]breaker
	calls        chan struct{} // a semaphore of the calls under way; nil: no limit
	receiptWaits chan struct{} // a semaphore of the activities that wait for receipts
	saving       chan struct{} // a semaphore of the ends of calls that are still to be stored
}

// Options are the options of New. Store, WhatsApp, SMS and Log are required. Now is time.Now by default.
type Options struct {
	Store    Store
	WhatsApp WhatsApp
	SMS      []Route // the first is the default
	Log      *slog.Logger
	Now      func() time.Time

	Calls   int           // provider calls under way at once; 0 is no limit
	OpenFor time.Duration // how long a provider that is down is not called, see breaker; 0: 10 s; below 0: no breaker
}

// New returns the activities, or an error that names a missing or wrong option.
func New(o Options) (*Activities, error) {
	if o.Store == nil || o.WhatsApp == nil || o.Log == nil {
		return nil, errors.New("new activities: Store, WhatsApp and Log are required")
	}
	if err := checkRoutes(o.SMS); err != nil {
		return nil, fmt.Errorf("new activities: %w", err)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &Activities{
		store: o.Store, whatsapp: o.WhatsApp, sms: slices.Clone(o.SMS), log: o.Log, now: o.Now,
		breakers:     newBreakers(o.SMS, o.OpenFor, o.Log),
		receiptWaits: make(chan struct{}, MaxReceiptWaits), saving: make(chan struct{}, maxSaving),
	}
	if o.Calls > 0 {
		a.calls = make(chan struct{}, o.Calls)
	}
	return a, nil
}
