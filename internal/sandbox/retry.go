package sandbox

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// repetition decides whether a provider repeats a failed webhook, and after which pause. attempt counts from 0; elapsed is
// the time since the first attempt.
type retryPolicy interface {
	nextPause(attempt int, elapsed time.Duration, err error) (pause time.Duration, again bool)
}

// statusError is the HTTP status with which a receiver refused a webhook.
type statusError int

func (s statusError) Error() string { return fmt.Sprintf("HTTP %d", int(s)) }

// Meta repeats with backoff for 7 days (manual, "Webhooks"); the sandbox repeats for 10 minutes.
const (
	firstBackoff = time.Second
	maxBackoff   = time.Minute
	giveUpAfter  = 10 * time.Minute // at speed 1

	// Lower bounds in real time, at any speed: a receiver needs time to restart.
	minFirstBackoff = 50 * time.Millisecond
	minMaxBackoff   = time.Second
	minGiveUpAfter  = time.Minute
)

// patiently repeats after any failure, as Meta does.
type metaRetries struct{ speed float64 }

func (p metaRetries) nextPause(attempt int, elapsed time.Duration, _ error) (time.Duration, bool) {
	pause := backoffPause(attempt, p.speed)
	return pause, elapsed+pause <= max(minGiveUpAfter, scaleDelay(giveUpAfter, p.speed))
}

// backoff is the pause after a failed attempt. It doubles from 1 s to 60 s, divided by speed. Its lower bound, in real time,
// doubles from 50 ms to 1 s.
func backoffPause(attempt int, speed float64) time.Duration {
	doubled := func(first, most time.Duration) time.Duration {
		const enough = 16 // doublings reach any limit here, and do not overflow
		return min(first<<min(attempt, enough), most)
	}
	return max(scaleDelay(doubled(firstBackoff, maxBackoff), speed), doubled(minFirstBackoff, minMaxBackoff))
}

// Bounds and defaults of Twilio's connection overrides (manual, "Webhooks (HTTP callbacks): Connection Overrides",
// twilio.com/docs/usage/webhooks/webhooks-connection-overrides).
const (
	maxRetryCount     = 5
	defaultRetryCount = 1
	defaultRetryOn    = "ct"
	maxTotalTime      = 15 * time.Second // for all tries together
	minTotalTime      = 100 * time.Millisecond
)

// overrides decide when Twilio repeats a callback.
type connectionOverrides struct {
	count int           // rc: tries after the first
	on    []string      // rp: the kinds of failure
	total time.Duration // tt: of all tries
}

// readOverrides reads the fragment of a callback's address. It ignores invalid values, the time-outs (ct, rt), the edge
// and SNI.
func readOverrides(callback string) connectionOverrides {
	o := connectionOverrides{count: defaultRetryCount, on: []string{defaultRetryOn}, total: maxTotalTime}
	_, fragment, _ := strings.Cut(callback, "#")
	values, err := url.ParseQuery(fragment)
	if err != nil {
		return o
	}
	if n, err := strconv.Atoi(values.Get("rc")); err == nil && n >= 0 && n <= maxRetryCount {
		o.count = n
	}
	if kinds := strings.Split(values.Get("rp"), ","); !slices.ContainsFunc(kinds, unknownKind) {
		o.on = kinds
	}
	if ms, err := strconv.Atoi(values.Get("tt")); err == nil {
		if total := time.Duration(ms) * time.Millisecond; total >= minTotalTime && total <= maxTotalTime {
			o.total = total
		}
	}
	return o
}

func unknownKind(kind string) bool {
	return !slices.Contains([]string{"4xx", "5xx", "ct", "rt", "all"}, kind)
}

// after doubles the pause from 0.4 s, so that five retries end within 15 s. The manual does not give the pauses. They do not
// depend on the speed: a receiver restarts no faster in a fast sandbox.
func (o connectionOverrides) nextPause(attempt int, elapsed time.Duration, err error) (time.Duration, bool) {
	const first = 400 * time.Millisecond
	pause := first << min(attempt, maxRetryCount)
	if attempt >= o.count || elapsed+pause > o.total {
		return 0, false
	}
	return pause, slices.Contains(o.on, "all") || slices.Contains(o.on, kindOf(err))
}

// kindOf is the name of a failure in the retry policy (rp).
func kindOf(err error) string {
	status, answered := errors.AsType[statusError](err)
	operation, below := errors.AsType[*net.OpError](err)
	dialing := below && operation.Op == "dial"
	timeout, waiting := errors.AsType[net.Error](err)
	switch {
	case answered && status >= 500:
		return "5xx"
	case answered && status >= 400:
		return "4xx"
	case answered:
		return "" // such as a redirect: it is not repeated
	case waiting && timeout.Timeout() && !dialing:
		return "rt"
	default:
		return "ct"
	}
}
