package worker_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/workflows"
)

// kind is the provider's behaviour for the messages of a send.
type kind string

const (
	delivered     kind = "delivered"
	silent        kind = "silent"
	rejected      kind = "rejected"
	rejectedOnce  kind = "rejected, no SMS resent"
	throttledSMS  kind = "rejected, SMS throttled"
	unknown       kind = "unknown"
	unknownResent kind = "unknown, resent"
	throttled     kind = "throttled"
	knownLate     kind = "unknown, resent, delivered meanwhile" // its receipts are stored while no worker runs
	knownUnread   kind = "the same, and not read"
	optedOut      kind = "opted out meanwhile" // the receipt is stored while no worker runs
)

// crash is a send whose worker dies.
type crash struct {
	kind     kind
	at       point
	step     int  // the step in which the worker dies; 0: the first
	isLate   bool // the next worker starts after the rule's wait
	isQueued bool // the first try is an ordinary activity
}

func (c crash) String() string {
	name := fmt.Sprintf("%s, dies %s", c.kind, c.at)
	if c.step > 0 {
		name += fmt.Sprintf(" of step %d", c.step)
	}
	if c.isLate {
		name += ", back late"
	}
	if c.isQueued {
		name += ", queued"
	}
	return name
}

// The waits of the rules. The next worker starts after shortWait and before longWait.
const (
	shortWait = 5 * time.Second
	longWait  = 20 * time.Second
)

func (c crash) rule() backstop.Rule {
	of, wait := backstop.Undelivered, longWait
	if c.isLate {
		wait = shortWait
	}
	if c.kind == knownUnread {
		of = backstop.Unread
	}
	return ruleOf(of, wait)
}

func (c crash) settings() workflows.Settings {
	s := workflows.Settings{UnknownWait: time.Second, SMSReceiptWait: time.Hour, QueuedCalls: c.isQueued}
	if c.kind == delivered || c.at == awaitingReceipts {
		s.AwaitReceipts = time.Second
	}
	if c.kind == rejectedOnce {
		s.SMSReceiptWait = 3 * time.Second // no receipt comes for a message that did not go out
	}
	if c.at == parked {
		s.UnknownWait = 4 * time.Second // it ends while no worker runs
	}
	return s
}

func (c crash) mayResend() bool {
	return c.kind == unknownResent || c.kind == knownLate || c.kind == knownUnread
}

// isKept reports whether the receipts are stored while no worker runs, and are not signalled.
func (c crash) isKept() bool {
	return c.kind == knownLate || c.kind == knownUnread || c.kind == optedOut
}

func (c crash) part() part {
	p := part{
		resendsWhatsApp: c.mayResend(), resendsSMS: c.step == smsStep && c.kind != rejectedOnce,
		diesAt: c.at, step: max(c.step, whatsAppStep),
		receipts: map[backstop.Channel][]backstop.Receipt{backstop.SMS: reported(backstop.Sent, backstop.Delivered)},
	}
	whatsapp := func(replies []reply, receipts ...backstop.Receipt) {
		p.replies = map[backstop.Channel][]reply{backstop.WhatsApp: replies}
		p.receipts[backstop.WhatsApp] = receipts
	}
	arrives := reported(backstop.Sent, backstop.Delivered)
	switch c.kind {
	case delivered:
		whatsapp(nil, arrives...)
	case silent:
	case rejected, rejectedOnce:
		whatsapp([]reply{rejection})
	case unknown:
		whatsapp([]reply{unknownEnd})
	case unknownResent:
		whatsapp([]reply{unknownEnd})
	case throttledSMS:
		whatsapp([]reply{rejection})
		p.replies[backstop.SMS] = []reply{tooFast}
	case throttled:
		whatsapp([]reply{tooFast}, arrives...)
	case knownLate, knownUnread:
		p.goal = c.rule().Type.Goal()
		p.held = backstop.WhatsApp
		whatsapp([]reply{unknownEnd}, arrives...)
	case optedOut:
		p.held = backstop.WhatsApp
		whatsapp(nil, backstop.Receipt{Status: backstop.Failed, Failure: &backstop.Failure{
			Kind: backstop.Rejected, Class: backstop.OptedOut, Code: "131050",
		}})
	}
	return p
}

// wantSMS reports whether the SMS must go out.
func (c crash) wantSMS() bool {
	isTried := c.at != beforeBegin && c.at != afterBegin // the WhatsApp call is made before the worker dies
	switch {
	case c.kind == rejectedOnce:
		return c.at != afterBegin // the SMS may have gone out
	case c.kind == throttledSMS:
		return true
	case c.kind == delivered && c.at == beforeBegin, c.kind == throttled && c.at != afterBegin && c.at != beforeEnd:
		return c.isLate || c.isQueued // the engine retries a dead worker's activity after 30 s, when the wait is over
	case c.kind == delivered:
		return !isTried
	case c.kind == knownLate, c.kind == optedOut:
		return false
	default:
		return true
	}
}

func (c crash) wantOutcome() backstop.Outcome {
	switch {
	case c.wantSMS():
		return backstop.OutcomeSMS
	case c.kind == rejectedOnce:
		return backstop.OutcomeUnconfirmed
	case c.kind == optedOut:
		return backstop.OutcomeFailed
	default:
		return backstop.OutcomeWhatsApp
	}
}

// allCrashes returns the matrix in groups, the slowest first. One fleet runs each group.
func allCrashes() [][]crash {
	kinds := []kind{delivered, silent, rejected, unknown, unknownResent, throttled}
	queuedKinds := []kind{delivered, silent, unknownResent, throttled}
	var slow, quick []crash
	for _, isLate := range []bool{false, true} {
		for _, k := range queuedKinds {
			for _, at := range []point{beforeBegin, afterBegin, beforeEnd, afterEnd, beforeCompletion} {
				slow = append(slow, crash{kind: k, at: at, isLate: isLate, isQueued: true})
			}
		}
		for _, k := range kinds {
			slow = append(slow, crash{kind: k, at: afterBegin, isLate: isLate}, crash{kind: k, at: beforeEnd, isLate: isLate})
			for _, at := range []point{beforeBegin, afterEnd, beforeCompletion} {
				quick = append(quick, crash{kind: k, at: at, isLate: isLate})
			}
		}
		quick = append(quick, crash{kind: delivered, at: awaitingReceipts, isLate: isLate},
			crash{kind: silent, at: awaitingReceipts, isLate: isLate})
	}
	for _, at := range []point{beforeBegin, afterBegin, beforeEnd, afterEnd, beforeCompletion} {
		for _, isQueued := range []bool{false, true} { // the SMS goes out at once
			slow = append(slow, crash{kind: rejected, at: at, step: smsStep, isQueued: isQueued, isLate: isQueued},
				crash{kind: rejectedOnce, at: at, step: smsStep, isQueued: isQueued},
				crash{kind: throttledSMS, at: at, step: smsStep, isQueued: isQueued})
		}
	}
	half := len(slow) / 2
	return [][]crash{slow[:half], slow[half:], quick, namedCrashes()}
}

// namedCrashes returns regressions: crashes with kinds and points of their own, which broke a promise of docs/promises.md.
func namedCrashes() []crash {
	list := []crash{
		// Regression: the SMS had step 2, like the WhatsApp resend, and used the resend's attempt as its own. No SMS went out, and
		// the send ended unconfirmed.
		{kind: unknownResent, at: beforeEnd, step: resendStep, isLate: true},
		{kind: unknownResent, at: afterEnd, step: resendStep, isLate: true},
		{kind: unknownResent, at: beforeCompletion, step: resendStep, isLate: true},
		// Regression: the SMS went out, because the opt-out was stored and not yet signalled.
		{kind: optedOut, at: parked, isLate: true},
		{kind: optedOut, at: beforeCompletion, isLate: true},
	}
	// Regression: the timer was faster than the sweeper, and WhatsApp was sent again to a recipient who had the message. WhatsApp
	// calls did not check the stored receipts first.
	for _, at := range []point{parked, beforeEnd, afterEnd, beforeCompletion} {
		for _, isLate := range []bool{false, true} {
			list = append(list, crash{kind: knownLate, at: at, isLate: isLate}, crash{kind: knownUnread, at: at, isLate: isLate})
		}
	}
	return list
}

// A worker is killed at each point of a WhatsApp call. Another worker starts before or after the end of the rule's wait. Each
// process serves many sends, and each send is at its own point when the process is killed.
//
// In cases such as "silent, dies before completion, back late", the local activity has run, its workflow task has not completed,
// and the task runs again after the rule's wait. Regression: the workflow then skipped WhatsApp, and the SMS had step 1. It used
// WhatsApp's attempt as its own, and no SMS went out.
func TestCrash(t *testing.T) {
	t.Parallel()
	server := temporal.Server(t)
	namespace := server.Namespace(t)
	c := server.Client(t, namespace)
	frozen := newFleet(t, server, c, namespace)
	frozen.freeze()
	var fleets []*crashFleet
	for _, crashes := range allCrashes() {
		f := &crashFleet{fleet: newFleet(t, server, c, namespace), crashes: crashes}
		f.crash()
		if n := len(fleets); n > 0 {
			fleets[n-1].resume()
		}
		fleets = append(fleets, f)
	}
	fleets[len(fleets)-1].resume()
	for _, f := range fleets {
		for i, crash := range f.crashes {
			t.Run(crash.String(), func(t *testing.T) { f.check(t, crash, f.accepted[i]) })
		}
	}
	t.Run("held up", frozen.checkFrozen)
}

// crashFleet is a fleet whose worker dies once.
type crashFleet struct {
	*fleet

	crashes []crash
	late    time.Time // when the short waits have ended
	back    time.Time // when the next worker started
}

// crash brings all sends to their points and kills the worker.
func (f *crashFleet) crash() {
	f.t.Helper()
	f.carrier.arm(true)
	kill := f.process()
	for _, c := range f.crashes {
		f.send(c.part(), c.settings(), c.rule())
	}
	f.late = time.Now().Add(shortWait + 200*time.Millisecond)
	f.gather()
	kill()
	f.carrier.arm(false)
	for i, c := range f.crashes {
		ref := backstop.Ref{Send: f.accepted[i], Step: whatsAppStep}
		if c.isKept() {
			f.carrier.report(ref, backstop.WhatsApp, f.keep)
		}
	}
}

// resume starts the next worker.
func (f *crashFleet) resume() {
	f.t.Helper()
	time.Sleep(time.Until(f.late))
	f.back = f.db.Now()
	f.process()
}

// requireDeath checks that the engine missed the dead worker, and that the next worker started at the intended time.
func (f *crashFleet) requireDeath(t *testing.T, c crash, stored backstop.Send) {
	t.Helper()
	deadline := stored.AcceptedAt.Add(c.rule().Wait())
	require.Equal(t, c.isLate, f.back.After(deadline), "back after the rule's wait: the machine may be too slow")
	missed := enums.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT
	if c.at == parked {
		return
	}
	if c.isQueued {
		missed = enums.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT
	}
	tries := f.events(stored.ID, missed, enums.EVENT_TYPE_ACTIVITY_TASK_STARTED)
	require.True(t, slices.ContainsFunc(tries, func(e *history.HistoryEvent) bool {
		return e.GetEventType() == missed || e.GetActivityTaskStartedEventAttributes().GetAttempt() > 1
	}), "nobody missed the worker")
}

func (f *crashFleet) check(t *testing.T, c crash, send string) {
	t.Helper()
	stored := f.finished(t, send)
	f.requireDeath(t, c, stored)
	f.carrier.requireSane(t, send, c.mayResend())
	whatsapp, sms := f.carrier.accepted(send)
	require.Equal(t, c.wantSMS(), sms == 1, "SMS")
	require.Equal(t, c.wantOutcome(), stored.Outcome)
	if c.isKept() {
		require.Equal(t, 1, whatsapp)
	}
}
