package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"
)

// The ways in which a caller ends a send: the last part of their paths.
const (
	cancels  = "cancel"
	confirms = "confirm"
)

// end ends a send as its order says, and retries until the API decides.
func (l *load) end(ctx context.Context, s *sendRecord) {
	if !sleepFor(ctx, s.EndAfter) {
		return
	}
	for began := time.Now(); time.Since(began) < repeatFor && ctx.Err() == nil; {
		status := http.StatusOK
		err := l.api.call(ctx, http.MethodPost, "/v1/sends/"+s.ID+"/"+s.EndBy, nil, nil, http.StatusOK, nil)
		if no := (*refusal)(nil); errors.As(err, &no) {
			status = no.status
		}
		isUnknown := err != nil && status == http.StatusOK
		if isUnknown || status >= http.StatusInternalServerError {
			sleepFor(ctx, repeatPause)
			continue
		}
		l.mu.Lock()
		s.EndedAt, s.EndStatus = time.Now(), status
		l.mu.Unlock()
		return
	}
}

// checkNotBefore: no call reaches a provider before send_at. The API's clock counts.
func checkNotBefore(r *record) result {
	var out result
	for _, s := range r.sends {
		if s.SendAt == nil {
			continue
		}
		for _, c := range s.Calls {
			out.checked++
			if early := s.SendAt.Sub(c.Time.Add(r.offset)); early > slack {
				out.breachf(s, "a %s call reached the provider %s before send_at", c.Channel, early.Round(time.Millisecond))
			}
		}
	}
	return out
}

// checkEndedByCaller: a send whose end was answered with 200 has that end, and no call begins after the answer. A
// cancellation that was refused has changed nothing, and an SMS had left or the send had ended.
func checkEndedByCaller(r *record) result {
	var out result
	for _, s := range r.sends {
		if s.EndStatus == 0 || s.Final == nil {
			continue
		}
		out.checked++
		isEnded := s.Final.endedBy(s.EndBy) >= 0 || s.EndBy == confirms && s.Final.Confirmed != nil // a late one is no event
		switch {
		case s.EndStatus == http.StatusConflict && s.EndBy == cancels:
			if isEnded {
				out.breachf(s, "the cancellation was refused, and the send is cancelled")
			}
			wasOpen := s.Final.FinishedAt != nil && r.toOwnClock(*s.Final.FinishedAt).After(s.EndedAt.Add(slack))
			if wasOpen && len(s.attemptsOf(sms)) == 0 {
				out.breachf(s, "the cancellation was refused, although no SMS had left and the send had not ended")
			}
		case s.EndStatus != http.StatusOK:
			out.breachf(s, "%s was answered with %d", s.EndBy, s.EndStatus)
		case !isEnded:
			out.breachf(s, "%s was answered with 200, and the send does not have it", s.EndBy)
		default:
			s.checkCallsAfterEnd(r, &out)
		}
	}
	return out
}

func (s *sendRecord) checkCallsAfterEnd(r *record, out *result) {
	for _, c := range s.Calls {
		a, begun := s.attemptOf(r, c)
		if began := r.toOwnClock(a.StartedAt); begun && began.After(s.EndedAt.Add(slack)) {
			late := began.Sub(s.EndedAt).Round(time.Millisecond)
			out.breachf(s, "a %s call began %s after the send was ended by %s", c.Channel, late, s.EndBy)
			return
		}
	}
}

// endedBy returns the index of the event that a caller's end adds to the timeline, or -1.
func (v *view) endedBy(end string) int {
	kind := map[string]string{cancels: eventCancelled, confirms: eventConfirmed}[end]
	return slices.IndexFunc(v.Events, func(e event) bool { return e.Kind == kind })
}

// outcomeOfCaller returns the outcome of a send that its caller has ended, or "" if something else ended it.
func (v *view) outcomeOfCaller() string {
	finished := slices.IndexFunc(v.Events, func(e event) bool { return e.Kind == eventFinished })
	for _, end := range []string{cancels, confirms} {
		if i := v.endedBy(end); i >= 0 && i < finished {
			return v.Events[i].Kind
		}
	}
	return ""
}
