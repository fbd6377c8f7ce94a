package worker_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/temporaltest"
	"github.com/backstophq/backstop/worker"
	"github.com/backstophq/backstop/workflows"
)

const (
	// taskTimeout is how long the engine waits before it gives the workflow task of a dead worker to another worker.
	taskTimeout = 2 * time.Second
	// atOnce bounds the sends that are on the way to their points, so that each gets there before its rule's wait ends.
	atOnce = 6
)

// fleet is an installation with the carrier as its provider. Its workers may be processes that the test can kill.
type fleet struct {
	*rig

	used      *postgres.DB // of the API and the workers; the test itself uses db
	server    *temporaltest.Server
	namespace string
	carrier   *carrier
	doors     map[workflows.Settings]*handoff.Handoff
	accepted  []string
}

func newFleet(t *testing.T, server *temporaltest.Server, c client.Client, namespace string) *fleet {
	t.Helper()
	f := fleetOn(newRigOn(t, c))
	f.server, f.namespace = server, namespace
	return f
}

// fleetOn returns a fleet without worker processes.
func fleetOn(r *rig) *fleet {
	r.t.Helper()
	f := &fleet{rig: r, doors: map[workflows.Settings]*handoff.Handoff{}}
	f.use(f.db)
	r.t.Cleanup(func() {
		for _, d := range f.doors {
			d.Close()
		}
	})
	return f
}

// use sets the store of the API, which is the hand-over, and of the workers in this process.
func (f *fleet) use(db *postgres.DB) {
	f.t.Helper()
	f.used = db
	clear(f.doors)
	ctx, webhooks := f.t.Context(), f.door(workflows.Settings{})
	f.carrier = newCarrier(f.t, func(receipts []backstop.Receipt) error { return webhooks.Deliver(ctx, receipts) })
}

// door returns the hand-over for sends with these settings.
func (f *fleet) door(s workflows.Settings) *handoff.Handoff {
	f.t.Helper()
	if h, ok := f.doors[s]; ok {
		return h
	}
	h, err := handoff.New(handoff.Options{
		Store: f.used, Engine: f.client, Installation: f.install, Log: slog.New(slog.DiscardHandler), Settings: s,
		TaskTimeout: taskTimeout,
	})
	require.NoError(f.t, err)
	f.doors[s] = h
	return h
}

// here starts a worker in this process.
func (f *fleet) here() {
	f.t.Helper()
	acts, err := activities.New(activities.Options{
		Store: f.used, Accounts: simulated{localWhatsApp{f.carrier}, localSMS{f.carrier}},
		Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(f.t, err)
	w := worker.New(f.client, acts, worker.Options{Installation: f.install, Calls: 1000, StopTimeout: time.Second})
	require.NoError(f.t, w.Start())
	f.t.Cleanup(w.Stop)
}

// process starts a worker process, and returns a function that kills it.
func (f *fleet) process() (kill func()) {
	f.t.Helper()
	settings, err := json.Marshal(processSettings{
		Database: f.address, Temporal: f.server.Address, Namespace: f.namespace, Installation: f.install,
		Carrier: f.carrier.address,
	})
	require.NoError(f.t, err)
	self, err := os.Executable()
	require.NoError(f.t, err)
	p := exec.CommandContext(f.t.Context(), self) // the context kills it when the test ends
	p.Env = append(os.Environ(), processVariable+"="+string(settings))
	var said bytes.Buffer
	p.Stderr = &said
	out, err := p.StdoutPipe()
	require.NoError(f.t, err)
	stdin, err := p.StdinPipe()
	require.NoError(f.t, err)
	require.NoError(f.t, p.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "ready\n" {
		_ = p.Wait()
		f.t.Fatalf("worker did not start: %v: %s%s", err, line, said.String())
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, out)
		_ = p.Wait()
	}()
	kill = func() {
		_ = p.Process.Kill()
		<-ended
		stdin.Close()
	}
	f.t.Cleanup(kill)
	return kill
}

// send accepts a send. It waits while atOnce sends are on the way to their points.
func (f *fleet) send(p part, s workflows.Settings, rules ...backstop.Rule) {
	f.t.Helper()
	f.sendText("hello", p, s, rules...)
}

// sendText is the same with a text for the SMS.
func (f *fleet) sendText(text string, p part, s workflows.Settings, rules ...backstop.Rule) string {
	f.t.Helper()
	require.Eventually(f.t, func() bool { return f.underWay() < atOnce }, patience, moment)
	send := backstop.Send{
		To: nextNumber(), Country: "GB", Text: "hello", SMSText: text,
		Plan: backstop.Plan{PolicyID: policyID, PolicyName: "p", Account: number, Rules: slices.Clone(rules)},
	}
	by := sender
	if p.resendsWhatsApp {
		send.Plan.Account = resendingNumber
	}
	if p.resendsSMS {
		by = resendingSender
	}
	for i := range send.Plan.Rules {
		send.Plan.Rules[i].Routes = []backstop.Route{{Account: by}}
	}
	if p.expires > 0 {
		at := f.db.Now().Add(p.expires)
		send.ExpiresAt = &at
	}
	accepted, _, err := f.door(s).Accept(f.t.Context(), send, nil)
	require.NoError(f.t, err)
	f.carrier.plays(accepted.ID, p)
	f.accepted = append(f.accepted, accepted.ID)
	return accepted.ID
}

// keep stores receipts without a signal, as if Temporal were away or the process had died before the signal.
func (f *fleet) keep(receipts []backstop.Receipt) error {
	_, err := f.db.InsertReceipts(f.t.Context(), receipts)
	return err
}

// underWay returns how many sends have not reached the point where their process dies.
func (f *fleet) underWay() (n int) {
	f.t.Helper()
	for _, send := range f.accepted {
		if !f.isThere(send) {
			n++
		}
	}
	return n
}

func (f *fleet) isThere(send string) bool {
	f.t.Helper()
	f.carrier.mu.Lock()
	p, reached := f.carrier.parts[send], f.carrier.reached[send]
	f.carrier.mu.Unlock()
	if reached || p.diesAt == "" {
		return true
	}
	if p.diesAt != parked {
		return false
	}
	attempts, _, err := f.db.Timeline(f.t.Context(), send)
	require.NoError(f.t, err)
	if len(attempts) == 0 || attempts[len(attempts)-1].EndedAt == nil {
		return false
	}
	run, err := f.client.DescribeWorkflowExecution(f.t.Context(), workflows.ID(send), "")
	require.NoError(f.t, err)
	if run.GetPendingWorkflowTask() != nil {
		return false
	}
	f.carrier.mu.Lock()
	defer f.carrier.mu.Unlock()
	f.carrier.reached[send] = true
	return true
}

// gather waits until all sends have reached their points.
func (f *fleet) gather() {
	f.t.Helper()
	for i, send := range f.accepted {
		require.Eventually(f.t, func() bool { return f.isThere(send) }, patience, moment, "send %d to reach its point", i)
	}
}

// finished waits until a send and its workflow have ended, and returns the send.
func (f *fleet) finished(t *testing.T, send string) backstop.Send {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			f.describe(t, send)
		}
	})
	var stored backstop.Send
	require.Eventually(t, func() bool {
		var err error
		stored, err = f.db.Send(t.Context(), send)
		require.NoError(t, err)
		return stored.FinishedAt != nil
	}, patience, moment, "the send to end")
	require.Eventually(t, func() bool {
		run, err := f.client.DescribeWorkflowExecution(t.Context(), workflows.ID(send), "")
		require.NoError(t, err)
		return run.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
	}, patience, moment, "the workflow to complete")
	for _, e := range f.events(send, enums.EVENT_TYPE_WORKFLOW_TASK_FAILED) {
		require.Equal(t, enums.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND, // a receipt came as the task ended; the task runs again
			e.GetWorkflowTaskFailedEventAttributes().GetCause())
	}
	f.requireTimeline(t, send)
	return stored
}

// requireTimeline checks the timeline of a send that has ended: its times are in order, and only receipts follow the end.
func (f *fleet) requireTimeline(t *testing.T, send string) {
	t.Helper()
	_, events, err := f.db.Timeline(t.Context(), send)
	require.NoError(t, err)
	end := slices.IndexFunc(events, func(e backstop.Event) bool { return e.Kind == backstop.EventFinished })
	require.NotEqual(t, -1, end)
	for i, e := range events {
		require.False(t, i > 0 && e.At.Before(events[i-1].At), "times go back")
		require.False(t, i > end && e.Kind != backstop.EventReceipt, "%s after the end", e.Kind)
	}
}

func undelivered(wait time.Duration) backstop.Rule { return ruleOf(backstop.Undelivered, wait) }

func ruleOf(of backstop.RuleType, wait time.Duration) backstop.Rule {
	return backstop.Rule{
		ID: policyID, Name: "rule", Type: of, WaitSeconds: int(wait.Seconds()), SendID: "Acme",
	}
}

// describe logs the attempts and events of a send.
func (f *fleet) describe(t *testing.T, send string) {
	t.Helper()
	attempts, events, err := f.db.Timeline(f.t.Context(), send)
	t.Log(send, err)
	for _, a := range attempts {
		t.Logf("attempt %+v failure %+v", a, a.Failure)
	}
	for _, e := range events {
		t.Logf("event %+v", e)
	}
	for _, e := range f.events(send) {
		t.Log(e.GetEventTime().AsTime().Format(time.TimeOnly), e.GetEventType())
	}
}
