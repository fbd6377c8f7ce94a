package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/rpc"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
)

// plainCommand is the argument that makes this program the process of the hand-written workflows.
const plainCommand = "plain"

// kind is one of the hand-written workflows.
type kind string

const (
	bare  kind = "bare"
	tuned kind = "tuned"
)

// taskQueue is the task queue of a kind. Each kind has its own worker with its own options.
func (k kind) taskQueue() string { return "bench-" + string(k) }

// plain is a starter and a worker of hand-written workflows in one process, like Backstop's API and worker. They share a
// client, which eager start requires.
type plain struct {
	ctx        context.Context //nolint:containedctx // net/rpc passes no context to a method
	clients    map[kind]client.Client
	milestones *milestones
	provider   *plainProvider // nil: the activity does nothing
	lateness   latenessRecord
}

// servePlain serves the calls of the parent process over stdin and stdout, until stdin is closed.
func servePlain(ctx context.Context, env map[string]string, stdin io.ReadCloser, stdout, stderr io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	logger := slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	p := &plain{ctx: ctx, clients: map[kind]client.Client{}, milestones: newMilestones()}
	for k, compression := range map[kind]client.GrpcCompression{bare: nil, tuned: &client.GrpcCompressionNone{}} {
		temporal, err := dialTemporal(ctx, env, logger, compression)
		if err != nil {
			return err
		}
		defer temporal.Close()
		p.clients[k] = temporal
	}
	var err error
	if url := env[providerVariable]; url != "" {
		if p.provider, err = newPlainProvider(ctx, url, p.forwardReceipt); err != nil {
			return err
		}
		defer p.provider.close()
	}
	for _, w := range p.workers() {
		if err := w.Start(); err != nil {
			return fmt.Errorf("start worker: %w", err)
		}
		defer w.Stop()
	}
	server := rpc.NewServer()
	if err := server.RegisterName(rpcName, &plainRPC{plain: p}); err != nil {
		return fmt.Errorf("register calls: %w", err)
	}
	server.ServeConn(pipe{Reader: &eofReader{stdin, stop}, Writer: stdout, Closer: stdin})
	return nil
}

// workers returns a worker per kind.
func (p *plain) workers() []worker.Worker {
	byDefault := worker.New(p.clients[bare], bare.taskQueue(), worker.Options{})
	byDefault.RegisterWorkflow(p.Bare)
	byDefault.RegisterActivity(p.Submit)
	// It needs no activity poller. It has as many workflow pollers as Backstop.
	atBest := worker.New(p.clients[tuned], tuned.taskQueue(), worker.Options{
		LocalActivityWorkerOnly: true,
		WorkflowTaskPollerBehavior: worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{
			MinimumNumberOfPollers: 4, InitialNumberOfPollers: 8, MaximumNumberOfPollers: 64,
		}),
	})
	atBest.RegisterWorkflow(p.Tuned)
	atBest.RegisterWorkflow(p.Due)
	atBest.RegisterActivity(p.Submit)
	atBest.RegisterActivity(p.RecordLateness)
	return []worker.Worker{byDefault, atBest}
}

// kindOf reads the kind from a workflow's id.
func kindOf(id string) kind {
	k, _, _ := strings.Cut(id, "/")
	return kind(k)
}

// startWorkflow starts one workflow and returns its id.
func (p *plain) startWorkflow(ctx context.Context, k kind) (string, error) {
	options := client.StartWorkflowOptions{
		ID: string(k) + "/" + uuid.NewString(), TaskQueue: k.taskQueue(), EnableEagerStart: k == tuned,
	}
	workflow := p.Bare
	if k == tuned {
		workflow = p.Tuned
	}
	in := message{To: nextReadRecipient(), Text: whatsAppText}
	if _, err := p.clients[k].ExecuteWorkflow(ctx, options, workflow, in); err != nil {
		return "", fmt.Errorf("start workflow: %w", err)
	}
	return options.ID, nil
}

// runToEnd starts one workflow, sends its receipt and waits for its end.
func (p *plain) runToEnd(ctx context.Context, k kind) (string, error) {
	id, err := p.startWorkflow(ctx, k)
	if err != nil {
		return "", err
	}
	return id, p.finishWorkflow(ctx, id)
}

// finishWorkflow sends the last receipt to a workflow and waits until the workflow has it. With a provider it only waits,
// because the receipt comes by webhook.
func (p *plain) finishWorkflow(ctx context.Context, id string) error {
	if p.provider == nil {
		if err := p.milestones.wait(ctx, parkedMilestone(id)); err != nil {
			return err
		}
		if err := p.sendReceipt(ctx, id, delivered); err != nil {
			return err
		}
	}
	return p.milestones.wait(ctx, receivedMilestone(id, delivered))
}

// sendReceipt signals a receipt to a bare workflow. To a tuned workflow it sends an update and waits for the answer.
func (p *plain) sendReceipt(ctx context.Context, id, status string) error {
	k, r := kindOf(id), receipt{Step: 1, Channel: "whatsapp", Status: status}
	if k != tuned {
		if err := p.clients[k].SignalWorkflow(ctx, id, "", receiptName, r); err != nil {
			return fmt.Errorf("signal workflow: %w", err)
		}
		return nil
	}
	handle, err := p.clients[k].UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: id, UpdateName: receiptName, Args: []any{r}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, nil)
	}
	if err != nil {
		return fmt.Errorf("update workflow: %w", err)
	}
	return nil
}

// forwardReceipt forwards a receipt from the provider to its workflow. It skips statuses that do not end the workflow.
func (p *plain) forwardReceipt(ctx context.Context, id, status string) error {
	if status != delivered {
		return nil
	}
	return p.sendReceipt(ctx, id, status)
}

// temporalTimeout bounds the wait for Temporal. On Postgres, Temporal registers its namespace only after its start.
const temporalTimeout = 30 * time.Second

// dialTemporal connects to the Temporal that devstack has started.
func dialTemporal(
	ctx context.Context, env map[string]string, logger *slog.Logger, compression client.GrpcCompression,
) (client.Client, error) {
	options := client.Options{
		HostPort: env["BACKSTOP_TEMPORAL_ADDRESS"], Namespace: env["BACKSTOP_TEMPORAL_NAMESPACE"],
		Logger:            log.NewStructuredLogger(logger),
		ConnectionOptions: client.ConnectionOptions{GrpcCompression: compression},
	}
	for began := time.Now(); ; {
		c, err := client.DialContext(ctx, options)
		if err == nil {
			if _, err = c.DescribeTaskQueue(ctx, bare.taskQueue(), taskQueueType); err == nil {
				return c, nil
			}
			c.Close()
		}
		if ctx.Err() != nil || time.Since(began) > temporalTimeout {
			return nil, fmt.Errorf("dial temporal: %w", err)
		}
		time.Sleep(time.Second / 2)
	}
}
