package backstop

import "time"

// CallbackQueue is the pending callbacks of a send, as a store read them.
type CallbackQueue struct {
	Send    string
	LastSeq int // of the newest event in the queue
	Changes int // counts the additions

	Next        *QueuedCallback // nil: none is pending
	SinceReplay int             // the tries of Next before its newest replay

	Lease       string     // names the lease that this read may lead to
	LeasedUntil *time.Time // another process posts
	NextAt      *time.Time // no callback is posted before it
	Endpoint    *CallbackEndpoint
	ProbeUntil  *time.Time // another process probes the endpoint
	Now         time.Time  // the time of the read, by the store's clock

	Traceparent string // of the send
}

// IsHeld reports whether the endpoint is paused, and this process may not probe it now.
func (q CallbackQueue) IsHeld() bool {
	e := q.Endpoint
	if e == nil || e.PausedAt == nil {
		return false
	}
	return isAfter(e.RetryAt, q.Now) || isAfter(q.ProbeUntil, q.Now)
}

// IsProbe reports whether the endpoint is paused, so that the next try is a probe.
func (q CallbackQueue) IsProbe() bool { return q.Endpoint != nil && q.Endpoint.PausedAt != nil }

// WaitsUntil returns the time before which no callback is posted. A time that is not after Now does not wait.
func (q CallbackQueue) WaitsUntil() time.Time {
	until := latest(q.LeasedUntil, q.NextAt)
	if q.IsHeld() {
		for _, at := range []*time.Time{q.Endpoint.RetryAt, q.ProbeUntil} {
			if isAfter(at, until) {
				until = *at
			}
		}
	}
	return until
}

// TriesSinceQueued returns the tries of the next callback since it was queued or replayed.
func (q CallbackQueue) TriesSinceQueued() int { return q.Next.Tries - q.SinceReplay }

func isAfter(t *time.Time, other time.Time) bool { return t != nil && t.After(other) }

func latest(times ...*time.Time) time.Time {
	var last time.Time
	for _, t := range times {
		if isAfter(t, last) {
			last = *t
		}
	}
	return last
}

// CallbackEnding is how a try of a callback ended.
type CallbackEnding struct {
	Try     CallbackTry
	State   CallbackState // Pending: it is retried after RetryIn
	RetryIn time.Duration
}

// IsAnswered reports whether the receiver answered.
func (e *CallbackEnding) IsAnswered() bool { return e.Try.Status != 0 }

// Decide sets the state that follows from the try: a 2xx is a delivery, and a 410 ends the callbacks of the send. Everything else
// is retried until CallbackLife after the callback was queued.
func (e *CallbackEnding) Decide(q CallbackQueue) {
	const gone = 410
	switch s := e.Try.Status; {
	case s >= 200 && s < 300:
		e.State = CallbackDelivered
	case s == gone:
		e.State = CallbackGone
	case !e.Try.At.Add(e.RetryIn).Before(q.Next.QueuedAt.Add(CallbackLife)):
		e.State = CallbackFailed
	default:
		e.State = CallbackPending
	}
}
