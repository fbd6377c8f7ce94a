package handoff_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
)

// engine counts the calls, and fails as the test says. Other calls go to the engine behind it, if there is one.
type engine struct {
	behind handoff.Engine

	mu      sync.Mutex
	fail    func(workflowID string) error
	starts  map[string]int // by workflow id
	signals map[string]int
	updates map[string]int

	runs        map[string]enums.WorkflowExecutionStatus // by workflow id
	unreachable error                                    // the error of DescribeWorkflowExecution
	described   int
}

func newEngine(behind handoff.Engine) *engine {
	return &engine{
		behind: behind, starts: map[string]int{}, signals: map[string]int{}, updates: map[string]int{},
		runs: map[string]enums.WorkflowExecutionStatus{},
	}
}

func newEngineThat(fail func(workflowID string) error) *engine {
	e := newEngine(nil)
	e.fail = fail
	return e
}

// fails sets how calls fail from now on. With nil they succeed.
func (e *engine) fails(fail func(workflowID string) error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fail = fail
}

// note counts a call and returns the failure that the test has set.
func (e *engine) note(calls map[string]int, id string) error {
	e.mu.Lock()
	calls[id]++
	fail := e.fail
	e.mu.Unlock()
	if fail == nil {
		return nil
	}
	return fail(id)
}

// calls returns the numbers of starts and signals.
func (e *engine) calls() (starts, signals int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, n := range e.starts {
		starts += n
	}
	for _, n := range e.signals {
		signals += n
	}
	return starts, signals
}

// updated returns how many workflows got an update.
func (e *engine) updated() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.updates)
}

func (e *engine) ExecuteWorkflow(
	ctx context.Context, o client.StartWorkflowOptions, workflow any, args ...any,
) (client.WorkflowRun, error) {
	if err := e.note(e.starts, o.ID); err != nil || e.behind == nil {
		return nil, err
	}
	return e.behind.ExecuteWorkflow(ctx, o, workflow, args...)
}

func (e *engine) SignalWorkflow(ctx context.Context, workflowID, runID, signal string, arg any) error {
	if err := e.note(e.signals, workflowID); err != nil || e.behind == nil {
		return err
	}
	return e.behind.SignalWorkflow(ctx, workflowID, runID, signal, arg)
}

// UpdateWorkflow is not counted as a signal. Without an engine behind it no worker answers.
func (e *engine) UpdateWorkflow(ctx context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	if err := e.note(e.updates, o.WorkflowID); err != nil {
		return nil, err
	}
	if e.behind == nil {
		return nil, errSilent
	}
	return e.behind.UpdateWorkflow(ctx, o)
}

// DescribeWorkflowExecution returns the status that the test has set, or asks the engine behind it.
func (e *engine) DescribeWorkflowExecution(
	ctx context.Context, workflowID, runID string,
) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	if e.behind != nil {
		return e.behind.DescribeWorkflowExecution(ctx, workflowID, runID)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.described++
	if e.unreachable != nil {
		return nil, e.unreachable
	}
	status, known := e.runs[workflowID]
	if !known {
		return nil, serviceerror.NewNotFound("no such workflow")
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{Status: status},
	}, nil
}

// ends sets the status of a workflow.
func (e *engine) ends(send string, status enums.WorkflowExecutionStatus) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.runs["send/"+send] = status
}

var errSilent = errors.New("no worker answers")

// store counts the marked rows. A test can make it fail, or call a function after an insert.
type store struct {
	handoff.Store

	inserted func() // called when a send or receipts were stored
	mark     error  // what MarkSent and MarkSignalled return instead of marking

	mu     sync.Mutex
	marked int
}

func (s *store) swept() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.marked
}

func (s *store) count(ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.marked += len(ids)
}

func (s *store) InsertSend(
	ctx context.Context, send backstop.Send, key *handoff.Idempotency,
) (backstop.Send, bool, error) {
	send, created, err := s.Store.InsertSend(ctx, send, key)
	if s.inserted != nil {
		s.inserted()
	}
	return send, created, err
}

func (s *store) InsertReceipts(ctx context.Context, receipts []backstop.Receipt) ([]handoff.Handover, error) {
	awaited, err := s.Store.InsertReceipts(ctx, receipts)
	if s.inserted != nil {
		s.inserted()
	}
	return awaited, err
}

func (s *store) MarkSent(ctx context.Context, ids []string) error {
	if s.mark != nil {
		return s.mark
	}
	err := s.Store.MarkSent(ctx, ids)
	s.count(ids)
	return err
}

func (s *store) MarkSignalled(ctx context.Context, ids []string) error {
	if s.mark != nil {
		return s.mark
	}
	err := s.Store.MarkSignalled(ctx, ids)
	s.count(ids)
	return err
}

// clocked is a store with another clock.
type clocked struct {
	handoff.Store

	now func() time.Time
}

func (c clocked) Now() time.Time { return c.now() }
