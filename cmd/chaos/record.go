package main

import (
	"fmt"
	"strings"
	"time"
)

// record is all that was seen of one run from outside. The checks look at nothing else.
type record struct {
	sends    []*sendRecord
	faults   []fault // as they were done
	leaks    []leak
	panics   []failedTask
	running  map[string]bool   // ids of the sends whose run goes on
	crashes  []string          // processes that ended and were not asked to
	searched int               // histories and logs in which people's data was looked for
	extra    []string          // sends that the API has and nobody asked for
	offset   time.Duration     // how far the API's clock is ahead of this process's
	calls    map[string][]call // of numbers that no send has
}

// sendRecord is one send: what was asked, what was answered, and what became of it.
type sendRecord struct {
	order

	ID         string    // of the first 202; empty if there was none
	PostedAt   time.Time // when the first try began
	AnsweredAt time.Time // when the first 202 came
	ExpiresAt  *time.Time
	Problems   []string // answers that a careful customer should never get

	Final   *view  // nil if it could not be read
	Views   []view // while the run lasted, in their order
	Calls   []call // by the providers' record, in their order
	Reports []report
}

// call is a call to a provider, by the provider's own record.
type call struct {
	Seq         uint64    `json:"seq"`
	Time        time.Time `json:"time"`
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

// failedTask is a task of a workflow that failed by the workflow's own fault.
type failedTask struct {
	send     *sendRecord
	deadlock bool // the workflow did not yield for a second
	text     string
}

// leak is something of a person where none may be.
type leak struct {
	where string // a history or a log
	what  string
	send  *sendRecord // nil if it is not known whose
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

// accepted returns the calls of a channel that a provider accepted.
func (s *sendRecord) accepted(channel string) []call {
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

// here turns a time of the API's clock into one of this process's.
func (r *record) here(t time.Time) time.Time { return t.Add(-r.offset) }

// died reports whether a process of Backstop was killed, or frozen, between two moments: then nobody can know what
// became of a call that it had begun.
func (r *record) died(from, until time.Time) bool {
	for _, f := range r.faults {
		if (f.Kind == killServe || f.Kind == freezeServe) && f.Began.After(from) && f.Began.Before(until) {
			return true
		}
	}
	return false
}

// maskNumber returns a number without its middle.
func maskNumber(number string) string {
	const head, tail = 4, 4
	if len(number) <= head+tail {
		return number
	}
	return number[:head] + strings.Repeat("*", len(number)-head-tail) + number[len(number)-tail:]
}

// timeline tells the story of a send, for a person who looks for the defect.
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
	for _, c := range s.Calls {
		add(c.Time, "provider: %s call from %s, answered %d %d", c.Channel, c.From, c.Answer.Status, c.Answer.Code)
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
			add(r.here(a.StartedAt), "attempt: %s step %d.%d %s began; it is %s, %s",
				a.Channel, a.Step, a.Number, a.SendID, a.State, a.Status)
		}
		for _, e := range s.Final.Events {
			add(r.here(e.At), "event: %s", strings.Join(strings.Fields(strings.Join(
				[]string{e.Kind, e.Channel, e.Status, e.Rule, e.Code, e.Detail}, " ")), " "))
		}
	}
	for _, f := range r.faults {
		if f.Began.After(s.PostedAt.Add(-time.Second)) && (s.Final == nil || s.Final.FinishedAt == nil ||
			f.Began.Before(r.here(*s.Final.FinishedAt))) {
			add(f.Began, "fault: %s", f)
		}
	}
	sortBy(lines, func(l line) time.Time { return l.at })
	texts := make([]string, 0, len(lines)+1)
	texts = append(texts, fmt.Sprintf("send %s to %s, scenario %s, policy %q, category %q, expires in %s",
		s.ID, maskNumber(s.Number), s.Scenario.digits, s.Policy.Name, s.Category, s.ExpiresIn))
	for _, l := range lines {
		texts = append(texts, fmt.Sprintf("%+9.3f s  %s", l.at.Sub(s.PostedAt).Seconds(), l.text))
	}
	return texts
}
