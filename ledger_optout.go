package backstop

import (
	"fmt"
	"slices"
	"time"
)

// isListed reports whether the list of opt-outs forbids such a send, as of the time when the ledger was loaded. A cached ledger
// has no list: its store guards the change that begins a call.
func (l *Ledger) isListed() bool {
	return slices.ContainsFunc(OptOutsThatStop(l.Send.Category), func(c OptOutCategory) bool {
		return slices.Contains(l.OptedOutOf, c)
	})
}

// BeginsCall reports whether a change of the ledger before it begins a provider call. The store saves such a change only if the
// recipient has not opted out.
func (l *Ledger) BeginsCall(before *Ledger) bool {
	for _, a := range l.Attempts {
		if b := before.Attempt(a.Ref.Step); a.State == Calling && (b == nil || b.Token != a.Token || b.Number != a.Number) {
			return true
		}
	}
	return false
}

// endListed ends the send, because its recipient is on the list. While an SMS may still arrive, the send goes on: its receipt
// ends it, or the next call is refused.
func (l *Ledger) endListed(c Call, now time.Time) {
	if l.smsMayArrive() {
		return
	}
	l.mergeCurrentStatus(c.Channel, now)
	l.withdraw(now)
	l.addEvent(Event{Kind: EventOptedOut, Channel: c.Channel, Rule: l.ruleName(c), Detail: l.describeListed()}, now)
	l.finish(now)
}

// Skip ends a send that was just accepted, because its recipient is on the list.
func (l *Ledger) Skip(now time.Time) {
	l.addEvent(Event{Kind: EventOptedOut, Channel: WhatsApp, Detail: l.describeListed()}, now)
	l.finish(now)
}

func (l *Ledger) describeListed() string {
	for _, c := range OptOutsThatStop(l.Send.Category) {
		if slices.Contains(l.OptedOutOf, c) {
			return fmt.Sprintf("on the list of opt-outs: %s", c)
		}
	}
	return ""
}

// noteOptOut adds an entry for the list, if a provider refused a message because its recipient has opted out. A simulated
// provider says nothing about the real person.
func (l *Ledger) noteOptOut(channel Channel, provider, account string, f *Failure, at time.Time) {
	if f == nil || f.Class != OptedOut || l.Send.IsTest || !l.Send.HasNumber() {
		return
	}
	l.OptOuts = append(l.OptOuts, OptOut{
		To: l.Send.To, Since: at,
		OptOutOrigin: OptOutOrigin{
			Source: ByProvider, Channel: channel, Provider: provider, Account: account, Code: f.Code, Send: l.Send.ID,
		},
	})
}
