package api

import (
	"time"

	"github.com/backstophq/backstop"
)

func showSend(s backstop.Send, attempts []backstop.Attempt, events []backstop.Event, now time.Time) Send {
	shown := Send{
		ID: s.ID, To: s.To, Country: omitZero(s.Country), Category: omitZero(Category(s.Category)),
		Outcome: Outcome(s.Outcome), Whatsapp: ChannelState{Status: Status(s.Status.WhatsApp)}, Sms: showSMS(s),
		SmsLength: showSMSLength(backstop.MeasureSMS(s.SMSText)),
		Fired:     showFired(s), DuplicateDelivery: s.DuplicateDelivery, Plan: showPlan(s),
		Attempts: showAll(attempts, showAttempt), Events: showEvents(events, s.Plan),
		AcceptedAt: s.AcceptedAt.UTC(), SendAt: inUTC(s.SendAt), StartedAt: inUTC(s.StartedAt),
		ExpiresAt: inUTC(s.ExpiresAt), FinishedAt: inUTC(s.FinishedAt), ConfirmedAt: inUTC(s.ConfirmedAt),
		ContentRemovedAt: inUTC(s.ContentRemovedAt), ContentUnreadable: omitZero(s.Unreadable),
		CorrelationID: omitZero(s.CorrelationID), CorrelationUnique: omitZero(s.CorrelationUnique), Metadata: s.Metadata,
		Callback: showCallbackTarget(s.Callback), Test: omitZero(s.IsTest),
	}
	if t := s.Template; t != nil {
		shown.Template = &TemplateRef{Name: t.Name, Language: t.Language}
	}
	if m := s.Message; m != nil {
		shown.Message = &UsedMessage{ID: m.ID, Name: m.Name, Version: m.Version}
	}
	ledger := backstop.Ledger{Send: s, Attempts: attempts}
	if rule, at, found := ledger.NextRule(now); found {
		shown.NextRule, shown.NextDeadline = &s.Plan.Rules[rule].Name, inUTC(&at)
	}
	return shown
}

func showSummary(s backstop.Send) SendSummary {
	return SendSummary{
		ID: s.ID, To: s.To, Country: omitZero(s.Country), Category: omitZero(Category(s.Category)),
		Outcome: Outcome(s.Outcome), Whatsapp: ChannelState{Status: Status(s.Status.WhatsApp)}, Sms: showSMS(s),
		Fired: showFired(s), DuplicateDelivery: s.DuplicateDelivery,
		PolicyID: omitZero(s.Plan.PolicyID), PolicyName: omitZero(s.Plan.PolicyName),
		AcceptedAt: s.AcceptedAt.UTC(), SendAt: inUTC(s.SendAt), StartedAt: inUTC(s.StartedAt), FinishedAt: inUTC(s.FinishedAt),
		CorrelationID: omitZero(s.CorrelationID), Metadata: s.Metadata, Test: omitZero(s.IsTest),
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
	return &Fired{Rule: s.Fired, Reason: s.FiredReason, Cause: omitZero(FallbackReason(s.FiredCause))}
}

// showPlan shows the plan of a send. Of a send that is only previewed, no rule is satisfied.
func showPlan(s backstop.Send) Plan {
	p := s.Plan
	shown := Plan{PolicyID: omitZero(p.PolicyID), PolicyName: omitZero(p.PolicyName), Account: omitZero(p.Account)}
	shown.Exclusive, shown.Exclusivity = omitZero(p.IsExclusive()), showExclusivity(p)
	shown.Rules = showAll(p.Rules, func(r backstop.Rule) PlannedRule {
		planned := PlannedRule{
			ID: omitZero(r.ID), Name: r.Name, Type: RuleType(r.Type), WaitSeconds: omitZero(r.WaitSeconds), SendID: r.SendID,
			Routes: showRoutes(r.Routes), Satisfied: r.IsSatisfied(s.Status.WhatsApp),
		}
		if deadline, waits := r.Deadline(s.Origin()); waits {
			planned.Deadline = inUTC(&deadline)
		}
		return planned
	})
	return shown
}

func showAttempt(a backstop.Attempt) Attempt {
	return Attempt{
		Step: a.Ref.Step, Number: a.Number, Channel: Channel(a.Channel), Provider: a.Provider, Account: a.Account,
		Rule: omitZero(a.Rule), Reason: omitZero(a.Reason), Cause: omitZero(FallbackReason(a.Cause)),
		SendID: omitZero(a.SendID),
		State:  AttemptState(a.State), Status: omitZero(Status(a.Status)), MessageID: omitZero(a.MessageID),
		Segments: omitZero(a.Segments), Failure: showFailure(a.Why()),
		StartedAt: a.StartedAt.UTC(), EndedAt: inUTC(a.EndedAt),
	}
}

func showFailure(f *backstop.Failure) *AttemptFailure {
	if f == nil {
		return nil
	}
	return &AttemptFailure{
		Kind: FailureKind(f.Kind), Class: omitZero(FailureClass(f.Class)),
		Code: omitZero(f.Code), Reason: omitZero(f.Reason), NotCalled: omitZero(NotCalled(f.NotCalled)),
		RetryAfterSeconds: omitZero(int((f.RetryAfter + time.Second - 1) / time.Second)), // rounded up
	}
}

// showEvents shows the timeline of a send.
func showEvents(events []backstop.Event, plan backstop.Plan) []Event {
	shown := showAll(events, showEvent)
	for i, e := range events {
		if e.Kind == backstop.EventRouted {
			shown[i].From = omitZero(plan.RoutedFrom(e, events[:i]))
		}
	}
	return shown
}

func showEvent(e backstop.Event) Event {
	shown := Event{
		At: e.At.UTC(), Kind: EventKind(e.Kind), Channel: omitZero(Channel(e.Channel)),
		Status: omitZero(Status(e.Status)), Rule: omitZero(e.Rule), Code: omitZero(e.Code), Detail: omitZero(e.Detail),
		Cause: omitZero(FallbackReason(e.Cause)), Account: omitZero(e.Account), Outcome: omitZero(Outcome(e.Outcome())),
	}
	if e.Kind == backstop.EventRouted {
		shown.RouteReason = new(RouteReason(e.Detail))
	}
	if f := e.Failure; f != nil {
		shown.Failure = &EventFailure{
			Kind: FailureKind(f.Kind), Class: omitZero(FailureClass(f.Class)), Reason: omitZero(f.Reason),
			NotCalled: omitZero(NotCalled(f.NotCalled)),
		}
	}
	return shown
}

func inUTC(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return new(t.UTC())
}
