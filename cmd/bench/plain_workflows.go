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

// submission is the result of the activity Submit.
type submission struct {
	MessageID string `json:"message_id"`
}

// receipt is the payload of the signal and of the update. It has the fields of Backstop's signal.
type receipt struct {
	Step    int    `json:"step"`
	Channel string `json:"channel"`
	Status  string `json:"status"`
}

const (
	receiptName = "receipt" // the name of the signal and of the update
	sent        = "sent"
	delivered   = "delivered" // the status that ends a workflow
	plainWait   = time.Hour   // the wait of the timer, which never fires in a measurement
	callTimeout = 30 * time.Second
)

// The milestones of a workflow: it waits for a receipt, and it has received one.
func parkedMilestone(workflowID string) string           { return "parked " + workflowID }
func receivedMilestone(workflowID, status string) string { return status + " " + workflowID }

// Bare is the first version that an engineer writes: an activity, then a wait for a timer or a receipt. All options are the
// defaults of the SDK.
func (p *plain) Bare(ctx workflow.Context, m message) (receipt, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: callTimeout})
	var s submission
	if err := workflow.ExecuteActivity(ctx, p.Submit, m).Get(ctx, &s); err != nil {
		return receipt{}, fmt.Errorf("submit: %w", err)
	}
	timed, cancel := workflow.WithCancel(ctx)
	defer cancel() // as in the SDK's samples; it costs an event
	return p.awaitDelivered(ctx, workflow.NewTimer(timed, plainWait), workflow.GetSignalChannel(ctx, receiptName)), nil
}

// Tuned does the same with all features of the SDK that reduce Temporal's work: a local activity, a timer that is not
// cancelled, an update in place of the signal, and eager start (see startWorkflow).
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

// notifyStarter reports a milestone to the starter in the same process. It adds no event and no call to Temporal.
func (p *plain) notifyStarter(ctx workflow.Context, milestone string) {
	if !workflow.IsReplaying(ctx) {
		p.milestones.reach(milestone)
	}
}

// Submit is the activity of Bare and Tuned.
func (p *plain) Submit(ctx context.Context, m message) (submission, error) {
	if p.provider == nil {
		return submission{MessageID: "wamid." + m.To}, nil
	}
	return p.provider.submit(ctx, m)
}
