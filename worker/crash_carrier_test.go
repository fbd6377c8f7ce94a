package worker_test

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// point is a moment before, during or after a call at which its process may die.
type point string

const (
	beforeBegin      point = "before begin"
	afterBegin       point = "after begin"
	beforeEnd        point = "before end" // the provider has answered
	afterEnd         point = "after end"
	awaitingReceipts point = "awaiting receipts"
	beforeCompletion point = "before completion" // the call has ended; the engine does not have its result
	parked           point = "parked"            // the engine has the result; the workflow waits
)

// reply is the provider's reply to a call. Without a failure the provider accepts the call.
type reply struct {
	failure *backstop.Failure
	takes   time.Duration
}

// isAccepted reports whether the provider has the message. After a call of unknown end the provider has it, but the caller has
// no answer.
func (r reply) isAccepted() bool { return r.failure == nil || r.failure.Kind == backstop.Unknown }

var (
	unknownEnd = reply{failure: &backstop.Failure{Kind: backstop.Unknown, Reason: "no answer"}}
	rejection  = reply{failure: &backstop.Failure{Kind: backstop.Rejected, Class: backstop.RecipientFault, Code: "131026"}}
	tooFast    = reply{failure: &backstop.Failure{Kind: backstop.Throttled, Code: "130429", RetryAfter: 500 * time.Millisecond}}
)

// part is the provider's script for one send: the replies to its calls, and the receipts of accepted messages. The provider
// accepts calls without a reply.
type part struct {
	replies  map[backstop.Channel][]reply
	receipts map[backstop.Channel][]backstop.Receipt // only Status and Failure are set
	held     backstop.Channel                        // the test itself reports the receipts of this channel

	diesAt point // the point where its process dies
	step   int   // the step in which its process dies

	goal    backstop.Status // the WhatsApp status that the rule waits for; empty: delivered
	expires time.Duration   // the time until the send expires; 0: it never does

	resendsWhatsApp, resendsSMS bool // its accounts send again what had an unknown end
}

// contact is the provider's record of a call.
type contact struct {
	step         int
	channel      backstop.Channel
	isAccepted   bool
	began, ended time.Time
}

// reportAfter is how long the provider takes to report a message.
const reportAfter = 300 * time.Millisecond

// carrier is the provider. It records the calls of all processes, and reports the accepted messages.
type carrier struct {
	t       *testing.T
	address string
	deliver func([]backstop.Receipt) error // delivers receipts as a webhook does

	mu      sync.Mutex
	changed *sync.Cond
	parts   map[string]part
	log     map[string][]contact
	arrival map[string]time.Time // when Backstop had stored that WhatsApp reached the rule's goal
	reached map[string]bool      // the sends whose process is at its point
	isArmed bool                 // processes stop at their points
	thawed  chan struct{}        // when it is closed, stopped processes go on
	reports sync.WaitGroup
}

func newCarrier(t *testing.T, deliver func([]backstop.Receipt) error) *carrier {
	t.Helper()
	c := &carrier{
		t: t, deliver: deliver, parts: map[string]part{}, log: map[string][]contact{}, arrival: map[string]time.Time{},
		reached: map[string]bool{}, thawed: make(chan struct{}),
	}
	c.changed = sync.NewCond(&c.mu)
	routes := http.NewServeMux()
	routes.HandleFunc("/pass", func(w http.ResponseWriter, r *http.Request) {
		var p passing
		if json.NewDecoder(r.Body).Decode(&p) == nil && c.stops(p) {
			select {
			case <-r.Context().Done(): // the process is dead
				return
			case <-c.thawed: // the process goes on
			}
		}
		_ = json.NewEncoder(w).Encode(answer{})
	})
	routes.HandleFunc("/call", func(w http.ResponseWriter, r *http.Request) {
		var p passing
		if json.NewDecoder(r.Body).Decode(&p) != nil {
			return
		}
		submission, err := c.call(r.Context(), backstop.Ref{Send: p.Send, Step: p.Step}, p.Channel)
		a := answer{MessageID: submission.MessageID}
		if err != nil {
			a.Failure = err.(*backstop.Failure) //nolint:errorlint // call returns no other
		}
		_ = json.NewEncoder(w).Encode(a)
	})
	server := httptest.NewServer(routes)
	c.address = server.URL
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		c.reports.Wait()
	})
	return c
}

// plays sets the provider's script for a send.
func (c *carrier) plays(send string, p part) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.parts[send] = p
	c.changed.Broadcast()
}

// part waits for the script of a send, because its worker may be faster than the test. The caller holds mu.
func (c *carrier) part(send string) part {
	for {
		if p, ok := c.parts[send]; ok {
			return p
		}
		c.changed.Wait()
	}
}

// stops reports whether a process stops at a point.
func (c *carrier) stops(p passing) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	played := c.part(p.Send)
	isStep := p.Step == played.step || p.Point == beforeCompletion && p.Step > played.step // one task may contain several calls
	stops := c.isArmed && played.diesAt == p.Point && isStep
	if stops {
		c.reached[p.Send] = true
	}
	return stops
}

func (c *carrier) arm(isArmed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.isArmed = isArmed
}

// call accepts or refuses a message. Its errors are of type *backstop.Failure.
func (c *carrier) call(ctx context.Context, ref backstop.Ref, channel backstop.Channel) (backstop.Submission, error) {
	began := time.Now()
	c.mu.Lock()
	p := c.part(ref.Send)
	var calls int
	for _, made := range c.log[ref.Send] {
		if made.channel == channel {
			calls++
		}
	}
	var r reply
	if replies := p.replies[channel]; calls < len(replies) {
		r = replies[calls]
	}
	at := len(c.log[ref.Send])
	c.log[ref.Send] = append(c.log[ref.Send], contact{
		step: ref.Step, channel: channel, isAccepted: r.isAccepted(), began: began, ended: began,
	})
	c.mu.Unlock()
	if r.isAccepted() && p.held != channel {
		c.reports.Go(func() {
			time.Sleep(reportAfter)
			c.report(ref, channel, c.deliver)
		})
	}
	select {
	case <-time.After(r.takes):
	case <-ctx.Done():
	}
	c.mu.Lock()
	c.log[ref.Send][at].ended = time.Now()
	c.mu.Unlock()
	if r.failure != nil {
		return backstop.Submission{}, r.failure
	}
	return backstop.Submission{MessageID: ref.String()}, nil
}

// report delivers the receipts of a message.
func (c *carrier) report(ref backstop.Ref, channel backstop.Channel, deliver func([]backstop.Receipt) error) {
	c.mu.Lock()
	receipts := c.part(ref.Send).receipts[channel]
	c.mu.Unlock()
	for _, r := range receipts {
		full := receipt(ref.Send, ref.Step, channel, r.Status)
		full.Failure = r.Failure
		if err := deliver([]backstop.Receipt{full}); err != nil {
			c.t.Errorf("deliver receipt: %v", err)
			return
		}
		c.mu.Lock()
		goal := cmp.Or(c.part(ref.Send).goal, backstop.Delivered)
		if channel == backstop.WhatsApp && r.Status.Reached(goal) && c.arrival[ref.Send].IsZero() {
			c.arrival[ref.Send] = time.Now()
		}
		c.mu.Unlock()
	}
}

// reported returns receipts with these statuses.
func reported(statuses ...backstop.Status) []backstop.Receipt {
	receipts := make([]backstop.Receipt, len(statuses))
	for i, s := range statuses {
		receipts[i].Status = s
	}
	return receipts
}

// accepted returns how many messages of a send the provider has.
func (c *carrier) accepted(send string) (whatsapp, sms int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, made := range c.log[send] {
		switch {
		case !made.isAccepted:
		case made.channel == backstop.WhatsApp:
			whatsapp++
		default:
			sms++
		}
	}
	return whatsapp, sms
}

// calls returns how often the provider was called for a send.
func (c *carrier) calls(send string) (whatsapp, sms int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, made := range c.log[send] {
		if made.channel == backstop.WhatsApp {
			whatsapp++
		} else {
			sms++
		}
	}
	return whatsapp, sms
}

// requireSane checks the provider's record of a send: one call at a time, one WhatsApp message at most unless it may be resent,
// one SMS at most, and no call after the arrival was stored.
func (c *carrier) requireSane(t *testing.T, send string, mayResend bool) {
	t.Helper()
	c.mu.Lock()
	calls, arrival := c.log[send], c.arrival[send]
	c.mu.Unlock()
	for i, call := range calls {
		if i > 0 {
			require.False(t, call.began.Before(calls[i-1].ended), "two calls at once")
		}
		require.False(t, !arrival.IsZero() && call.began.After(arrival), "%s after the message had arrived", call.channel)
	}
	whatsapp, sms := c.accepted(send)
	most := 1
	if mayResend {
		most = 2
	}
	require.LessOrEqual(t, whatsapp, most, "WhatsApp messages")
	require.LessOrEqual(t, sms, 1, "SMS")
}

// localWhatsApp is the provider for a worker in this process, as is localSMS.
type localWhatsApp struct{ *carrier }

func (c localWhatsApp) SendWhatsApp(ctx context.Context, m backstop.WhatsAppMessage) (backstop.Submission, error) {
	return c.call(ctx, m.Ref, backstop.WhatsApp)
}

type localSMS struct{ *carrier }

func (c localSMS) SendSMS(ctx context.Context, m backstop.SMSMessage) (backstop.Submission, error) {
	return c.call(ctx, m.Ref, backstop.SMS)
}
