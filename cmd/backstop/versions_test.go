package main

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/deployment/v1"
	"go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	sdkclient "go.temporal.io/sdk/client"

	"github.com/backstophq/backstop/client"
	"github.com/backstophq/backstop/internal/callbacks"
	"github.com/backstophq/backstop/internal/demo"
	"github.com/backstophq/backstop/workflows"
)

const testDeployment = "backstop-test"

// operator routes the work of a rig's workers, as an operator does.
type operator struct {
	*rig

	engine sdkclient.Client
}

func (o *operator) handle() sdkclient.WorkerDeploymentHandle {
	return o.engine.WorkerDeploymentClient().GetHandle(testDeployment)
}

func (o *operator) setCurrent(build string) {
	o.t.Helper()
	require.Eventually(o.t, func() bool {
		_, err := o.handle().SetCurrentVersion(o.t.Context(), sdkclient.WorkerDeploymentSetCurrentVersionOptions{BuildID: build})
		return err == nil // a worker registers its build with its first poll
	}, 30*time.Second, 100*time.Millisecond, "make %s current", build)
}

// awaitDoctor runs the doctor until it says something of the workers.
func (o *operator) awaitDoctor(want level, text string) {
	o.t.Helper()
	var got examined
	require.Eventually(o.t, func() bool {
		got = examine(o.t, o.environment, nil)
		return got.levelOf("workers") == want && got.found["workers"][0].Text != ""
	}, 30*time.Second, 500*time.Millisecond, "the doctor says %s", want)
	require.Contains(o.t, got.found["workers"][0].Text, text)
}

// requireBuild requires that a workflow has ended, and that a build did all of its tasks.
func (o *operator) requireBuild(id, build string) {
	o.t.Helper()
	require.NoError(o.t, o.engine.GetWorkflow(o.t.Context(), id, "").Get(o.t.Context(), nil))
	tasks := 0
	all := o.engine.GetWorkflowHistory(o.t.Context(), id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for all.HasNext() {
		event, err := all.Next()
		require.NoError(o.t, err)
		if done := event.GetWorkflowTaskCompletedEventAttributes(); done != nil {
			require.Equal(o.t, build, done.GetDeploymentVersion().GetBuildId(), id)
			tasks++
		}
	}
	require.Positive(o.t, tasks, id)
}

// TestVersions: with versions the program does all of its work on the current one: sends, the calls of an account with limits,
// callbacks, the retention of the schedule and erasures. The doctor says when work waits.
func TestVersions(t *testing.T) {
	t.Parallel()
	r := newFleet(t, map[string]string{
		"BACKSTOP_WORKER_DEPLOYMENT": testDeployment, "BACKSTOP_WORKER_BUILD": "1",
		"BACKSTOP_CALLBACK_SECRETS": callbacks.GenerateSecret(), "BACKSTOP_CALLBACK_ALLOW": "127.0.0.1", "BACKSTOP_CALLBACK_URL": newInbox(t),
	})
	o := &operator{r, sharedTemporal.Server(t).Client(t, r.environment["BACKSTOP_TEMPORAL_NAMESPACE"])}
	limited, perSecond := r.secondAccount(), 5.0
	limited.CallsPerSecond = &perSecond
	r.createAccount(limited)
	policy, err := r.caller.EnsurePolicy(t.Context(), "Undelivered", demo.Rule{
		Name: "Undelivered", Type: client.RuleTypeUndelivered, Wait: 5 * time.Minute, SendID: "ACME",
	})
	require.NoError(t, err)
	throttled := r.sendBy("uk", "+447400123407", policy) // so its calls go through the queue of the account
	erased, err := r.caller.API.CreateErasureWithResponse(t.Context(), client.ErasureInput{To: "+447400999901"})
	require.NoError(t, err)
	require.NotNil(t, erased.JSON202, string(erased.Body))
	o.awaitDoctor(isFault, "no version is current for backstop-")
	require.Empty(t, r.calls(acceptedFrom(secondNumber)))

	o.setCurrent("1")
	r.ended(throttled)
	o.awaitDoctor(isOK, "poll the task queues")
	o.requireBuild(workflows.ID(throttled), "1")
	o.requireBuild(workflows.CallbacksID(throttled), "1")
	o.requireBuild(workflows.ErasureID(erased.JSON202.ID), "1")
	require.Eventually(t, func() bool {
		ended, err := o.engine.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{
			Query: "WorkflowType = 'RemoveOld' AND ExecutionStatus = 'Completed'",
		})
		return err == nil && len(ended.GetExecutions()) > 0
	}, 30*time.Second, 200*time.Millisecond, "the schedule's run")

	_, err = o.handle().SetCurrentVersion(t.Context(), sdkclient.WorkerDeploymentSetCurrentVersionOptions{
		BuildID: "2", AllowNoPollers: true, IgnoreMissingTaskQueues: true,
	})
	require.NoError(t, err)
	o.awaitDoctor(isFault, "there are workers of version 1 of "+testDeployment)
	waits := r.sendBy("", "+447400123401", policy)
	r.environment["BACKSTOP_WORKER_BUILD"] = "2"
	r.second("worker")
	r.ended(waits)
	o.requireBuild(workflows.ID(waits), "2")
	o.awaitDoctor(isOK, "poll the task queues")
}

// TestDiagnosis_checkVersions: the tasks of a queue wait if no worker has the version that gets them, or a part of them.
func TestDiagnosis_checkVersions(t *testing.T) {
	t.Parallel()
	version := func(build string) *deployment.WorkerDeploymentVersion {
		if build == "" {
			return nil
		}
		return &deployment.WorkerDeploymentVersion{DeploymentName: "d", BuildId: build}
	}
	for name, row := range map[string]struct {
		polling          []string
		current, ramping string
		percent          float32
		want             string // of the fault; "": there is none
	}{
		"no versions":                      {polling: []string{""}},
		"none current, with old workers":   {polling: []string{"", "1"}},
		"none current":                     {polling: []string{"2", "1"}, want: "no version is current for q, so its tasks wait; there are workers of version 1 of d, version 2 of d"},
		"current":                          {polling: []string{"1"}, current: "1"},
		"current without workers":          {polling: []string{"", "1"}, current: "2", want: "the tasks of q wait for version 2 of d, which is current, and no worker has it; there are workers of no version, version 1 of d"},
		"versions were turned off halfway": {polling: []string{""}, current: "1", want: "wait for version 1 of d"},
		"ramping":                          {polling: []string{"1", "2"}, current: "1", ramping: "2", percent: 10},
		"ramping without workers":          {polling: []string{"1"}, current: "1", ramping: "2", percent: 10, want: "10 % of the tasks of q wait for version 2 of d"},
		"ramping by nothing":               {polling: []string{"1"}, current: "1", ramping: "2"},
		"ramping to no version":            {polling: []string{"1"}, current: "1", percent: 10, want: "10 % of the tasks of q wait for no version"},
	} {
		described := &workflowservice.DescribeTaskQueueResponse{VersioningInfo: &taskqueuepb.TaskQueueVersioningInfo{
			CurrentDeploymentVersion: version(row.current), RampingDeploymentVersion: version(row.ramping), RampingVersionPercentage: row.percent,
		}}
		for _, build := range row.polling {
			poller := &taskqueuepb.PollerInfo{}
			if build != "" {
				poller.DeploymentOptions = &deployment.WorkerDeploymentOptions{
					DeploymentName: "d", BuildId: build, WorkerVersioningMode: enums.WORKER_VERSIONING_MODE_VERSIONED,
				}
			}
			described.Pollers = append(described.Pollers, poller)
		}
		d := &diagnosis{}
		require.Equal(t, row.want == "", d.checkVersions("q", described), name)
		if row.want == "" {
			require.Empty(t, d.Checks, name)
			continue
		}
		require.Contains(t, d.Checks[0].Text, row.want, name)
		require.Equal(t, isFault, d.Checks[0].Level)
	}
}

// TestRead_version: a wrong version is refused before the start.
func TestRead_version(t *testing.T) {
	t.Parallel()
	for name, changes := range map[string]map[string]string{
		"BACKSTOP_WORKER_BUILD: must be set together with BACKSTOP_WORKER_DEPLOYMENT": {"BACKSTOP_WORKER_BUILD": "1"},
		"BACKSTOP_WORKER_BUILD: is required, because":                                 {"BACKSTOP_WORKER_DEPLOYMENT": "backstop"},
		"BACKSTOP_WORKER_DEPLOYMENT: must be a name":                                  {"BACKSTOP_WORKER_DEPLOYMENT": "a.b", "BACKSTOP_WORKER_BUILD": "1"},
		"BACKSTOP_WORKER_BUILD: must be a name":                                       {"BACKSTOP_WORKER_DEPLOYMENT": "a", "BACKSTOP_WORKER_BUILD": "__1"},
	} {
		environment := complete()
		maps.Copy(environment, changes)
		_, err := readConfig[config](environment)
		require.ErrorContains(t, err, name)
	}
	environment := complete()
	environment["BACKSTOP_WORKER_DEPLOYMENT"], environment["BACKSTOP_WORKER_BUILD"] = "backstop", "v1.2.3"
	c, err := readConfig[config](environment)
	require.NoError(t, err)
	require.Equal(t, "v1.2.3", c.Worker.version().Build)
}
