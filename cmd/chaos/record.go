package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// record is everything that was observed of one run from outside. The checks use nothing else.
type record struct {
	sends    []*sendRecord
	faults   []fault // as they were injected
	leaks    []leak
	panics   []failedTask
	running  map[string]bool   // ids of the sends whose workflow still runs
	crashes  []string          // processes that ended by themselves
	searched int               // how many histories and logs were searched for personal data
	extra    []string          // sends in the API that were not requested
	offset   time.Duration     // how far the API's clock is ahead of this process's clock
	calls    map[string][]call // by phone number, to numbers of no send

	workers      map[*sendRecord]map[string]bool // of a deployment: the releases whose workers did tasks of a send
	unknownTypes int                             // workflow tasks that a worker refused because its release lacks the workflow
	migrations   int                             // of the new release, applied while the previous one ran
	refused      []string                        // HTTP requests that the load balancer answered with 5xx, without webhooks
}

// sendRecord is one send: the request, the answers and the observed result.
type sendRecord struct {
	order

	ID         string    // in the 202; empty if there was none
	PostedAt   time.Time // when the first try began
	AnsweredAt time.Time // when the 202 arrived
	ExpiresAt  *time.Time
	SendAt     *time.Time
	EndedAt    time.Time // when the answer to EndBy arrived
	EndStatus  int       // its HTTP status; 0: there was none
	Problems   []string  // answers that a correct client should never get

	Final   *view  // nil if it could not be read
	Views   []view // polled during the run, in order
	Calls   []call // in the providers' record, in order
	Reports []report
}

// call is a call to a provider, as the provider recorded it.
type call struct {
	Seq         uint64    `json:"seq"`
	Time        time.Time `json:"time"`
	Provider    string    `json:"provider"`
	Channel     string    `json:"channel"`
	To          string    `json:"to"`
	From        string    `json:"from"`
	ID          string    `json:"id"`
	Correlation string    `json:"correlation"`
	Accepted    bool      `json:"accepted"`
	Answer      struct {
		Status int `json:"status"`
		Code   int `json:"code"`
	} `json:"answer"`
}

// failedTask is a workflow task that failed through the workflow's own fault.
type failedTask struct {
	send     *sendRecord
	deadlock bool // the workflow did not yield for a second
	text     string
}

// leak is personal data in a place that may have none.
type leak struct {
	where string // a history, a running workflow or a log
	what  string
	send  *sendRecord // nil if unknown
}

// callsOf returns the calls of a channel.
func (s *sendRecord) callsOf(channel string) []call {
	var found []call
	for _, c := range s.Calls {
		if c.Channel == channel {
			found = append(found, c)
		}
	}
	return found
}

// acceptedCalls returns the calls of a channel that a provider accepted.
func (s *sendRecord) acceptedCalls(channel string) []call {
	var found []call
	for _, c := range s.callsOf(channel) {
		if c.Accepted {
			found = append(found, c)
		}
	}
	return found
}

// attemptsOf returns the attempts of a channel.
func (s *sendRecord) attemptsOf(channel string) []attempt {
	var found []attempt
	if s.Final == nil {
		return nil
	}
	for _, a := range s.Final.Attempts {
		if a.Channel == channel {
			found = append(found, a)
		}
	}
	return found
}

// toOwnClock converts a time of the API's clock to this process's clock.
func (r *record) toOwnClock(t time.Time) time.Time { return t.Add(-r.offset) }

// hasDied reports whether a Backstop process was killed or frozen between two moments. If so, the end of a call under way
// may be unknown.
func (r *record) hasDied(from, until time.Time) bool {
	deaths := []faultKind{killServe, freezeServe, faultKind(killPrevious)}
	for _, f := range r.faults {
		if slices.Contains(deaths, f.Kind) && f.Began.After(from) && f.Began.Before(until) {
			return true
		}
	}
	return false
}

// maskNumber masks the middle of a phone number.
func maskNumber(number string) string {
	const head, tail = 4, 4
	if len(number) <= head+tail {
		return number
	}
	return number[:head] + strings.Repeat("*", len(number)-head-tail) + number[len(number)-tail:]
}

// timeline lists everything that was observed of a send, in order, for debugging.
func (s *sendRecord) timeline(r *record) []string {
	type line struct {
		at   time.Time
		text string
	}
	var lines []line
	add := func(at time.Time, format string, values ...any) {
		lines = append(lines, line{at, fmt.Sprintf(format, values...)})
	}
	add(s.PostedAt, "posted")
	if !s.AnsweredAt.IsZero() {
		add(s.AnsweredAt, "202")
	}
	if s.EndStatus != 0 {
		add(s.EndedAt, "%s was answered with %d", s.EndBy, s.EndStatus)
	}
	for _, c := range s.Calls {
		add(c.Time, "provider: %s call to %s from %s, answered %d %d",
			c.Channel, c.Provider, c.From, c.Answer.Status, c.Answer.Code)
	}
	for _, one := range s.Reports {
		what := "not acknowledged"
		if !one.Acked.IsZero() {
			what = "acknowledged after " + one.Acked.Sub(one.Arrived).Round(time.Millisecond).String()
		}
		add(one.Arrived, "webhook: %s %s of %s, %s", one.Provider, one.Status, strings.TrimPrefix(one.Ref, s.ID), what)
	}
	if s.Final != nil {
		for _, a := range s.Final.Attempts {
			add(r.toOwnClock(a.StartedAt), "attempt: %s step %d.%d by %s %s began; it is %s, %s",
				a.Channel, a.Step, a.Number, a.Account, a.SendID, a.State, a.Status)
		}
		for _, e := range s.Final.Events {
			add(r.toOwnClock(e.At), "event: %s", strings.Join(strings.Fields(strings.Join(
				[]string{e.Kind, e.Channel, e.Status, e.Rule, e.Account, e.Reason, e.Code, e.Detail}, " ")), " "))
		}
	}
	for _, f := range r.faults {
		if f.Ended.After(s.PostedAt.Add(-time.Second)) && (s.Final == nil || s.Final.FinishedAt == nil ||
			f.Began.Before(r.toOwnClock(*s.Final.FinishedAt))) {
			add(f.Began, "fault: %s", f)
		}
	}
	sortBy(lines, func(l line) time.Time { return l.at })
	texts := make([]string, 0, len(lines)+1)
	texts = append(texts, fmt.Sprintf("send %s to %s, scenario %s, policy %q, category %q, expires in %s, starts in %s",
		s.ID, maskNumber(s.Number), s.Scenario.digits, s.Policy.Name, s.Category, s.ExpiresIn, s.SendIn))
	for _, l := range lines {
		texts = append(texts, fmt.Sprintf("%+9.3f s  %s", l.at.Sub(s.PostedAt).Seconds(), l.text))
	}
	return texts
}
