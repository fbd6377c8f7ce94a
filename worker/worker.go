// Package worker registers the workflows and activities of Backstop with a Temporal worker and sets its limits.
package worker

import (
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/workflows"
)

// The requests for workflow tasks that are open at once. The engine sets their number within these bounds. Two queues share them:
// the queue of the workflows in this worker's cache, and the queue of all others. With a fixed number, half of the requests wait
// at an empty queue, and a backlog of the first queue keeps the worker from the second.
const minPollers, firstPollers, maxPollers = 4, 8, 64

// roomForOthers is how many workflow tasks, and local activities, may run besides the ones that wait for receipts.
const roomForOthers = 1000

// Options are the installation of a worker, and its limits.
type Options struct {
	Installation string // the id of the database; the worker polls only the tasks of its sends
	Version      Version

	Calls       int           // provider calls under way at once in this process
	CallsPerSec float64       // provider calls per second over all workers; 0 is no limit
	Cached      int           // workflows kept in memory while they wait; 0: the SDK's default
	StopTimeout time.Duration // how long a stop waits for each kind of task under way

	Retention *activities.Retention // nil: the worker removes nothing
	Erasures  *activities.Erasures  // nil: it removes nobody

	OnFatalError func(error) // called when the worker has failed and does not recover
}

// New returns a worker that serves every workflow and activity; the caller starts and stops it.
func New(c client.Client, acts *activities.Activities, o Options) worker.Worker {
	if o.Cached > 0 {
		worker.SetStickyWorkflowCacheSize(o.Cached) // of the whole process, before its first worker starts
	}
	w := worker.New(c, workflows.QueueOf(o.Installation), worker.Options{
		MaxConcurrentActivityExecutionSize: o.Calls,
		TaskQueueActivitiesPerSecond:       o.CallsPerSec,

		// Besides the tasks that wait for receipts, there is as much room as the SDK gives by default.
		MaxConcurrentLocalActivityExecutionSize: roomForOthers + activities.MaxReceiptWaits,
		MaxConcurrentWorkflowTaskExecutionSize:  roomForOthers + activities.MaxReceiptWaits,

		WorkerStopTimeout: o.StopTimeout,
		WorkflowTaskPollerBehavior: worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{
			MinimumNumberOfPollers: minPollers, InitialNumberOfPollers: firstPollers, MaximumNumberOfPollers: maxPollers,
		}),
		OnFatalError:      o.OnFatalError,
		DeploymentOptions: o.Version.options(),
	})
	w.RegisterWorkflow(workflows.Send)
	w.RegisterActivity(acts)
	if o.Retention != nil {
		w.RegisterWorkflow(workflows.RemoveOld)
		w.RegisterActivity(o.Retention)
	}
	if o.Erasures != nil {
		w.RegisterWorkflow(workflows.Erase)
		w.RegisterActivity(o.Erasures)
	}
	return w
}

// AccountOptions are the limits of one account.
type AccountOptions struct {
	Installation string
	Version      Version
	Account      string

	CallsPerSec float64       // over all workers; 0 is no limit
	CallsAtOnce int           // in this process
	StopTimeout time.Duration // how long a stop waits for calls under way

	OnFatalError func(error)
}

// NewOfAccount returns a worker that makes the calls of an account with limits, from a task queue of its own. The engine counts
// the calls of that queue over all workers.
func NewOfAccount(c client.Client, acts *activities.Activities, o AccountOptions) worker.Worker {
	queue := workflows.QueueOf(o.Installation) + activities.QueueSuffix(o.Account)
	w := worker.New(c, queue, worker.Options{
		MaxConcurrentActivityExecutionSize: o.CallsAtOnce,
		TaskQueueActivitiesPerSecond:       o.CallsPerSec,
		DisableWorkflowWorker:              true,
		WorkerStopTimeout:                  o.StopTimeout,
		OnFatalError:                       o.OnFatalError,
		DeploymentOptions:                  o.Version.options(),
	})
	w.RegisterActivity(acts)
	return w
}
