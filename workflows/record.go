package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/backstophq/backstop"
)

// finish ends the send in Postgres, even if an operator cancelled the workflow. It writes nothing if the send has ended there, or
// if the store waits for the SMS's receipt.
func (s *send) finish(ctx workflow.Context) (SendResult, error) {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	s.drain(ctx)
	if s.view.Outcome == "" {
		var v backstop.View
		finished := workflow.ExecuteLocalActivity(storeOptions(ctx, "finish"), acts.Finish, s.in.ID, s.hasLapsed(ctx))
		if err := finished.Get(ctx, &v); err != nil {
			return SendResult{}, fmt.Errorf("finish: %w", err)
		}
		s.see(ctx, v)
		s.drain(ctx)
	}
	r := SendResult{Outcome: s.view.Outcome, Statuses: s.view.Statuses, Reason: s.view.Why}
	if s.rule >= 0 {
		r.Rule = s.in.Rules[s.rule].Name
	}
	return r, nil
}

// state answers the StateQuery.
func (s *send) state() (State, error) {
	state := State{
		Statuses: s.view.Statuses, WaitingFor: s.waiting, Reason: s.view.Why,
		Rules: make([]RuleState, len(s.in.Rules)),
	}
	if s.rule >= 0 {
		state.Rule = s.in.Rules[s.rule].Name
	}
	var first time.Time
	for i, rule := range s.in.Rules {
		used := s.view.Used.Has(i)
		state.Rules[i] = RuleState{Name: rule.Name, Type: rule.Type, Used: used, Satisfied: rule.IsSatisfied(s.view.WhatsApp)}
		deadline, waits := rule.Deadline(s.origin)
		if !waits {
			continue
		}
		state.Rules[i].Deadline = &deadline
		if s.waiting == "" && !used && (first.IsZero() || deadline.Before(first)) {
			first, state.WaitingFor = deadline, watched(rule, deadline)
		}
	}
	return state, nil
}
