package handoff

import (
	"errors"
	"sync/atomic"
	"time"

	"go.temporal.io/api/serviceerror"
	"google.golang.org/grpc/codes"
)

// respite is the pause before the next call to Temporal after it did not answer.
const respite = time.Second

// errAway means that Temporal did not answer a moment ago, so that this call was not made.
var errAway = errors.New("temporal is away")

// outage is a circuit breaker for the calls to Temporal. During an outage one call per respite waits for Temporal. The other
// calls fail at once.
type outage struct {
	until    atomic.Int64 // Unix nanoseconds of the next try; 0 while Temporal answers
	answered atomic.Int64 // Unix nanoseconds of the newest answer
}

// admits reports whether a call may be made: any call while Temporal answers, and one call per respite during an outage.
func (o *outage) admits(now time.Time) bool {
	until := o.until.Load()
	if until == 0 {
		return true
	}
	taken := now.Add(patience + respite).UnixNano() // the others wait for the result of this one
	return now.UnixNano() >= until && o.until.CompareAndSwap(until, taken)
}

// isShut reports whether no request may go to Temporal now.
func (o *outage) isShut(now time.Time) bool { return now.UnixNano() < o.until.Load() }

// isOn reports whether the last call to Temporal got no answer.
func (o *outage) isOn() bool { return o.until.Load() != 0 }

// record records the result of a call, and reports whether an outage began or ended with it.
func (o *outage) record(now time.Time, err error) (began, ended bool) {
	switch {
	case isCanceled(err): // by this process, so it is no answer
		return false, false
	case isBusy(err) && now.UnixNano()-o.answered.Load() < int64(patience):
		return false, false // it answers other calls: a pause would only make the backlog longer
	case isAway(err):
		return o.until.Swap(now.Add(respite).UnixNano()) == 0, false
	default: // a refusal is an answer
		o.answered.Store(now.UnixNano())
		return false, o.until.Swap(0) != 0
	}
}

// isAway reports whether Temporal accepts no call at present. It returns false if Temporal refuses this call alone. Without the
// namespace, or without access to it, every call fails, so that counts as away too.
func isAway(err error) bool {
	if _, ok := errors.AsType[*serviceerror.NamespaceNotFound](err); ok {
		return true
	}
	switch serviceerror.ToStatus(err).Code() {
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted, codes.PermissionDenied, codes.Unauthenticated:
		return true
	default:
		return false
	}
}

// isBusy reports whether Temporal was too slow for a call, or throttled it. The SDK has retried the call with pauses until its
// timeout.
func isBusy(err error) bool {
	code := serviceerror.ToStatus(err).Code()
	return code == codes.DeadlineExceeded || code == codes.ResourceExhausted
}

func isCanceled(err error) bool { return serviceerror.ToStatus(err).Code() == codes.Canceled }
