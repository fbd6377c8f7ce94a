package main

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"
)

// message is the input of the hand-written workflows.
type message struct {
	To   string `json:"to"`
	Text string `json:"text"`
}

// submission is what their activity returns.
type submission struct {
	MessageID string `json:"message_id"`
}

// receipt is what they are told: as much as Backstop tells.
type receipt struct {
	Step    int    `json:"step"`
	Channel string `json:"channel"`
	Status  string `json:"status"`
}

const (
	receiptName = "receipt" // of the signal, and of the update
	sent        = "sent"
	delivered   = "delivered" // the status that ends a workflow
	plainWait   = time.Hour   // of their timer, which never fires here
	callTimeout = 30 * time.Second
)

// Milestones of a workflow.
func parkedMilestone(workflowID string) string           { return "parked " + workflowID }
func receivedMilestone(workflowID, status string) string { return status + " " + workflowID }

// Bare is what an engineer writes first: an activity, then whichever comes first of a timer and a receipt. All options
// are the SDK's.
func (p *plain) Bare(ctx workflow.Context, m message) (receipt, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: callTimeout})
	var s submission
	if err := workflow.ExecuteActivity(ctx, p.Submit, m).Get(ctx, &s); err != nil {
		return receipt{}, fmt.Errorf("submit: %w", err)
	}
	timed, cancel := workflow.WithCancel(ctx)
	defer cancel() // as the SDK's samples do; it costs an event
	return p.awaitDelivered(ctx, workflow.NewTimer(timed, plainWait), workflow.GetSignalChannel(ctx, receiptName)), nil
}

// Tuned is the same with each trick of the SDK that saves the engine work: a local activity, a timer that is left to its
// fate, an update in place of the signal, and (see start) eager start.
func (p *plain) Tuned(ctx workflow.Context, m message) (receipt, error) {
	receipts := workflow.NewBufferedChannel(ctx, 1)
	err := workflow.SetUpdateHandler(ctx, receiptName, func(ctx workflow.Context, in receipt) error {
		receipts.Send(ctx, in)
		return nil
	})
	if err != nil {
		return receipt{}, fmt.Errorf("set update handler: %w", err)
	}
	local := workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: callTimeout})
	var s submission
	if err := workflow.ExecuteLocalActivity(local, p.Submit, m).Get(ctx, &s); err != nil {
		return receipt{}, fmt.Errorf("submit: %w", err)
	}
	return p.awaitDelivered(ctx, workflow.NewTimer(ctx, plainWait), receipts), nil
}

// awaitDelivered waits for the receipt that ends the workflow, or for the timer, and reports the milestones on the way.
func (p *plain) awaitDelivered(ctx workflow.Context, timer workflow.Future, receipts workflow.ReceiveChannel) receipt {
	var (
		r        receipt
		timedOut bool
		selector = workflow.NewSelector(ctx)
		id       = workflow.GetInfo(ctx).WorkflowExecution.ID
	)
	selector.AddFuture(timer, func(workflow.Future) { timedOut = true })
	selector.AddReceive(receipts, func(c workflow.ReceiveChannel, _ bool) {
		c.Receive(ctx, &r)
		p.notifyStarter(ctx, receivedMilestone(id, r.Status))
	})
	p.notifyStarter(ctx, parkedMilestone(id))
	for !timedOut && r.Status != delivered {
		selector.Select(ctx)
	}
	return r
}

// logProgress reports a milestone to the starter in the same process, which costs the engine nothing.
func (p *plain) notifyStarter(ctx workflow.Context, milestone string) {
	if !workflow.IsReplaying(ctx) {
		p.milestones.reach(milestone)
	}
}

// Submit is the activity of both.
func (p *plain) Submit(ctx context.Context, m message) (submission, error) {
	if p.provider == nil {
		return submission{MessageID: "wamid." + m.To}, nil
	}
	return p.provider.submit(ctx, m)
}
