package postgres

import (
	"slices"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// draft is a send as it was read, with its attempts, and what is to become of it. Everything that happens to a send
// happens to a draft: it is changed in memory and saved in one statement, unless somebody else was faster.
type draft struct {
	revision int           // that was read
	stored   backstop.Send // as the row is
	send     backstop.Send // as it will be
	attempts []backstop.Attempt
	known    map[report]bool // the receipts, of those asked for, that are stored with a send

	isWhole    bool // known has all receipts of the send
	isRecalled bool // it was not read but remembered: the row may have changed since

	begun    *backstop.Attempt   // to be inserted
	touched  []*backstop.Attempt // to be updated
	told     []backstop.Attempt  // those whose message id this change brought
	receipts []received          // to be stored
	events   []backstop.Event    // to be added to the timeline
}

func (d *draft) isChanged() bool {
	return changed(d.stored, d.send) || d.begun != nil || len(d.touched)+len(d.receipts)+len(d.events) > 0
}

// nextRevision is the send's when the draft is saved: the number of its newest event, or the next if there is none.
func (d *draft) nextRevision() int { return d.revision + max(len(d.events), 1) }

func changed(a, b backstop.Send) bool {
	return a.WhatsAppStatus != b.WhatsAppStatus || a.SMSStatus != b.SMSStatus ||
		a.Fired != b.Fired || a.FiredReason != b.FiredReason || a.FallbackReason != b.FallbackReason ||
		(a.DeliveredAt == nil) != (b.DeliveredAt == nil) ||
		a.DuplicateDelivery != b.DuplicateDelivery || a.Expired != b.Expired ||
		(a.FinishedAt == nil) != (b.FinishedAt == nil) || a.Outcome != b.Outcome ||
		(a.ReceiptBy == nil) != (b.ReceiptBy == nil)
}

func (d *draft) attempt(step, number int) *backstop.Attempt {
	for i := range d.attempts {
		if a := &d.attempts[i]; a.Ref.Step == step && a.Number == number {
			return a
		}
	}
	return nil
}

// newest returns the last attempt that is wanted, or nil.
func (d *draft) newest(wanted func(backstop.Attempt) bool) *backstop.Attempt {
	for i := range slices.Backward(d.attempts) {
		if wanted(d.attempts[i]) {
			return &d.attempts[i]
		}
	}
	return nil
}

func ofStep(step int) func(backstop.Attempt) bool {
	return func(a backstop.Attempt) bool { return a.Ref.Step == step }
}

func ofChannel(c backstop.Channel) func(backstop.Attempt) bool {
	return func(a backstop.Attempt) bool { return a.Channel == c }
}

// touch notes that an attempt of the draft was changed.
func (d *draft) touch(a *backstop.Attempt) {
	if !slices.Contains(d.touched, a) {
		d.touched = append(d.touched, a)
	}
}

// replaced reports whether a later step of the channel sent another message.
func (d *draft) replaced(channel backstop.Channel, step int) bool {
	return d.newest(func(a backstop.Attempt) bool { return a.Channel == channel && a.Ref.Step > step }) != nil
}

// absorb merges a status of a step's message into the send, and reports whether its workflow waits for that. The send
// alone cannot tell an SMS that is being sent from one that was surely not sent yet; the attempts can, and only the
// first makes a delivery a duplicate.
func (d *draft) absorb(channel backstop.Channel, status backstop.Status, step int, at time.Time) (waits bool) {
	before := d.send
	d.send = before.Absorb(channel, status, !d.replaced(channel, step))
	if d.send.DeliveredAt == nil && status.Reached(backstop.Delivered) {
		d.send.DeliveredAt, d.send.DeliveredBy = pool.StampPtr(&at), channel
	}
	d.send.DuplicateDelivery = d.send.DuplicateDelivery && d.mayHaveSMS()
	if d.send.DuplicateDelivery && !before.DuplicateDelivery {
		d.note(backstop.Event{At: at, Kind: backstop.EventDuplicate, Channel: channel, Status: status})
	}
	return before.Waits(channel, statusOf(before, channel), statusOf(d.send, channel))
}

// mayHaveSMS reports whether an SMS of the send went out, or may have.
func (d *draft) mayHaveSMS() bool {
	return slices.ContainsFunc(d.attempts, func(a backstop.Attempt) bool {
		return a.Channel == backstop.SMS && (a.State == backstop.Calling || a.State == backstop.Accepted ||
			a.State == backstop.AttemptState(backstop.Unknown))
	})
}

// settle ends a send for which no SMS can be due any more, and reports whether it did. If an SMS was tried and averted
// its workflow knows more, and ends it.
func (d *draft) settle(at time.Time) bool {
	tried := d.send.SMSStatus == "" && d.newest(ofChannel(backstop.SMS)) != nil
	if d.send.FinishedAt != nil || tried || !d.send.Settled() {
		return false
	}
	d.finish(at)
	return true
}

func (d *draft) finish(at time.Time) {
	d.send.FinishedAt, d.send.ReceiptBy = pool.StampPtr(&at), nil
	d.send.Outcome = d.send.Decide()
	d.note(backstop.Event{At: at, Kind: backstop.EventFinished, Detail: string(d.send.Outcome)})
}

func statusOf(s backstop.Send, channel backstop.Channel) backstop.Status {
	if channel == backstop.SMS {
		return s.SMSStatus
	}
	return s.WhatsAppStatus
}

func (d *draft) note(e backstop.Event) { d.events = append(d.events, e) }
