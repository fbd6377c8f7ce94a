package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/backstophq/backstop"
)

// held is a send whose row a transaction has locked, with its attempts. Everything that happens to a send happens to
// a held one: it is changed in memory and saved at the end.
type held struct {
	tx       *sqlx.Tx
	stored   backstop.Send // as the row is
	send     backstop.Send // as it will be
	attempts []backstop.Attempt
	events   []backstop.Event // to be added to the timeline
}

const lockSend = getSend + ` FOR UPDATE`

// hold waits for the send's row and locks it until the transaction ends.
func hold(ctx context.Context, tx *sqlx.Tx, id string) (*held, error) {
	send, err := findSend(ctx, tx, lockSend, id)
	if err != nil {
		return nil, err
	}
	attempts, err := attempts(ctx, tx, send.ID) // read after the lock, so nothing changes them any more
	if err != nil {
		return nil, err
	}
	return &held{tx: tx, stored: send, send: send, attempts: attempts}, nil
}

func (h *held) attempt(step, number int) *backstop.Attempt {
	for i := range h.attempts {
		if a := &h.attempts[i]; a.Ref.Step == step && a.Number == number {
			return a
		}
	}
	return nil
}

// newest returns the last attempt of a step, or nil.
func (h *held) newest(step int) *backstop.Attempt {
	var newest *backstop.Attempt
	for i := range h.attempts {
		if h.attempts[i].Ref.Step == step {
			newest = &h.attempts[i]
		}
	}
	return newest
}

// replaced reports whether a later step of the channel sent another message.
func (h *held) replaced(channel backstop.Channel, step int) bool {
	for _, a := range h.attempts {
		if a.Channel == channel && a.Ref.Step > step {
			return true
		}
	}
	return false
}

// absorb merges a status of a step's message into the send, and reports whether its workflow waits for that. The send
// alone cannot tell an SMS that is being sent from one that was surely not sent yet; the attempts can, and only the
// first makes a delivery a duplicate.
func (h *held) absorb(channel backstop.Channel, status backstop.Status, step int, at time.Time) (waits bool) {
	before := h.send
	h.send = before.Absorb(channel, status, !h.replaced(channel, step))
	h.send.DuplicateDelivery = h.send.DuplicateDelivery && h.mayHaveSMS()
	if h.send.DuplicateDelivery && !before.DuplicateDelivery {
		h.note(backstop.Event{At: at, Kind: backstop.EventDuplicate, Channel: channel, Status: status})
	}
	return before.Waits(channel, statusOf(before, channel), statusOf(h.send, channel))
}

// mayHaveSMS reports whether an SMS of the send went out, or may have.
func (h *held) mayHaveSMS() bool {
	return slices.ContainsFunc(h.attempts, func(a backstop.Attempt) bool {
		return a.Channel == backstop.SMS && (a.State == backstop.Calling || a.State == backstop.Accepted ||
			a.State == backstop.AttemptState(backstop.Unknown))
	})
}

func statusOf(s backstop.Send, channel backstop.Channel) backstop.Status {
	if channel == backstop.SMS {
		return s.SMSStatus
	}
	return s.WhatsAppStatus
}

func (h *held) note(e backstop.Event) { h.events = append(h.events, e) }

const updateSend = `UPDATE sends
SET whatsapp_status = $2, sms_status = $3, fired = $4, fired_reason = $5, duplicate_delivery = $6, expired = $7,
    finished_at = $8, outcome = $9
WHERE id = $1`

// save writes what has changed.
func (h *held) save(ctx context.Context) error {
	if s := h.send; changed(h.stored, s) {
		err := execute(ctx, h.tx, updateSend, s.ID, s.WhatsAppStatus, s.SMSStatus, s.Fired, s.FiredReason,
			s.DuplicateDelivery, s.Expired, s.FinishedAt, s.Outcome)
		if err != nil {
			return err
		}
	}
	return h.insertEvents(ctx)
}

func changed(a, b backstop.Send) bool {
	return a.WhatsAppStatus != b.WhatsAppStatus || a.SMSStatus != b.SMSStatus ||
		a.Fired != b.Fired || a.FiredReason != b.FiredReason ||
		a.DuplicateDelivery != b.DuplicateDelivery || a.Expired != b.Expired ||
		(a.FinishedAt == nil) != (b.FinishedAt == nil) || a.Outcome != b.Outcome
}
