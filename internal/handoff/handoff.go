// Package handoff is the one door between Postgres, which holds the facts, and Temporal, which holds the decisions.
//
// Whatever comes in is committed to Postgres first, then handed to Temporal, then marked. If Temporal is away the
// caller does not notice: a sweeper hands over whatever is not marked. Each hand-over may safely be repeated.
package handoff

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/workflows"
)

const (
	// engineTimeout bounds a hand-over inside a request; the sweeper does what it leaves undone.
	engineTimeout = 2 * time.Second
	// respite is how long requests leave a Temporal alone that did not answer.
	respite = time.Second
	// signalsAtOnce bounds the signals of one webhook that are under way together.
	signalsAtOnce = 8
)

// errAway says that Temporal did not answer a moment ago.
var errAway = errors.New("temporal is away")

// Engine is what the hand-over needs of a Temporal client.
type Engine interface {
	ExecuteWorkflow(ctx context.Context, o client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error)
	SignalWorkflow(ctx context.Context, workflowID, runID, signal string, arg any) error
}

// Handoff takes sends and receipts over.
type Handoff struct {
	store     Store
	engine    Engine
	settings  workflows.Settings
	log       *slog.Logger
	now       func() time.Time
	awayUntil atomic.Int64 // Unix nanoseconds
}

// Options are what a Handoff needs. All are required but Now, which is time.Now by default.
type Options struct {
	Store    Store
	Engine   Engine
	Settings workflows.Settings // for the sends that are accepted from now on
	Log      *slog.Logger
	Now      func() time.Time
}

// New returns a Handoff, or an error that names what is missing.
func New(o Options) (*Handoff, error) {
	if o.Store == nil || o.Engine == nil || o.Log == nil {
		return nil, errors.New("new handoff: Store, Engine and Log are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Handoff{store: o.Store, engine: o.Engine, settings: o.Settings, log: o.Log, now: o.Now}, nil
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

// Accept stores a valid send and starts its workflow. It sets ID, AcceptedAt and the statuses. Once it returns
// without an error the send cannot be lost, whether Temporal is there or not. If the key was used meanwhile, it
// returns that send and false.
func (h *Handoff) Accept(ctx context.Context, send backstop.Send, key *Idempotency) (backstop.Send, bool, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return backstop.Send{}, false, fmt.Errorf("make send id: %w", err)
	}
	send.ID = id.String()
	send.AcceptedAt = h.now().UTC().Truncate(time.Microsecond) // as Postgres keeps it
	send.WhatsAppStatus, send.Outcome = backstop.Queued, backstop.OutcomePending
	send, created, err := h.store.InsertSend(ctx, send, key)
	if err != nil || !created {
		return send, false, err
	}
	h.inline(ctx, "start workflow", func(ctx context.Context) error {
		if err := h.start(ctx, send); err != nil {
			return err
		}
		return h.store.MarkSent(ctx, send.ID)
	})
	return send, true, nil
}

// Deliver stores receipts and tells the workflows that wait for them. Once it returns without an error no receipt
// can be lost.
func (h *Handoff) Deliver(ctx context.Context, receipts []backstop.Receipt) error {
	waited, err := h.store.InsertReceipts(ctx, receipts)
	if err != nil {
		return fmt.Errorf("store receipts: %w", err)
	}
	if len(waited) == 0 {
		return nil
	}
	h.inline(ctx, "signal receipts", func(ctx context.Context) error {
		var signals errgroup.Group
		signals.SetLimit(signalsAtOnce)
		ids := make([]string, len(waited))
		for i, receipt := range waited {
			ids[i] = receipt.ID
			signals.Go(func() error { return h.signal(ctx, receipt) })
		}
		if err := signals.Wait(); err != nil {
			return err // the sweeper signals them all again: a workflow merges what it has heard before
		}
		return h.store.MarkSignalled(ctx, ids)
	})
	return nil
}

// inline hands over within a request. What fails is left to the sweeper, and so is everything for a moment after
// Temporal did not answer, so that an outage does not slow every request down.
func (h *Handoff) inline(ctx context.Context, what string, give func(context.Context) error) {
	if h.now().UnixNano() < h.awayUntil.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), engineTimeout)
	defer cancel()
	if err := give(ctx); err != nil {
		h.awayUntil.Store(h.now().Add(respite).UnixNano())
		h.log.WarnContext(ctx, "hand-over left to the sweeper", "what", what, "error", err)
	}
}

// start starts the workflow of a send. One that was started before counts as started.
func (h *Handoff) start(ctx context.Context, send backstop.Send) error {
	_, err := h.engine.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       workflows.ID(send.ID),
		TaskQueue:                workflows.TaskQueue,
		WorkflowIDReusePolicy:    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		EnableEagerStart:         true,
		StaticSummary:            "policy " + send.Plan.PolicyName,

		WorkflowExecutionErrorWhenAlreadyStarted: true,
	}, workflows.Send, workflows.SendInput{
		ID: send.ID, Rules: send.Plan.Rules, AcceptedAt: send.AcceptedAt, ExpiresAt: send.ExpiresAt,
		Category: send.Category, Settings: h.settings,
	})
	if _, started := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); started {
		return nil
	}
	if err != nil {
		return fmt.Errorf("start workflow: %w", err)
	}
	return nil
}

// signal tells a workflow of a receipt. A workflow that is not there has ended, and needs it no more, or will start
// later and read the status from Postgres.
func (h *Handoff) signal(ctx context.Context, receipt Handover) error {
	signal := workflows.Receipt{Step: receipt.Ref.Step, Channel: receipt.Channel, Status: receipt.Status}
	if receipt.Failure != nil {
		signal.Class, signal.Code = receipt.Failure.Class, receipt.Failure.Code
	}
	err := h.engine.SignalWorkflow(ctx, workflows.ID(receipt.Ref.Send), "", workflows.ReceiptSignal, signal)
	if _, gone := errors.AsType[*serviceerror.NotFound](err); gone {
		return nil
	}
	if err != nil {
		return fmt.Errorf("signal workflow: %w", err)
	}
	return nil
}
