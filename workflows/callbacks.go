package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/backstophq/backstop/activities"
)

// CallbackSignal is the name of the signal of a running Callbacks. It carries a CallbackWake.
const CallbackSignal = "callbacks"

// CallbacksID is the id of the workflow that posts the callbacks of a send.
func CallbacksID(send string) string { return "callbacks/" + send }

// CallbackQueueOf returns the task queue of the callbacks of an installation. It is not that of the sends, so a slow receiver
// delays no send.
func CallbackQueueOf(installation string) string { return QueueOf(installation) + "-callbacks" }

// CallbacksInput is the input of Callbacks.
type CallbacksInput struct {
	Send string `json:"send"`
}

// CallbackWake says that a send has callbacks.
type CallbackWake struct {
	Seq   int  `json:"seq,omitempty"` // of the newest event in the queue; 0: not known
	IsDue bool `json:"is_due,omitempty"`
}

// postTimeout bounds one run of the activity, which posts several callbacks. postHeartbeat is after how long without a heartbeat
// its process counts as dead.
const (
	postTimeout   = 5 * time.Minute
	postHeartbeat = time.Minute

	// firstPostTimeout bounds the first try. It covers a POST that takes all its time, and the end of it.
	firstPostTimeout = 45 * time.Second
)

// Callbacks posts the callbacks of one send, in order, until none is left. The next event of the send starts it anew.
func Callbacks(ctx workflow.Context, in CallbacksInput) error {
	c := &callbacks{signals: workflow.GetSignalChannel(ctx, CallbackSignal)}
	for {
		c.drain()
		c.newest, c.isDue = 0, false
		posted, err := c.postFirst(ctx, in)
		if err != nil {
			posted, err = c.post(ctx, in)
		}
		if err != nil {
			return err
		}
		if c.drain(); !posted.IsMore && !c.isDue && c.newest <= posted.Seq {
			return nil
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return workflow.NewContinueAsNewError(ctx, Callbacks, in)
		}
	}
}

// callbacks is the state of Callbacks.
type callbacks struct {
	signals workflow.ReceiveChannel

	// These are of the signals that came since the first try began. It reads what earlier signals were about.
	newest int  // the newest event
	isDue  bool // a callback is due
}

// drain reads the signals that have arrived.
func (c *callbacks) drain() {
	for w := (CallbackWake{}); c.signals.ReceiveAsync(&w); w = (CallbackWake{}) {
		c.add(w)
	}
}

func (c *callbacks) add(w CallbackWake) {
	c.newest = max(c.newest, w.Seq)
	c.isDue = c.isDue || w.IsDue || w.Seq == 0
}

// postFirst makes the first try of the callbacks in the queue. It is a local activity, which costs the engine half of an ordinary
// one.
func (*callbacks) postFirst(ctx workflow.Context, in CallbacksInput) (posted activities.Posted, err error) {
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout: firstPostTimeout, RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1},
	})
	var acts *activities.Callbacks // names the activity; a worker has the real one
	if err = workflow.ExecuteLocalActivity(ctx, acts.PostCallbacks, in.Send).Get(ctx, &posted); err != nil {
		return posted, fmt.Errorf("post callbacks: %w", err)
	}
	return posted, nil
}

// post runs the activity after a first try that has failed, or must wait. The engine retries the activity when the next try of a
// callback is due. If a callback is due before, post cancels that wait and returns, so that the activity runs again.
func (c *callbacks) post(ctx workflow.Context, in CallbacksInput) (posted activities.Posted, err error) {
	var acts *activities.Callbacks
	posting, cancel := workflow.WithCancel(postOptions(ctx))
	defer cancel()
	future := workflow.ExecuteActivity(posting, acts.PostCallbacks, in.Send)
	s := workflow.NewSelector(ctx)
	s.AddFuture(future, func(workflow.Future) {})
	s.AddReceive(c.signals, func(signals workflow.ReceiveChannel, _ bool) {
		var w CallbackWake
		signals.Receive(ctx, &w)
		c.add(w)
	})
	for !future.IsReady() && !c.isDue {
		s.Select(ctx)
	}
	if c.isDue && !future.IsReady() {
		cancel()
		err = future.Get(ctx, &posted)
		if err != nil && ctx.Err() == nil {
			return activities.Posted{IsMore: true}, nil
		}
	} else {
		err = future.Get(ctx, &posted)
	}
	if err != nil {
		return posted, fmt.Errorf("post callbacks: %w", err)
	}
	return posted, nil
}

// postOptions are for the activity that posts callbacks. The activity itself returns when it is run again (NextRetryDelay). The
// policy is for other errors, such as an outage of Postgres.
func postOptions(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: postTimeout,
		HeartbeatTimeout:    postHeartbeat,
		WaitForCancellation: true, // so that one run at a time posts
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute,
		},
	})
}
