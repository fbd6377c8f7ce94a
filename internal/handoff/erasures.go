package handoff

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/workflows"
)

const (
	// startErasuresEvery is the time between two looks for erasures whose workflow may be missing.
	startErasuresEvery = 30 * time.Second
	maxErasures        = 100 // that one look starts
)

// ErasureStore is what Erasures needs of Postgres.
type ErasureStore interface {
	CreateErasure(ctx context.Context, to string, keepOptOut bool) (backstop.Erasure, error)
	Erasure(ctx context.Context, id string) (backstop.Erasure, error)

	// RunningErasures returns the ids of up to limit erasures that are not done.
	RunningErasures(ctx context.Context, limit int) ([]string, error)
}

// ErasureEngine is what Erasures needs of a Temporal client.
type ErasureEngine interface {
	ExecuteWorkflow(
		ctx context.Context, o client.StartWorkflowOptions, workflow any, args ...any,
	) (client.WorkflowRun, error)
}

// Erasures starts the workflows that remove people. An erasure is stored first; a sweeper starts what was not started.
type Erasures struct {
	store        ErasureStore
	engine       ErasureEngine
	installation string
	log          *slog.Logger
}

// NewErasures returns Erasures, or an error if something is missing.
func NewErasures(store ErasureStore, engine ErasureEngine, installation string, log *slog.Logger) (*Erasures, error) {
	if store == nil || engine == nil || installation == "" || log == nil {
		return nil, errors.New("new erasures: store, engine, installation and log are required")
	}
	return &Erasures{store: store, engine: engine, installation: installation, log: log}, nil
}

// Create stores an erasure and starts its workflow. If Temporal is away, the sweeper starts it later.
func (e *Erasures) Create(ctx context.Context, to string, keepOptOut bool) (backstop.Erasure, error) {
	erasure, err := e.store.CreateErasure(ctx, to, keepOptOut)
	if err != nil {
		return backstop.Erasure{}, fmt.Errorf("create erasure: %w", err)
	}
	e.startOrLog(ctx, erasure.ID)
	return erasure, nil
}

// Get returns an erasure, or an Error of code NotFound.
func (e *Erasures) Get(ctx context.Context, id string) (backstop.Erasure, error) {
	erasure, err := e.store.Erasure(ctx, id)
	if err != nil {
		return backstop.Erasure{}, fmt.Errorf("get erasure: %w", err)
	}
	return erasure, nil
}

// Sweep starts the workflows of erasures that are not done, until ctx is done. A workflow that runs is left alone.
func (e *Erasures) Sweep(ctx context.Context) {
	repeatEvery(ctx, startErasuresEvery, func(ctx context.Context) {
		ids, err := e.store.RunningErasures(ctx, maxErasures)
		if err != nil {
			if ctx.Err() == nil {
				e.log.WarnContext(ctx, "sweep failed", "what", "erasures", "error", err)
			}
			return
		}
		for _, id := range ids {
			e.startOrLog(ctx, id)
		}
	})
}

func (e *Erasures) startOrLog(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(ctx, sweepCall)
	defer cancel()
	_, err := e.engine.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: workflows.ErasureID(id), TaskQueue: workflows.QueueOf(e.installation),
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
	}, workflows.Erase, workflows.ErasureInput{ID: id})
	if err != nil {
		e.log.InfoContext(ctx, "erasure left to the sweeper", "erasure", id, "error", err)
	}
}
