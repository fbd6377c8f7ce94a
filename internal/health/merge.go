package health

import (
	"fmt"
	"time"
)

const (
	// failuresInRow is how many calls must fail one after the other, in one process, before a circuit opens. A single recipient
	// or a lost connection fails fewer, and an outage is found after few calls.
	failuresInRow = 5

	// window is how long counts of calls are added up. In a longer one an outage would be hidden by the calls before it.
	window = time.Minute
	// minCalls is how many calls a window must have before its shares count. Of fewer, some failures are chance.
	minCalls = 20
	// maxUnknownPercent is the share of unknown ends above which a circuit opens. It is lower than that of failures, because the
	// message of such a call may be sent twice, or never.
	maxUnknownPercent = 30

	// retryDown is the pause before a probe of an account that was down or did not answer. An outage may end at any time, and one
	// call in 10 s is no load for a provider.
	retryDown = 10 * time.Second
	// retryFaults is the pause before a probe of an account that was refused. An operator has to act, which takes minutes.
	retryFaults = time.Minute

	// probeLease is longer than a call with its writes (backstop.CallTimeout, 30 s). If its process dies, another one may probe
	// after it.
	probeLease = 40 * time.Second
)

func retryPause(r Reason) time.Duration {
	if r == AccountFaults {
		return retryFaults
	}
	return retryDown
}

// report is what a process adds to the row of an account.
type report struct {
	counts  Counts
	verdict verdict
	from    time.Time // by this machine's clock: the begin of the counts
	by      string    // identifies the report
	known   time.Time // Since of the row that the process knew; zero: it knew none
}

// verdict is what a process has decided by its own calls.
type verdict struct {
	kind   verdictKind
	reason Reason // of opens

	lease   string // of the probe that decided; empty: none did
	isAlone bool   // the store did not answer when the probe was made
}

type verdictKind int

const (
	noVerdict verdictKind = iota
	opens                 // failures in a row, or a probe that did not end well
	closes                // a probe that ended well
)

// merge returns a circuit after a report. It changes nothing if the circuit has opened or closed since the process last read it,
// or was deleted: the reported calls began before.
func merge(r Record, p report, now time.Time) Record {
	switch {
	case !p.known.IsZero() && !p.known.Equal(r.Since):
		return r
	case r.IsOpen:
		return mergeOpen(r, p.verdict, p.by, now)
	default:
		return mergeClosed(r, p, now)
	}
}

// mergeOpen lets the end of the probe close the circuit or open it anew. The probe has lost its say if its lease has passed to
// another. A probe without a stored lease counts if nobody else probes.
func mergeOpen(r Record, v verdict, by string, now time.Time) Record {
	isHolder := v.lease != "" && v.lease == r.ProbeBy
	switch {
	case v.kind == noVerdict, !isHolder && (!v.isAlone || r.isLeased(now)):
		return r
	case v.kind == closes:
		return Record{Since: now, WindowStart: now, ChangedBy: by}
	}
	r.Reason, r.RetryAt = v.reason, now.Add(retryPause(v.reason))
	r.ProbeBy, r.ProbeUntil = "", time.Time{}
	return r
}

// mergeClosed adds the counts to the window and opens the circuit if there are too many failures.
func mergeClosed(r Record, p report, now time.Time) Record {
	if p.verdict.kind != opens && p.counts == (Counts{}) {
		return r
	}
	if r.Since.IsZero() {
		r.Since = now
	}
	if age := now.Sub(r.WindowStart); age < 0 || age >= window {
		r.WindowStart, r.Window = now, Counts{}
	}
	r.Window = r.Window.plus(p.counts)
	reason := r.Window.reason()
	if p.verdict.kind == opens {
		reason = p.verdict.reason
	}
	if reason != "" {
		r.IsOpen, r.Reason, r.Since, r.RetryAt, r.ChangedBy = true, reason, now, now.Add(retryPause(reason)), p.by
	}
	return r
}

// describe returns how many calls of a window did not succeed, or "" if all did. A closed circuit may have such calls.
func (c Counts) describe() string {
	failed := c.Faults + c.Unavailable + c.Unknown
	if failed == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d calls did not succeed in the newest minute with calls", failed, c.Calls)
}

// reason returns why the counts of a window open a circuit, or "".
func (c Counts) reason() Reason {
	switch failures := c.Faults + c.Unavailable; {
	case c.Calls < minCalls:
		return ""
	case 2*failures > c.Calls && c.Faults > c.Unavailable:
		return AccountFaults
	case 2*failures > c.Calls:
		return Down
	case 100*c.Unknown > maxUnknownPercent*c.Calls:
		return UnknownEnds
	}
	return ""
}
