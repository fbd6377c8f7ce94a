// Package worker registers the workflows and activities of Backstop with a Temporal worker and sets its limits.
package worker

import (
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/workflows"
)

// TaskQueue is the queue that a worker polls.
const TaskQueue = workflows.TaskQueue

// pollers is how many requests for workflow tasks are open at once. The SDK's two were what receipts waited for; its
// autoscaling, up to 32, cost more CPU per send than it gained.
const pollers = 8

// Options are a worker's limits.
type Options struct {
	Calls       int           // provider calls under way at once in this process
	CallsPerSec float64       // provider calls per second over all workers; 0 is no limit
	Cached      int           // parked sends kept in memory; 0: the SDK's default
	StopTimeout time.Duration // how long a stop waits for each kind of task under way

	OnFatalError func(error) // told when the worker has failed for good
}

// New returns a worker that serves every workflow and activity; the caller starts and stops it.
func New(c client.Client, acts *activities.Activities, o Options) worker.Worker {
	if o.Cached > 0 {
		worker.SetStickyWorkflowCacheSize(o.Cached) // of the whole process, before its first worker starts
	}
	w := worker.New(c, workflows.TaskQueue, worker.Options{
		MaxConcurrentActivityExecutionSize: o.Calls,
		TaskQueueActivitiesPerSecond:       o.CallsPerSec,
		WorkerStopTimeout:                  o.StopTimeout,
		MaxConcurrentWorkflowTaskPollers:   pollers,
		OnFatalError:                       o.OnFatalError,
	})
	w.RegisterWorkflow(workflows.Send)
	w.RegisterActivity(acts)
	return w
}
