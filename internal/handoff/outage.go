package handoff

import (
	"errors"
	"sync/atomic"
	"time"

	"go.temporal.io/api/serviceerror"
	"google.golang.org/grpc/codes"
)

// respite is how long a Temporal that did not answer is left alone.
const respite = time.Second

// errAway says that Temporal did not answer a moment ago and was not asked again.
var errAway = errors.New("temporal is away")

// outage remembers that Temporal did not answer, so that this slows down one request per respite and not all.
type outage struct {
	until    atomic.Int64 // Unix nanoseconds of the next try; 0 while Temporal answers
	answered atomic.Int64 // Unix nanoseconds of the newest answer
}

// admits reports whether Temporal may be asked: by all while it answers, and by one after each respite since it did not.
func (o *outage) admits(now time.Time) bool {
	until := o.until.Load()
	if until == 0 {
		return true
	}
	taken := now.Add(patience + respite).UnixNano() // the others wait for what the one hears
	return now.UnixNano() >= until && o.until.CompareAndSwap(until, taken)
}

// isShut reports whether no request may go to Temporal now.
func (o *outage) isShut(now time.Time) bool { return now.UnixNano() < o.until.Load() }

// isOn reports whether Temporal did not answer when it was last asked.
func (o *outage) isOn() bool { return o.until.Load() != 0 }

// record takes in what a call returned, and reports whether an outage began or ended with it.
func (o *outage) record(now time.Time, err error) (began, ended bool) {
	switch {
	case isCanceled(err): // by us: it says nothing of Temporal
		return false, false
	case isBusy(err) && now.UnixNano()-o.answered.Load() < int64(patience):
		return false, false // it answers others: to leave it alone and come back with more would not help
	case isAway(err):
		return o.until.Swap(now.Add(respite).UnixNano()) == 0, false
	default: // a refusal is an answer
		o.answered.Store(now.UnixNano())
		return false, o.until.Swap(0) != 0
	}
}

// isAway reports whether err says that Temporal takes nothing now, from nobody, rather than that it refuses this one.
// Without access to the namespace, or without the namespace, it takes nothing either.
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

// isBusy reports whether Temporal was too slow for a call, or throttled it. The SDK has then retried it for as long as the call
// may take, with pauses.
func isBusy(err error) bool {
	code := serviceerror.ToStatus(err).Code()
	return code == codes.DeadlineExceeded || code == codes.ResourceExhausted
}

func isCanceled(err error) bool { return serviceerror.ToStatus(err).Code() == codes.Canceled }
