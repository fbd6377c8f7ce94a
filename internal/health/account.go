package health

import (
	"crypto/rand"
	"sync"
	"sync/atomic"
	"time"
)

// account is the circuit of an account in this process.
type account struct {
	name    string
	circuit atomic.Pointer[circuit]

	mu         sync.Mutex
	record     Record    // as stored, with what this process has decided since
	known      time.Time // Since of the record as it was last read
	generation int       // counts the changes of the state
	streak     streak
	report     report    // not stored yet
	askedUntil time.Time // by this machine's clock: a call of this process asks the store for the probe until then
	round      int64     // the last read of all rows that began before record was read
	isWarned   bool      // the log has a line of a circuit that is open in this process alone
}

// circuit is the part of an account's state that each call reads. It is never changed, only replaced.
type circuit struct {
	isOpen     bool
	generation int
	askAt      time.Time // by this machine's monotonic clock: no probe may be asked for before it
}

func newAccount(name string) *account {
	a := &account{name: name}
	a.circuit.Store(&circuit{})
	return a
}

// refusesCalls reports whether the circuit allows no call, not even a probe.
func (c *circuit) refusesCalls() bool { return c.isOpen && time.Now().Before(c.askAt) }

// publish replaces the circuit. Now is the time by the store's clock. The time until a probe is a difference of two times of
// that clock, so this machine's clock only measures a duration. The caller has locked mu; so it has in all methods below but
// take, restore and saved.
func (a *account) publish(now time.Time) {
	c := &circuit{isOpen: a.record.IsOpen, generation: a.generation}
	if c.isOpen {
		c.askAt = time.Now().Add(a.record.nextProbe().Sub(now))
		if a.askedUntil.After(c.askAt) {
			c.askAt = a.askedUntil
		}
	}
	a.circuit.Store(c)
}

// adopt replaces the record by that of the store. By is the report that this process has just stored, or empty. If another
// process has changed the state, the counts of this one are of the former state, and are dropped.
func (a *account) adopt(r Record, now time.Time, by string) {
	isOther := !a.record.Since.IsZero() && !a.record.Since.Equal(r.Since) && (by == "" || r.ChangedBy != by)
	if isOther || a.record.IsOpen != r.IsOpen {
		a.generation++
		a.streak, a.report = streak{}, report{}
	}
	a.record, a.known, a.isWarned = r, r.Since, false
	a.publish(now)
}

// decide changes the state by a verdict of this process, at once. The verdict is stored later.
func (a *account) decide(v verdict, now time.Time) {
	if earlier := a.report.verdict; v.lease == "" {
		v.lease, v.isAlone = earlier.lease, earlier.isAlone // the verdict that is not stored yet was that of a probe
	}
	wasOpen := a.record.IsOpen
	a.record = merge(a.record, report{verdict: v}, now)
	if a.record.IsOpen != wasOpen {
		a.generation++
		a.streak = streak{}
	}
	a.report.verdict, a.report.by = v, rand.Text()
	a.publish(now)
}

// count counts the end of a call.
func (a *account) count(e end) {
	if a.report.counts == (Counts{}) {
		a.report.from = time.Now()
	}
	a.report.counts = a.report.counts.plus(e.counts())
	a.streak.add(e)
}

// isPending reports whether a report of this process is on its way, or its verdict has not reached the store.
func (a *account) isPending() bool { return a.report.by != "" }

// take takes the report, or returns false if there is none. Counts that are older than a window are dropped.
func (a *account) take(verdictsOnly bool) (p report, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if time.Since(a.report.from) > window {
		a.report.counts = Counts{}
	}
	hasVerdict := a.report.verdict.kind != noVerdict
	if !hasVerdict && (verdictsOnly || a.report.counts == (Counts{}) && !a.isPending()) {
		return report{}, false
	}
	p = a.report
	p.known = a.known
	if p.by == "" {
		p.by = rand.Text()
	}
	a.report = report{}
	return p, true
}

// restore puts back a report that could not be stored, or whose answer was lost. It returns true once for a circuit that is open
// in this process alone.
func (a *account) restore(p report) (isAlone bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.report.verdict.kind == noVerdict {
		a.report.verdict, a.report.by = p.verdict, p.by
	}
	if p.counts != (Counts{}) {
		a.report.counts, a.report.from = a.report.counts.plus(p.counts), p.from
	}
	isAlone = p.verdict.kind == opens && p.verdict.lease == "" && !a.isWarned
	a.isWarned = a.isWarned || isAlone
	return isAlone
}

// saved adopts the record after a report was stored, unless this process has come to a new verdict meanwhile.
func (a *account) saved(p report, r Record, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.report.verdict.kind != noVerdict {
		a.known = r.Since
		return
	}
	a.adopt(r, now, p.by)
}

// refresh adopts a record that was read in a round, unless a newer one is known or a report is pending.
func (a *account) refresh(r Record, round int64, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.round < round && !a.isPending() {
		a.adopt(r, now, "")
	}
}
