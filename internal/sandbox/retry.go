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

// retryPolicy decides whether a provider retries a failed webhook, and after which pause. attempt counts from 0. elapsed is
// the time since the first attempt.
type retryPolicy interface {
	nextPause(attempt int, elapsed time.Duration, err error) (pause time.Duration, retry bool)
}

// statusError is the HTTP status of a receiver that refused a webhook.
type statusError int

func (s statusError) Error() string { return fmt.Sprintf("HTTP %d", int(s)) }

// Meta retries with backoff for 7 days (manual, "Webhooks"). The sandbox retries for 10 minutes.
const (
	firstBackoff = time.Second
	maxBackoff   = time.Minute
	giveUpAfter  = 10 * time.Minute // at speed 1

	// Minimums in real time, at any speed: a receiver needs time to restart.
	minFirstBackoff = 50 * time.Millisecond
	minMaxBackoff   = time.Second
	minGiveUpAfter  = time.Minute
)

// metaRetries retries after any failure, as Meta does.
type metaRetries struct{ speed float64 }

func (p metaRetries) nextPause(attempt int, elapsed time.Duration, _ error) (time.Duration, bool) {
	pause := backoffPause(attempt, p.speed)
	return pause, elapsed+pause <= max(minGiveUpAfter, scaleDelay(giveUpAfter, p.speed))
}

// backoffPause returns the pause after a failed attempt. The pause doubles from 1 s to 60 s, divided by speed. Its minimum, in
// real time, doubles from 50 ms to 1 s.
func backoffPause(attempt int, speed float64) time.Duration {
	doubled := func(first, most time.Duration) time.Duration {
		const enough = 16 // as many doublings reach each limit here and do not overflow
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
	maxTotalTime      = 15 * time.Second // of all tries together
	minTotalTime      = 100 * time.Millisecond
)

// connectionOverrides is the retry policy of a Twilio callback.
type connectionOverrides struct {
	count int           // rc: the number of retries
	on    []string      // rp: the kinds of failure that are retried
	total time.Duration // tt: the time of all tries together
}

// readOverrides parses the fragment of a callback's URL. It ignores invalid values, the time-outs (ct, rt), the edge and
// SNI.
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

// nextPause doubles the pause from 0.4 s, so five retries end within 15 s. The manual does not give the pauses. They do not
// depend on the speed, because a fast sandbox does not make a receiver restart faster.
func (o connectionOverrides) nextPause(attempt int, elapsed time.Duration, err error) (time.Duration, bool) {
	const first = 400 * time.Millisecond
	pause := first << min(attempt, maxRetryCount)
	if attempt >= o.count || elapsed+pause > o.total {
		return 0, false
	}
	return pause, slices.Contains(o.on, "all") || slices.Contains(o.on, kindOf(err))
}

// kindOf returns the name of a failure in a retry policy (rp).
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
		return "" // such as a redirect: it is not retried
	case waiting && timeout.Timeout() && !dialing:
		return "rt"
	default:
		return "ct"
	}
}
