package worker

import (
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/workflows"
)

// CallbackOptions are the limits of the worker of callbacks.
type CallbackOptions struct {
	Installation string
	Version      Version
	AtOnce       int           // callbacks posted at once in this process
	StopTimeout  time.Duration // how long a stop waits for posts under way

	OnFatalError func(error)
}

// NewOfCallbacks returns a worker that posts callbacks, from a task queue of its own. So slow receivers take no place of a
// provider call.
func NewOfCallbacks(c client.Client, acts *activities.Callbacks, o CallbackOptions) worker.Worker {
	w := worker.New(c, workflows.CallbackQueueOf(o.Installation), worker.Options{
		MaxConcurrentActivityExecutionSize: o.AtOnce,
		WorkerStopTimeout:                  o.StopTimeout,
		OnFatalError:                       o.OnFatalError,
		DeploymentOptions:                  o.Version.options(),
	})
	w.RegisterWorkflow(workflows.Callbacks)
	w.RegisterActivity(acts)
	return w
}
