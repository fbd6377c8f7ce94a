package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"

	"github.com/backstophq/backstop/client"
	"github.com/backstophq/backstop/workflows"
)

// The two speeds of the simulated providers. At speedInTime a message is delivered or fails after 0.4 s, during the receipt
// wait of its call. At speedLater it does so after 8 s, when the receipt wait is over. Without any delay, a receipt may come
// before the answer to its call, and the history would depend on their order.
const (
	speedInTime = 5
	speedLater  = 0.25
)

// scenario is a kind of send, with the counts of its history.
type scenario struct {
	Name    string   `json:"name"`
	Events  int      `json:"events"`
	Actions actions  `json:"actions"`
	Total   int      `json:"actions_total"`
	Types   []string `json:"types"`

	to       string
	rules    []rule
	category client.Category
}

// The scenarios that have a target.
const (
	deliveredInTime = "delivered during the receipt wait"
	deliveredLater  = "delivered later"
)

func eventScenarios() (inTime, later []scenario) {
	const (
		long  = time.Hour
		short = 10 * time.Second
	)
	undelivered := []rule{{client.RuleTypeUndelivered, long}}
	inTime = []scenario{
		{Name: deliveredInTime, to: scenarioUnread, rules: undelivered},
		{Name: "failed during the receipt wait, then SMS", to: scenarioFailed, rules: undelivered},
		{Name: "read, unread rule", to: scenarioRead, rules: []rule{{client.RuleTypeUnread, long}}},
		{Name: "rejected at once, then SMS", to: scenarioRejected, rules: undelivered},
		{Name: "fallback by timer", to: scenarioSilent, rules: []rule{{client.RuleTypeUndelivered, short}}},
		{Name: "opted out, no SMS", to: scenarioOptedOut, rules: undelivered, category: client.CategoryMarketing},
		{
			Name: "two rules, the second by timer", to: scenarioUnread,
			rules: []rule{{client.RuleTypeUndelivered, long}, {client.RuleTypeUnread, short}},
		},
	}
	later = []scenario{
		{Name: deliveredLater, to: scenarioUnread, rules: undelivered},
		{Name: "failed later, then SMS", to: scenarioFailed, rules: undelivered},
	}
	return inTime, later
}

// measureEvents runs each scenario once and counts the events and the billable actions of its workflow.
func (b *bench) measureEvents(ctx context.Context) error {
	var counted []scenario
	for _, k := range []kind{bare, tuned} {
		var started StartReply
		if err := b.plain.call(ctx, "Start", string(k), &started); err != nil {
			return err
		}
		s := scenario{Name: string(k) + " hand-written workflow"}
		if err := b.countHistory(ctx, &s, started.ID); err != nil {
			return err
		}
		counted = append(counted, s)
	}
	inTime, later := eventScenarios()
	for speed, list := range map[float64][]scenario{speedInTime: inTime, speedLater: later} {
		err := b.withProviderSpeed(speed, func() error { return b.runScenarios(ctx, list) })
		if err != nil {
			return err
		}
	}
	counted = slices.Concat(counted, inTime, later)
	b.raw["events"] = counted
	b.printEvents(counted)
	return nil
}

func (b *bench) runScenarios(ctx context.Context, list []scenario) error {
	for i := range list {
		b.logProgress("counting the events of %q", list[i].Name)
		if err := b.runScenario(ctx, &list[i]); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) runScenario(ctx context.Context, s *scenario) error {
	policy, err := b.send.policy(ctx, "Events: "+s.Name, s.rules...)
	if err != nil {
		return err
	}
	id, err := b.send.sendToEnd(ctx, sendInput{to: nextRecipient(s.to), policy: policy, category: s.category})
	if err != nil {
		return err
	}
	return b.countHistory(ctx, s, workflows.ID(id))
}

// countHistory waits for the end of a workflow and counts its history.
func (b *bench) countHistory(ctx context.Context, s *scenario, workflowID string) error {
	if err := b.temporal.GetWorkflow(ctx, workflowID, "").Get(ctx, nil); err != nil {
		return fmt.Errorf("wait for workflow: %w", err)
	}
	var events []*history.HistoryEvent
	all := b.temporal.GetWorkflowHistory(ctx, workflowID, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for all.HasNext() {
		e, err := all.Next()
		if err != nil {
			return fmt.Errorf("read history: %w", err)
		}
		events = append(events, e)
		s.Types = append(s.Types, e.GetEventType().String())
	}
	s.Events, s.Actions = len(events), actionsOf(events)
	s.Total = s.Actions.total()
	return nil
}

func (b *bench) printEvents(counted []scenario) {
	t := table{
		title: "Events and billable actions per send",
		notes: []string{
			"Actions as Temporal Cloud bills them: https://docs.temporal.io/evaluate/cloud/actions.",
			"The minimum for a call, a wait and a receipt is 11 events and 4 actions: start, two workflow tasks of 3 events,",
			"one marker for the call, one timer, one signal, end. An update in place of the signal is one event more, less CPU.",
			"If the receipt comes during the receipt wait, the minimum is 6 and 2: no second task, no timer, no signal.",
		},
	}
	t.row("scenario", "events", "actions", "start", "activity", "local", "timer", "signal", "other")
	for _, s := range counted {
		a := s.Actions
		t.row(s.Name, strconv.Itoa(s.Events), strconv.Itoa(s.Total), strconv.Itoa(a.Starts), strconv.Itoa(a.Activities),
			strconv.Itoa(a.Markers), strconv.Itoa(a.Timers), strconv.Itoa(a.Signals), strconv.Itoa(a.Upserts+a.Heartbeats))
		if s.Name == deliveredInTime || s.Name == deliveredLater {
			b.atMost("events of a send, "+s.Name, float64(s.Events), 12, "")
			b.atMost("billable actions of a send, "+s.Name, float64(s.Total), 4, "")
		}
	}
	b.printTable(t)
}
