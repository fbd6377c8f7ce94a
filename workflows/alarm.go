package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/backstophq/backstop"
)

// alarm is the timer for the next moment at which a rule may be due. One timer at a time costs the engine less than one per rule,
// and most sends end before the first.
type alarm struct {
	timer  workflow.Future // nil: not set
	at     time.Time
	isLast bool // no rule has a wait left: the alarm ends the watch
}

// isNeeded reports whether the alarm is to be set, for the first time or for the next moment.
func (a alarm) isNeeded() bool { return a.timer == nil || isReady(a.timer) && !a.isLast }

// hasEndedWatch reports whether the last alarm has rung.
func (a alarm) hasEndedWatch() bool { return a.isLast && isReady(a.timer) }

// startAlarm sets the alarm for the first wait that has not ended and whose rule may still fire by it. When none is left, only a
// reported failure can fire a rule. The alarm then ends the watch: when the message expires, or MaxWait after the send was
// accepted. While WhatsApp is called, the last alarm ends the retries: when the message expires, or after tryFor.
func (s *send) startAlarm(ctx workflow.Context) {
	now := s.now(ctx)
	next := alarm{at: s.origin.Add(backstop.MaxWait), isLast: true}
	if s.whatsApp.call != nil {
		next.at = now.Add(tryFor)
	}
	if s.expires != nil && (s.whatsApp.call != nil || s.expires.Before(next.at)) {
		next.at = *s.expires
	}
	summary := textUntil("a reported failure", next.at)
	for i, rule := range s.in.Rules {
		deadline, waits := rule.Deadline(s.origin)
		if !waits || s.view.Used.Has(i) || s.view.WhatsApp.Reached(rule.Type.Goal()) || !deadline.After(now) {
			continue
		}
		if next.isLast && s.expires == nil || deadline.Before(next.at) {
			next.at, next.isLast, summary = deadline, false, ruleWaitText(rule, deadline)
		}
	}
	if next.isLast {
		s.waiting = summary
	}
	next.timer = startTimer(ctx, next.at, summary)
	s.alarm = next
}

// now returns the time. After the alarm has rung, it is at least the alarm's time, even if the clock lags.
func (s *send) now(ctx workflow.Context) time.Time {
	now := workflow.Now(ctx)
	if isReady(s.alarm.timer) && s.alarm.at.After(now) {
		return s.alarm.at
	}
	return now
}

// startTimer starts a timer that ends at a moment, at once if that has passed. Temporal's UI shows the summary. A timer that is
// no longer needed is not cancelled: that would cost the engine one more event.
func startTimer(ctx workflow.Context, until time.Time, summary string) workflow.Future {
	return workflow.NewTimerWithOptions(ctx, until.Sub(workflow.Now(ctx)), workflow.TimerOptions{Summary: summary})
}

func ruleWaitText(r backstop.Rule, deadline time.Time) string {
	return textUntil(fmt.Sprintf("%s, rule %s", r.Type, r.Name), deadline)
}

func textUntil(what string, until time.Time) string {
	return what + ", until " + until.UTC().Format("2006-01-02 15:04:05 MST")
}

func isReady(f workflow.Future) bool { return f != nil && f.IsReady() }
