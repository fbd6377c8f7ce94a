// Package handoff is the only place where Postgres, which has the facts, and Temporal, which has the timers and the next steps,
// meet.
//
// A send or a receipt is committed to Postgres first, then passed to Temporal, then marked. If Temporal is away, the request
// succeeds all the same, and a sweeper hands over the unmarked rows later. A repeated hand-over changes nothing.
package handoff

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/workflows"
)

const (
	// patience is how long Temporal may take to answer before it counts as away. No request waits longer for Temporal.
	patience = 2 * time.Second
	// maxInFlight is the number of hand-overs in flight above which a request waits for its own. This slows callers down to the
	// speed of Temporal.
	maxInFlight = 32
	// handOverTimeout bounds a hand-over, which goes on if its request ends. The sweeper repeats an unfinished one. A shorter
	// bound would cost more than it saves: the answer to an eager start contains the first workflow task, and after a cancelled
	// call the engine waits 10 s before it dispatches that task again; a cancelled signal is sent a second time to an engine
	// that is busy already.
	handOverTimeout = 10 * time.Second
	// markTimeout bounds the write that marks the rows. The sweeper hands over a row once more if it stays unmarked.
	markTimeout = 2 * time.Second
	// signalsAtOnce bounds the concurrent signals of one webhook.
	signalsAtOnce = 8
)

// Engine is what the hand-over needs of a Temporal client.
type Engine interface {
	ExecuteWorkflow(ctx context.Context, o client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error)
	SignalWorkflow(ctx context.Context, workflowID, runID, signal string, arg any) error
	UpdateWorkflow(ctx context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error)
	DescribeWorkflowExecution(
		ctx context.Context, workflowID, runID string,
	) (*workflowservice.DescribeWorkflowExecutionResponse, error)
}

// Handoff stores sends and receipts, and hands them over to Temporal.
type Handoff struct {
	store        Store
	engine       Engine
	settings     workflows.Settings
	hasVersions  bool
	installation string
	taskTimeout  time.Duration
	scheduled    int // per second
	log          *slog.Logger
	now          func() time.Time
	inquire      Inquire
	outage       outage
	workers      workers

	inFlight         inFlight
	started          batch[string]   // sends whose workflow was started
	signalled        batch[string]   // receipts that were signalled, or need no signal any more
	deferredSends    batch[Deferral] // sends to claim again
	deferredReceipts batch[Deferral] // receipts to claim again
	deferredChecks   batch[Deferral] // sends to check again
}

// DefaultScheduledPerSecond is less than the 80 messages a second that Meta takes from a number, so other sends have room.
const DefaultScheduledPerSecond = 50

// Options are what a Handoff needs. TaskTimeout, Now (by default time.Now), Inquire and ScheduledPerSecond (by default
// DefaultScheduledPerSecond) are optional.
type Options struct {
	Store        Store
	Engine       Engine
	Installation string             // the id of the store's database; it selects the task queue
	Settings     workflows.Settings // for the sends that are accepted from now on
	TaskTimeout  time.Duration      // the engine retries a workflow task after it; 0: the engine's default, 10 s
	Log          *slog.Logger
	Now          func() time.Time // the clock for Temporal's outages; the store has its own
	Inquire      Inquire          // nil: no provider is asked

	// HasVersions says that the workers have versions. Then no start is eager: Temporal gives the first task of an eager start to
	// a worker of this process, whichever version is the current one.
	HasVersions bool

	ScheduledPerSecond int // how many scheduled sends all processes together start in a second
}

// Inquire asks the providers for the status of the messages of a send whose receipts are missing, and stores the answers.
type Inquire func(ctx context.Context, send string) (backstop.View, error)

// New returns a Handoff, or an error that names what is missing.
func New(o Options) (*Handoff, error) {
	if o.Store == nil || o.Engine == nil || o.Installation == "" || o.Log == nil {
		return nil, errors.New("new handoff: Store, Engine, Installation and Log are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Handoff{
		store: o.Store, engine: o.Engine, settings: o.Settings, installation: o.Installation,
		hasVersions: o.HasVersions, taskTimeout: o.TaskTimeout, log: o.Log, now: o.Now, inquire: o.Inquire,
		scheduled:        cmp.Or(o.ScheduledPerSecond, DefaultScheduledPerSecond),
		started:          batch[string]{write: o.Store.MarkSent, log: o.Log},
		signalled:        batch[string]{write: o.Store.MarkSignalled, log: o.Log},
		deferredSends:    batch[Deferral]{write: o.Store.DeferSends, log: o.Log},
		deferredReceipts: batch[Deferral]{write: o.Store.DeferReceipts, log: o.Log},
		deferredChecks:   batch[Deferral]{write: o.Store.DeferChecks, log: o.Log},
	}, nil
}

// Close waits for the hand-overs in flight, for patience at most, and marks their rows. The caller stops its requests first. The
// sweeper of another process hands over the rows that stay unmarked.
func (h *Handoff) Close() {
	h.inFlight.wait(patience)
	h.started.close()
	h.signalled.close()
	h.deferredSends.close()
	h.deferredReceipts.close()
	h.deferredChecks.close()
}

// Accepted returns the send that an idempotency key was used for, or false. A key that was used with another body is
// an Error of code Mismatch.
func (h *Handoff) Accepted(ctx context.Context, key Idempotency) (backstop.Send, bool, error) {
	send, found, err := h.store.SendByKey(ctx, key)
	if err != nil {
		return backstop.Send{}, false, fmt.Errorf("find send by key: %w", err)
	}
	return send, found, nil
}

// Accept is AcceptGuarded without checks.
func (h *Handoff) Accept(ctx context.Context, send backstop.Send, key *Idempotency) (backstop.Send, bool, error) {
	return h.AcceptGuarded(ctx, send, key, backstop.GuardChecks{})
}

// AcceptGuarded stores a valid send and starts its workflow in the background. It sets ID, AcceptedAt and the statuses. The
// sweeper starts the workflow of a scheduled send. When AcceptGuarded returns without an error, the send is stored and cannot be
// lost, even if Temporal is away. If the key has been used for another send, AcceptGuarded returns that send and false. If a
// check refuses the send, nothing is stored, and the cause of the error is a backstop.GuardError.
func (h *Handoff) AcceptGuarded(
	ctx context.Context, send backstop.Send, key *Idempotency, checks backstop.GuardChecks,
) (backstop.Send, bool, error) {
	send = send.AcceptAt(h.store.Now())
	id, err := h.store.NewID(send.AcceptedAt)
	if err != nil {
		return backstop.Send{}, false, err
	}
	send.ID = id
	send.Status.WhatsApp, send.Outcome = backstop.Queued, backstop.OutcomePending
	send, created, err := h.insert(ctx, send, key, checks)
	if err != nil || !created || send.IsScheduled() {
		return send, created, err
	}
	if send.FinishedAt != nil { // it has ended already
		return send, true, nil
	}
	h.handOver(ctx, func(ctx context.Context) {
		start := func(ctx context.Context) error { return h.startWorkflow(ctx, send, firstStart) }
		if err := h.callEngine(ctx, start); err != nil {
			h.logFailed(ctx, "start workflow", err)
			return
		}
		h.started.add(send.ID)
	})
	return send, true, nil
}

func (h *Handoff) insert(
	ctx context.Context, send backstop.Send, key *Idempotency, checks backstop.GuardChecks,
) (backstop.Send, bool, error) {
	if checks.IsEmpty() {
		return h.store.InsertSend(ctx, send, key)
	}
	return h.store.InsertGuarded(ctx, send, key, checks)
}

// Deliver stores receipts and the messages of people, and signals in the background the receipts that a workflow waits for. A
// WhatsApp message that a person answers counts as read. When Deliver returns without an error, the receipts are stored and
// cannot be lost.
func (h *Handoff) Deliver(ctx context.Context, all []backstop.Receipt) error {
	var inbound, receipts []backstop.Receipt
	for _, r := range all {
		if r.Inbound != nil {
			inbound = append(inbound, r)
		} else {
			receipts = append(receipts, r)
		}
	}
	if len(inbound) > 0 {
		read, err := h.store.InsertInbound(ctx, inbound)
		if err != nil {
			return fmt.Errorf("store inbound messages: %w", err)
		}
		receipts = append(receipts, read...)
	}
	if len(receipts) == 0 {
		return nil
	}
	awaited, err := h.store.InsertReceipts(ctx, receipts)
	if err != nil {
		return fmt.Errorf("store receipts: %w", err)
	}
	h.logAccountFaults(ctx, receipts)
	if len(awaited) == 0 {
		return nil
	}
	h.handOver(ctx, func(ctx context.Context) {
		if signalled := h.notifyAll(ctx, awaited); len(signalled) > 0 {
			h.signalled.add(signalled...)
		}
	})
	return nil
}

// handOver runs a hand-over in the background, even if its request has ended. If more than maxInFlight are in flight, it waits
// for this one, for patience at most.
func (h *Handoff) handOver(ctx context.Context, do func(context.Context)) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), handOverTimeout)
	many := h.inFlight.begin() > maxInFlight
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer h.inFlight.end()
		defer cancel()
		do(ctx)
	}()
	if many {
		waitFor(done, patience)
	}
}

// notifyAll brings receipts to their workflows, and returns the ids of the ones that arrived. A failure of one does not stop the
// others.
func (h *Handoff) notifyAll(ctx context.Context, awaited []Handover) []string {
	var signals errgroup.Group
	signals.SetLimit(signalsAtOnce)
	signalled := make([]string, len(awaited))
	for i, receipt := range awaited {
		signals.Go(func() error {
			err := h.notify(ctx, receipt)
			if err == nil {
				signalled[i] = receipt.ID
			}
			return err
		})
	}
	if err := signals.Wait(); err != nil {
		h.logFailed(ctx, "signal receipts", err)
	}
	return slices.DeleteFunc(signalled, func(id string) bool { return id == "" })
}

// callEngine makes one call to Temporal, or returns errAway if Temporal did not answer a moment ago. The caller bounds ctx.
func (h *Handoff) callEngine(ctx context.Context, do func(context.Context) error) error {
	if !h.outage.admits(h.now()) {
		return errAway
	}
	late := time.AfterFunc(patience, func() { h.recordAnswer(ctx, context.DeadlineExceeded) })
	defer late.Stop()
	err := do(ctx)
	h.recordAnswer(ctx, err)
	return err
}

// recordAnswer records the result of a call to Temporal, and logs the begin and the end of an outage.
func (h *Handoff) recordAnswer(ctx context.Context, err error) {
	switch began, ended := h.outage.record(h.now(), err); {
	case began:
		h.log.WarnContext(ctx, "temporal is away: the sweeper hands over when it is back", "error", err)
	case ended:
		h.log.InfoContext(ctx, "temporal is back")
	}
}

// logFailed logs a hand-over that failed. It skips the log line during an outage, which recordAnswer has logged.
func (h *Handoff) logFailed(ctx context.Context, what string, err error) {
	if !errors.Is(err, errAway) {
		h.log.WarnContext(ctx, "hand-over left to the sweeper", "what", what, "error", err)
	}
}

// signal signals a receipt to its workflow. If the send has an outcome, the workflow may have ended, and needs no signal. If it
// has none, and Temporal has no running workflow for it, the workflow is lost or does not exist yet. Then signal returns the
// error, so that the receipt is signalled again later.
func (h *Handoff) signal(ctx context.Context, receipt Handover) error {
	err := h.engine.SignalWorkflow(ctx, workflows.ID(receipt.Send), "", workflows.ReceiptSignal, receipt.View)
	if err == nil || isGone(err) && receipt.View.Outcome != "" {
		return nil
	}
	return fmt.Errorf("signal workflow: %w", err)
}

func isGone(err error) bool {
	_, gone := errors.AsType[*serviceerror.NotFound](err)
	return gone
}
