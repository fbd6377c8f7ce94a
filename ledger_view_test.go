package backstop_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/backstophq/backstop"
)

// Receive saves the engine a signal if the workflow does not need the receipt. That is correct only if a workflow with its own
// calls and the signals always decides like a workflow with all receipts.

// watcher is the only workflow of a send, with its own view and the ledger.
type watcher struct {
	*desk

	view      backstop.View
	calling   *backstop.Call
	isWaiting bool
	sent      []backstop.Call
	unknowns  map[int]bool // calls of unknown end, by step
}

func (w *watcher) look() { w.view = w.l.View() }

// busy reports whether an activity is at work. The activity's result brings the newest view.
func (w *watcher) busy() bool { return w.calling != nil || w.isWaiting }

// next is the call that the workflow proposes by its view, or false.
func (w *watcher) next() (backstop.Call, bool) {
	rule, due := w.l.Send.Plan.Due(w.view.WhatsApp, origin, w.now, w.view.Used.Has)
	smsOut := w.view.SMS != "" && w.view.SMS != failed
	pending := w.l.Attempt(backstop.SMSStep(rule, 0, false))
	switch {
	case w.busy() || w.view.Outcome != "":
		return backstop.Call{}, false
	case due && (!smsOut || pending != nil):
		c := smsOf(rule)
		c.ByFailure = w.view.WhatsApp == failed
		return c, true
	case w.view.WhatsApp == queued && !smsOut && w.unknowns[1]:
		return resend(whatsApp()), true
	case w.view.WhatsApp == queued && !smsOut:
		return whatsApp(), true
	}
	return backstop.Call{}, false
}

func (w *watcher) call() {
	c, ok := w.next()
	if !ok {
		return
	}
	if w.begin(c).Answer == backstop.MayCall {
		w.calling = &c
	}
	w.look()
}

func (w *watcher) endCall(t *rapid.T) {
	if w.calling == nil {
		return
	}
	c := *w.calling
	f := rapid.SampledFrom([]*backstop.Failure{nil, nil, nil, rejected(""), throttled, errUnknown}).Draw(t, "end")
	e := w.ending(c, f)
	if f == nil && rapid.Bool().Draw(t, "waits for receipts") {
		e.AwaitReceipts, w.isWaiting = time.Minute, true
	}
	_, err := w.l.End(e, w.tick())
	require.NoError(t, err)
	if f == nil || f == errUnknown {
		w.sent = append(w.sent, c)
		w.unknowns[c.Step()] = f != nil
	}
	w.calling = nil
	w.look()
}

func (w *watcher) receiveAny(t *rapid.T) {
	of := w.sent
	if w.calling != nil {
		of = append(slices.Clip(of), *w.calling)
	}
	if len(of) == 0 {
		return
	}
	c := rapid.SampledFrom(of).Draw(t, "of")
	status := rapid.SampledFrom([]backstop.Status{sent, failed, delivered, read}).Draw(t, "status")
	class := rapid.SampledFrom([]backstop.RejectClass{"", "", backstop.OptedOut}).Draw(t, "class")
	if w.l.Receive(receiptOf(c, status, class), w.tick()) {
		w.look()
	}
}

func TestLedger_Receive_unsignalled(t *testing.T) {
	t.Parallel()
	checkOften(t, 20, func(t *rapid.T) {
		w := &watcher{desk: newDesk(t, rapid.SliceOfN(shortRule(), 1, 3).Draw(t, "rules")...), unknowns: map[int]bool{}}
		w.look()
		call := func(*rapid.T) { w.call() }
		t.Repeat(map[string]func(*rapid.T){
			"call": call, "call 2": call, "end": w.endCall, "end 2": w.endCall, "receive": w.receiveAny, "receive 2": w.receiveAny,
			"wait": func(t *rapid.T) {
				if w.busy() {
					return // no process dies here
				}
				w.now = w.now.Add(rapid.SampledFrom([]time.Duration{time.Second, 5 * time.Second, time.Hour}).Draw(t, "long"))
			},
			"stop waiting": func(*rapid.T) {
				for _, c := range w.sent {
					w.l.StopWaiting(c.Step())
				}
				if w.isWaiting {
					w.isWaiting = false
					w.look()
				}
			},
			"": func(t *rapid.T) { w.check(t) },
		})
	})
}

// check requires that the view has everything that the workflow decides by.
func (w *watcher) check(t *rapid.T) {
	is := w.l.View()
	if w.busy() {
		return
	}
	require.Equal(t, is.Outcome != "", w.view.Outcome != "", "the send has ended")
	if is.Outcome != "" {
		return
	}
	require.Equal(t, is.Used, w.view.Used)
	known := func(v backstop.View) string {
		return fmt.Sprint(v.SMS == "", v.SMS == queued, v.SMS == failed, v.SMS.Reached(delivered))
	}
	require.Equal(t, known(is), known(w.view), "what is known of the SMS: %q, %q", is.SMS, w.view.SMS)
	if s := w.l.Send.Status.SMS; s != "" && s != failed {
		return // a WhatsApp receipt during an SMS reaches the view with the SMS's end, or with the next Begin
	}
	require.Equal(t, is.WhatsApp == queued, w.view.WhatsApp == queued, "whether WhatsApp went out")
	sameAnswers(t, w.l.Send.Plan, is.WhatsApp, w.view.WhatsApp)
}

// checkOften repeats rapid.Check so many times.
func checkOften(t *testing.T, times int, prop func(*rapid.T)) {
	t.Helper()
	for range times {
		rapid.Check(t, prop)
	}
}
