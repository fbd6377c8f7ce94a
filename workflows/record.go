package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/backstophq/backstop"
)

// record adds an event to the send's timeline.
func (s *send) record(ctx workflow.Context, kind backstop.EventKind, rule int) error {
	return s.write(ctx, backstop.Event{Kind: kind, Rule: s.in.Rules[rule].Name, Detail: s.reason})
}

// giveUp counts a channel as failed because its provider took no call for as long as we tried.
func (s *send) giveUp(ctx workflow.Context, channel backstop.Channel) error {
	s.is = s.is.Absorb(channel, backstop.Failed, true)
	if channel == backstop.WhatsApp {
		s.failure = &backstop.Failure{Kind: backstop.Unavailable, Reason: "the provider took no call for as long as we tried"}
	}
	return s.write(ctx, backstop.Event{Kind: backstop.EventGaveUp, Channel: channel, Status: backstop.Failed})
}

func (s *send) write(ctx workflow.Context, event backstop.Event) error {
	event.Send, event.At = s.in.ID, workflow.Now(ctx)
	err := workflow.ExecuteLocalActivity(storeOptions(ctx, string(event.Kind)), acts.Record, event).Get(ctx, nil)
	if err != nil {
		return fmt.Errorf("record %s: %w", event.Kind, err)
	}
	return nil
}

// finish ends the send in Postgres, also when an operator cancelled the workflow, unless a receipt has ended it there or will.
func (s *send) finish(ctx workflow.Context) (SendResult, error) {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	r := SendResult{Reason: s.reason}
	if s.rule >= 0 {
		r.Rule = s.in.Rules[s.rule].Name
	}
	s.drain(ctx)
	if r.Outcome = s.outcome; r.Outcome == "" {
		finished := workflow.ExecuteLocalActivity(storeOptions(ctx, "finish"), acts.Finish, s.in.ID, workflow.Now(ctx))
		if err := finished.Get(ctx, &r.Outcome); err != nil {
			return SendResult{}, fmt.Errorf("finish: %w", err)
		}
		s.drain(ctx)
	}
	r.WhatsApp, r.SMS = s.is.WhatsAppStatus, s.is.SMSStatus
	return r, nil
}

// state answers the StateQuery.
func (s *send) state() (State, error) {
	state := State{
		WhatsApp: s.is.WhatsAppStatus, SMS: s.is.SMSStatus, WaitingFor: s.waiting, Reason: s.reason,
		Rules: make([]RuleState, len(s.in.Rules)),
	}
	if s.rule >= 0 {
		state.Rule = s.in.Rules[s.rule].Name
	}
	var first time.Time
	for i, rule := range s.in.Rules {
		state.Rules[i] = RuleState{Name: rule.Name, Type: rule.Type, Spent: s.spent[i], Over: rule.Over(s.is.WhatsAppStatus)}
		deadline, waits := rule.Deadline(s.in.AcceptedAt)
		if !waits {
			continue
		}
		state.Rules[i].Deadline = &deadline
		if s.waiting == "" && !s.spent[i] && (first.IsZero() || deadline.Before(first)) {
			first, state.WaitingFor = deadline, watched(rule, deadline)
		}
	}
	return state, nil
}
