package workflows

import (
	"time"

	"github.com/backstophq/backstop"
)

// State answers the StateQuery.
type State struct {
	backstop.Statuses

	WaitingFor string                  `json:"waiting_for"`
	Rule       string                  `json:"rule,omitempty"`
	Reason     backstop.FallbackReason `json:"reason,omitempty"`
	Rules      []RuleState             `json:"rules"`
}

// RuleState is the state of a rule in a running send.
type RuleState struct {
	Name      string            `json:"name"`
	Type      backstop.RuleType `json:"type"`
	Deadline  *time.Time        `json:"deadline,omitempty"`
	Used      bool              `json:"used,omitempty"`      // its SMS went out, or failed for good
	Satisfied bool              `json:"satisfied,omitempty"` // it cannot fire any more
}

// queryState answers the StateQuery.
func (s *send) queryState() (State, error) {
	state := State{
		Statuses: s.view.Statuses, WaitingFor: s.waiting, Rule: s.firedRule(), Reason: s.view.Why,
		Rules: make([]RuleState, len(s.in.Rules)),
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
			first, state.WaitingFor = deadline, ruleWaitText(rule, deadline)
		}
	}
	return state, nil
}
