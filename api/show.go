package api

import (
	"time"

	"github.com/backstophq/backstop"
)

func showSend(s backstop.Send, attempts []backstop.Attempt, events []backstop.Event) Send {
	return Send{
		ID: s.ID, To: s.To, Country: optional(s.Country), Category: optional(Category(s.Category)),
		Outcome: Outcome(s.Outcome), Whatsapp: ChannelState{Status: Status(s.Status.WhatsApp)}, Sms: showSMS(s),
		Fired: showFired(s), DuplicateDelivery: s.DuplicateDelivery, Plan: showPlan(s.Plan, s.AcceptedAt),
		Attempts: showAll(attempts, showAttempt), Events: showAll(events, showEvent),
		AcceptedAt: s.AcceptedAt.UTC(), ExpiresAt: utc(s.ExpiresAt), FinishedAt: utc(s.FinishedAt),
	}
}

func showSummary(s backstop.Send) SendSummary {
	return SendSummary{
		ID: s.ID, To: s.To, Country: optional(s.Country), Category: optional(Category(s.Category)),
		Outcome: Outcome(s.Outcome), Whatsapp: ChannelState{Status: Status(s.Status.WhatsApp)}, Sms: showSMS(s),
		Fired: showFired(s), DuplicateDelivery: s.DuplicateDelivery,
		PolicyID: s.Plan.PolicyID, PolicyName: s.Plan.PolicyName,
		AcceptedAt: s.AcceptedAt.UTC(), FinishedAt: utc(s.FinishedAt),
	}
}

func showSMS(s backstop.Send) *ChannelState {
	if s.Status.SMS == "" {
		return nil
	}
	return &ChannelState{Status: Status(s.Status.SMS)}
}

func showFired(s backstop.Send) *Fired {
	if s.Fired == "" {
		return nil
	}
	return &Fired{Rule: s.Fired, Reason: s.FiredReason}
}

func showPlan(p backstop.Plan, origin time.Time) Plan {
	return Plan{PolicyID: p.PolicyID, PolicyName: p.PolicyName, Rules: showAll(p.Rules, func(r backstop.Rule) PlannedRule {
		planned := PlannedRule{
			ID: r.ID, Name: r.Name, Type: RuleType(r.Type), WaitSeconds: optional(r.WaitSeconds), SendID: r.SendID,
			Route: optional(r.Route),
		}
		if deadline, waits := r.Deadline(origin); waits {
			planned.Deadline = utc(&deadline)
		}
		return planned
	})}
}

func showAttempt(a backstop.Attempt) Attempt {
	return Attempt{
		Step: a.Ref.Step, Number: a.Number, Channel: Channel(a.Channel), Provider: a.Provider,
		Rule: optional(a.Rule), Reason: optional(a.Reason), SendID: optional(a.SendID),
		State: AttemptState(a.State), Status: optional(Status(a.Status)), MessageID: optional(a.MessageID),
		Segments: optional(a.Segments), Failure: showFailure(a.Why()),
		StartedAt: a.StartedAt.UTC(), EndedAt: utc(a.EndedAt),
	}
}

func showFailure(f *backstop.Failure) *AttemptFailure {
	if f == nil {
		return nil
	}
	return &AttemptFailure{
		Kind: AttemptFailureKind(f.Kind), Class: optional(AttemptFailureClass(f.Class)),
		Code: optional(f.Code), Reason: optional(f.Reason),
		RetryAfterSeconds: optional(int((f.RetryAfter + time.Second - 1) / time.Second)), // rounded up
	}
}

func showEvent(e backstop.Event) Event {
	return Event{
		At: e.At.UTC(), Kind: EventKind(e.Kind), Channel: optional(Channel(e.Channel)),
		Status: optional(Status(e.Status)), Rule: optional(e.Rule), Code: optional(e.Code), Detail: optional(e.Detail),
	}
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return new(t.UTC())
}
