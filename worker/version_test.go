package worker_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/worker"
	"github.com/backstophq/backstop/workflows"
)

const deployment = "backstop-test"

// versioned is a rig whose workers have clients of their own, as processes have.
type versioned struct {
	*rig

	namespace string
}

func newVersioned(t *testing.T) *versioned {
	t.Helper()
	server := temporal.Server(t)
	namespace := server.Namespace(t)
	return &versioned{newRigOn(t, server.Client(t, namespace)), namespace}
}

// workAs starts a worker of a build; "" is one without a version.
func (v *versioned) workAs(build string) (stop func()) {
	v.t.Helper()
	own := *v.rig
	own.client = temporal.Server(v.t).Client(v.t, v.namespace)
	o := limits
	if build != "" {
		o.Version = worker.Version{Deployment: deployment, Build: build}
	}
	return own.work(o)
}

// setCurrent makes a build the current one, as an operator does; "" are the workers without a version.
func (v *versioned) setCurrent(build string) {
	v.t.Helper()
	require.Eventually(v.t, func() bool {
		_, err := v.client.WorkerDeploymentClient().GetHandle(deployment).SetCurrentVersion(
			v.t.Context(), client.WorkerDeploymentSetCurrentVersionOptions{BuildID: build})
		return err == nil // a worker registers its build with its first poll
	}, patience, moment, "make %q current", build)
}

// builds returns the builds that did the tasks of a send, each once for tasks in a row.
func (v *versioned) builds(send string) (list []string) {
	v.t.Helper()
	for _, e := range v.events(send, enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED) {
		build := e.GetWorkflowTaskCompletedEventAttributes().GetDeploymentVersion().GetBuildId()
		if len(list) == 0 || list[len(list)-1] != build {
			list = append(list, build)
		}
	}
	return list
}

// begin accepts a send that falls back after some seconds, and waits until its message is out.
func (v *versioned) begin() string {
	v.t.Helper()
	send := v.accept(backstop.Undelivered, 5*time.Second)
	v.submitted(send, backstop.WhatsApp)
	return send
}

// endBySMS requires that a send falls back, once, and ends.
func (v *versioned) endBySMS(send string) {
	v.t.Helper()
	v.submitted(send, backstop.SMS)
	v.deliver(send, smsStep, backstop.SMS, backstop.Delivered)
	require.Equal(v.t, backstop.OutcomeSMS, v.ended(send).Outcome)
	require.Equal(v.t, 1, v.provider.messagesOf(send, whatsAppStep))
	require.Equal(v.t, 1, v.provider.messagesOf(send, smsStep))
}

// The way of an operator: from workers without versions to a first version, to the next one, back, and to none again. A send
// that waits meanwhile ends on the version that is current then.
func TestWorker_versions(t *testing.T) {
	t.Parallel()
	v := newVersioned(t)
	stopUnversioned := v.workAs("")
	old := v.begin()
	stopA := v.workAs("a")
	notYet := v.begin()
	require.Equal(t, []string{""}, v.builds(notYet), "no version is current")
	v.setCurrent("a")
	stopUnversioned()
	v.endBySMS(old)
	require.Equal(t, []string{"", "a"}, v.builds(old), "begun before there were versions")
	v.endBySMS(notYet)

	waits := v.begin()
	require.Equal(t, []string{"a"}, v.builds(waits))
	stopB := v.workAs("b")
	v.setCurrent("b")
	stopA()
	v.endBySMS(waits)
	require.Equal(t, []string{"a", "b"}, v.builds(waits), "it moves to the new version")

	forBack := v.begin()
	require.Equal(t, []string{"b"}, v.builds(forBack))
	stopA = v.workAs("a")
	v.setCurrent("a")
	v.endBySMS(forBack)
	require.Equal(t, []string{"b", "a"}, v.builds(forBack), "and back")

	forNone := v.begin()
	v.workAs("")
	v.setCurrent("")
	stopA()
	stopB()
	v.endBySMS(forNone)
	require.Equal(t, []string{"a", ""}, v.builds(forNone), "versions are turned off again")
}

// A workflow does not start on the worker of the process that accepts the send, unless its version is current.
func TestWorker_versionOfStart(t *testing.T) {
	t.Parallel()
	v := newVersioned(t)
	v.workAs("a")
	v.setCurrent("a")
	o := limits
	o.Version = worker.Version{Deployment: deployment, Build: "b"}
	v.work(o) // by the client of the handoff
	var err error
	v.handoff, err = handoff.New(handoff.Options{
		Store: v.db, Engine: v.client, Installation: v.install, Log: slog.New(slog.DiscardHandler), HasVersions: true,
		Settings: workflows.Settings{UnknownWait: 30 * time.Second, SMSReceiptWait: time.Hour},
	})
	require.NoError(t, err)
	for range 5 {
		require.Equal(t, []string{"a"}, v.builds(v.begin()))
	}
}

// Without a current version and without other workers nothing is lost: the send waits until a version is current.
func TestWorker_noCurrentVersion(t *testing.T) {
	t.Parallel()
	v := newVersioned(t)
	v.workAs("a")
	send := v.accept(backstop.Undelivered, time.Minute)
	time.Sleep(2 * time.Second)
	require.Zero(t, v.provider.messagesOf(send, whatsAppStep), "no version is current")
	v.setCurrent("a")
	v.submitted(send, backstop.WhatsApp)
	require.Equal(t, []string{"a"}, v.builds(send))
}
