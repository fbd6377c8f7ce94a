package backstop_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/backstophq/backstop"
)

// The time limits that the workflow and the model share. The ledger has none of them.
const (
	unknownWait = 3 * time.Second  // for a receipt of a call of unknown end, before the resend
	receiptWait = 12 * time.Hour   // for the receipt of an SMS
	tryFor      = 24 * time.Hour   // for the retries of a provider that takes no call
	pause       = 13 * time.Minute // between two tries
)

// script is the input of one send: its settings, and the providers' answers and receipts by step.
type script struct {
	Rules      []backstop.Rule
	Category   backstop.Category
	Start      time.Duration // how late the send's workflow starts
	Expires    time.Duration // 0: never
	ResendWA   bool
	ResendSMS  bool
	Detach     bool
	Deliveries map[int]delivery // by step
}

// delivery is the course of a step: throttled calls, one call that ends the step, and receipts.
type delivery struct {
	Tries   int // throttled calls before the last one
	Takes   time.Duration
	End     *backstop.Failure
	Class   backstop.RejectClass
	Went    bool // of an unknown end: the provider has it
	Reports []report
}

// report is a receipt, by the time that has passed since the call began.
type report struct {
	After  time.Duration
	Status backstop.Status
	Class  backstop.RejectClass
}

func anyScript() *rapid.Generator[script] {
	return rapid.Custom(func(t *rapid.T) script {
		s := script{
			Rules:      rapid.SliceOfN(shortRule(), 1, rapid.SampledFrom([]int{1, 2, 2, 3, 3, 4, backstop.MaxRules}).Draw(t, "most")).Draw(t, "rules"),
			Category:   rapid.SampledFrom([]backstop.Category{"", backstop.Marketing, backstop.Utility}).Draw(t, "category"),
			ResendWA:   rapid.Bool().Draw(t, "resend WhatsApp"),
			ResendSMS:  rapid.Bool().Draw(t, "resend SMS"),
			Detach:     rapid.Bool().Draw(t, "detach"),
			Deliveries: map[int]delivery{},
		}
		if rapid.IntRange(0, 3).Draw(t, "expires?") == 0 {
			s.Expires = span().Draw(t, "expires") + time.Millisecond/2 // a moment at which nothing else happens
		}
		if rapid.IntRange(0, 3).Draw(t, "late?") == 0 {
			s.Start = span().Draw(t, "start")
		}
		for step := 1; step <= 2+2*len(s.Rules); step++ {
			d := anyDelivery().Draw(t, fmt.Sprintf("step %d", step))
			for i := range d.Reports { // reports of two messages at the same moment would have no order
				d.Reports[i].After += time.Duration(step) * 7 * time.Microsecond
			}
			s.Deliveries[step] = d
		}
		return s
	})
}

func shortRule() *rapid.Generator[backstop.Rule] {
	return rapid.Custom(func(t *rapid.T) backstop.Rule {
		r := rule(rapid.SampledFrom(backstop.RuleTypes()).Draw(t, "type"), 0)
		if r.Type == backstop.Unread || rapid.IntRange(0, 3).Draw(t, "waits") > 0 {
			r.WaitSeconds = rapid.SampledFrom([]int{1, 5, 5, 30, 60, 3600, 7200, 86400, 2592000}).Draw(t, "wait")
		}
		return r
	})
}

// span draws a duration in one of a few scales.
func span() *rapid.Generator[time.Duration] {
	return rapid.Custom(func(t *rapid.T) time.Duration {
		scale := rapid.SampledFrom([]time.Duration{time.Millisecond, 100 * time.Millisecond, 400 * time.Millisecond, time.Minute, 20 * time.Minute}).Draw(t, "scale")
		return time.Duration(rapid.IntRange(0, 99).Draw(t, "times")) * scale
	})
}

func anyDelivery() *rapid.Generator[delivery] {
	return rapid.Custom(func(t *rapid.T) delivery {
		d := delivery{Takes: time.Duration(rapid.IntRange(0, 20).Draw(t, "takes")) * 900 * time.Millisecond}
		if rapid.IntRange(0, 3).Draw(t, "throttled?") == 0 {
			d.Tries = rapid.SampledFrom([]int{1, 2, 5, 100000}).Draw(t, "throttled")
		}
		switch rapid.SampledFrom([]string{"accepted", "accepted", "accepted", "rejected", "unknown"}).Draw(t, "end") {
		case "rejected":
			d.End = rejected(rapid.SampledFrom([]backstop.RejectClass{"", "", backstop.OptedOut}).Draw(t, "class"))
			return d
		case "unknown":
			d.End, d.Went = errUnknown, rapid.Bool().Draw(t, "went")
			if !d.Went {
				return d
			}
		}
		for range rapid.IntRange(0, 4).Draw(t, "reports") {
			r := report{After: span().Draw(t, "after"), Status: rapid.SampledFrom([]backstop.Status{sent, failed, delivered, read}).Draw(t, "status")}
			if r.Status == failed && rapid.IntRange(0, 4).Draw(t, "opted out") == 0 {
				r.Class = backstop.OptedOut
			}
			d.Reports = append(d.Reports, r)
		}
		slices.SortStableFunc(d.Reports, func(a, b report) int { return int(a.After - b.After) })
		return d
	})
}

// fate is the result of a send. The ledger and its model must agree on it.
type fate struct {
	Fired    []string // rule, moment and cause of the first call of each SMS
	WhatsApp int      // how many messages a provider took, or may have
	SMS      int
	AtEnd    backstop.Outcome // when the send ended
	Outcome  backstop.Outcome // once every report is in
	Double   bool
}

func (f *fate) fires(rule int, at time.Time, cause backstop.FallbackReason) {
	f.Fired = append(f.Fired, fmt.Sprintf("%s %s %s", ruleName(rule), at.Sub(origin).Truncate(time.Millisecond), cause))
}

func (f *fate) takes(c backstop.Call, d delivery) {
	switch {
	case d.End != nil && d.End.Kind == backstop.Rejected:
	case c.Channel == backstop.SMS:
		f.SMS++
	default:
		f.WhatsApp++
	}
}

// Without faults, the ledger gives the same result as the model. The driver calls the ledger as the workflow does.
func TestLedger_model(t *testing.T) {
	t.Parallel()
	checkOften(t, 50, func(t *rapid.T) {
		s := anyScript().Draw(t, "script")
		got, timeline := drive(t, s)
		want := foretell(s)
		require.Equal(t, want, got, "%s", timeline)
	})
}

// driver is a short version of the send's workflow, on a system without faults.
type driver struct {
	*desk
	script
	fate

	view    backstop.View
	coming  []arrival
	resends time.Time // when WhatsApp is called again, or zero
	tries   map[int]int
	since   map[int]time.Time // the first call of a step
}

type arrival struct {
	at      time.Time
	receipt backstop.Receipt
}

func drive(t *rapid.T, s script) (fate, string) {
	d := &driver{desk: newDesk(t, s.Rules...), script: s, tries: map[int]int{}, since: map[int]time.Time{}}
	d.l.Send.Category = s.Category
	if s.Expires > 0 {
		d.expires(s.Expires)
	}
	d.now = origin.Add(s.Start)
	d.see()
	if _, due := d.due(); !due && !d.late() {
		d.whatsApp(false)
	}
	for steps := 0; d.view.Outcome == ""; steps++ {
		require.Less(t, steps, 1000, "a send ends")
		d.step()
	}
	if by := d.l.Send.ReceiptBy; by != nil {
		d.pass(*by, func() bool { return d.l.Send.FinishedAt != nil })
		d.l.Finish(false, d.now)
	}
	require.NotNil(t, d.l.Send.FinishedAt)
	d.AtEnd = d.l.Send.Outcome
	d.pass(d.now.Add(2*backstop.MaxWait), func() bool { return false })
	d.Outcome, d.Double = d.l.Send.Outcome, d.l.Send.DuplicateDelivery
	var timeline strings.Builder
	for _, e := range d.l.Events {
		fmt.Fprintln(&timeline, e.At.Sub(origin), e.Kind, e.Channel, e.Status, e.Rule, e.Detail)
	}
	return d.fate, "\n" + timeline.String()
}

// see raises the revision, as a store does, and reads the newest view.
func (d *driver) see() { d.l.Revision++; d.view = d.l.View() }

func (d *driver) due() (int, bool) {
	return d.l.Send.Plan.Due(d.view.WhatsApp, origin, d.now, d.view.Used.Has)
}

func (d *driver) late() bool { return d.Expires > 0 && !d.now.Before(origin.Add(d.Expires)) }

// pass advances the time to a moment, and merges the receipts until then. It stops early when enough is true.
func (d *driver) pass(until time.Time, enough func() bool) {
	due := func(at time.Time) bool { return !at.After(d.now) || !enough() && !at.After(until) }
	for len(d.coming) > 0 && due(d.coming[0].at) {
		next := d.coming[0]
		d.coming = d.coming[1:]
		if next.at.After(d.now) {
			d.now = next.at
		}
		d.l.Receive(next.receipt, d.now)
		d.see()
	}
	if !enough() && until.After(d.now) {
		d.now = until
	}
}

// step decides once, or waits for the next moment at which something may have to be decided.
func (d *driver) step() {
	rule, due := d.due()
	switch {
	case due && !d.late():
		next, at, _ := d.l.NextRule(d.now)
		require.Equal(d.t, []any{rule, d.now}, []any{next, at}, "the rule that is due is the next")
		d.resends = time.Time{}
		d.sms(rule)
	case d.late():
		d.l.Finish(true, d.now)
	case !d.now.Before(origin.Add(backstop.MaxWait)), d.l.Send.Plan.IsSatisfied(d.view.WhatsApp, d.view.Used.Has):
		d.l.Finish(false, d.now)
	case !d.resends.IsZero() && !d.now.Before(d.resends):
		d.resends = time.Time{}
		if d.view.WhatsApp == queued {
			d.whatsApp(true)
		}
	default:
		before := d.view
		_, at, found := d.l.NextRule(d.now)
		d.pass(d.alarm(), func() bool { return d.view.WhatsApp != before.WhatsApp || d.view.Outcome != "" })
		if _, due := d.due(); d.view == before {
			require.Equal(d.t, due && !d.late(), found && !d.now.Before(at), "without news, a rule fires as foretold")
		}
	}
	d.see()
}

func (d *driver) alarm() time.Time {
	at := origin.Add(backstop.MaxWait)
	sooner := func(t time.Time) {
		if t.After(d.now) && t.Before(at) {
			at = t
		}
	}
	sooner(d.resends)
	sooner(d.nextWait(-1))
	if d.Expires > 0 {
		sooner(origin.Add(d.Expires))
	}
	return at
}

// nextWait returns the next end of a wait. It skips rules that are used or satisfied, and the rule but.
func (d *driver) nextWait(but int) time.Time {
	var next time.Time
	for i, r := range d.Rules {
		at, waits := r.Deadline(origin)
		if waits && i != but && !d.view.Used.Has(i) && !d.view.WhatsApp.Reached(r.Type.Goal()) && at.After(d.now) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

// whatsApp calls until the provider gives a final answer, or a rule's wait ends.
func (d *driver) whatsApp(again bool) {
	c := whatsApp()
	c.Resend = again
	for {
		answer, end := d.try(c)
		if _, due := d.due(); answer != backstop.MayCall || due || d.view.Outcome != "" {
			return
		}
		switch {
		case end == nil || end.Kind == backstop.Rejected:
			return
		case end.Kind == backstop.Unknown:
			if !again && d.ResendWA {
				d.resends = d.now.Add(unknownWait)
			}
			return
		}
		stop := d.since[c.Step()].Add(tryFor)
		if w := d.nextWait(-1); !w.IsZero() && w.Before(stop) {
			stop = w
		}
		d.pause(stop, func() bool { _, due := d.due(); return due || d.view.Outcome != "" })
		if _, due := d.due(); due || d.late() || d.view.Outcome != "" {
			return
		}
		if !d.now.Before(stop) {
			if !again {
				require.Equal(d.t, backstop.GivenUp, d.l.GiveUp(c, d.now).Answer)
				d.see()
			}
			return
		}
	}
}

// pause waits between two tries, but not past stop or the expiry of the message.
func (d *driver) pause(stop time.Time, enough func() bool) {
	until := d.now.Add(pause)
	if stop.Before(until) {
		until = stop
	}
	if at := origin.Add(d.Expires); d.Expires > 0 && at.Before(until) {
		until = at
	}
	d.pass(until, enough)
}

// try makes one call if the ledger lets it.
func (d *driver) try(c backstop.Call) (backstop.Answer, *backstop.Failure) {
	d.calls++
	c.Token = strconv.Itoa(d.calls)
	r, err := d.l.Begin(c, d.now)
	require.NoError(d.t, err)
	d.see()
	if r.Answer != backstop.MayCall {
		return r.Answer, nil
	}
	step := c.Step()
	what, begun := d.Deliveries[step], d.now
	if d.tries[step] == 0 {
		d.since[step] = begun
		if c.Channel == backstop.SMS && !c.Resend {
			d.fires(c.Rule, begun, r.Attempt.Cause)
		}
	}
	d.tries[step]++
	end := what.End
	if d.tries[step] <= what.Tries {
		end = throttled
	} else {
		d.takes(c, what)
		for _, r := range what.Reports {
			d.coming = append(d.coming, arrival{begun.Add(r.After), receiptOf(c, r.Status, r.Class)})
		}
		slices.SortStableFunc(d.coming, func(a, b arrival) int { return a.at.Compare(b.at) })
	}
	d.pass(begun.Add(what.Takes), func() bool { return false })
	e := backstop.Ending{Step: step, Token: c.Token, Failure: end}
	if d.Detach && end == nil {
		e.SMSReceiptWait = receiptWait
	}
	_, err = d.l.End(e, d.now)
	require.NoError(d.t, err)
	d.see()
	return r.Answer, end
}

// sms sends the SMS of a rule and waits until it has arrived or failed.
func (d *driver) sms(rule int) {
	c := smsOf(rule)
	c.ByFailure = d.view.WhatsApp == failed
	end, gone := d.submit(c)
	if !gone || d.view.Outcome != "" {
		return
	}
	if end != nil && d.ResendSMS && d.view.SMS == queued {
		d.pass(d.now.Add(unknownWait), func() bool { return d.view.SMS != queued || d.view.Outcome != "" })
		if d.view.SMS == queued {
			c.Resend = true
			_, _ = d.submit(c) // the wait below is for the first as well
		}
	}
	d.pass(d.now.Add(receiptWait), func() bool { return d.view.Outcome != "" || d.view.SMS == failed })
	if d.view.Outcome == "" && d.view.SMS != failed {
		d.l.Finish(false, d.now)
		d.see()
	}
}

// submit calls until the provider gives a final answer. It reports whether a message may be out.
func (d *driver) submit(c backstop.Call) (end *backstop.Failure, gone bool) {
	d.tries[c.Step()] = 0
	for {
		answer, end := d.try(c)
		switch {
		case answer != backstop.MayCall || d.view.Outcome != "" || end != nil && end.Kind == backstop.Rejected:
			return end, false
		case end == nil || end.Kind == backstop.Unknown:
			return end, true
		}
		stop := d.since[c.Step()].Add(tryFor)
		if w := d.nextWait(c.Rule); !w.IsZero() && w.Before(stop) {
			stop = w
		}
		d.pause(stop, func() bool { return d.view.Outcome != "" })
		switch {
		case d.view.Outcome != "":
			return nil, false
		case !d.now.Before(stop) && !d.late():
			require.Equal(d.t, backstop.GivenUp, d.l.GiveUp(c, d.now).Answer)
			d.see()
			return nil, false
		}
	}
}
