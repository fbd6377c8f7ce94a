package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/rpc"
	"os"
	"time"

	"go.temporal.io/api/enums/v1"
)

const (
	rpcName       = "Plain"
	taskQueueType = enums.TASK_QUEUE_TYPE_WORKFLOW
)

// plainRPC has the methods that the parent may call. They have the form that net/rpc requires.
type plainRPC struct{ plain *plain }

// RunArgs are the arguments of Run.
type RunArgs struct {
	Kind     string
	During   time.Duration
	InFlight int
}

// Run runs a closed loop of workflows.
func (r *plainRPC) Run(args RunArgs, reply *Tally) (err error) {
	*reply, err = loopFor(r.plain.ctx, args.InFlight, args.During, func(ctx context.Context) (string, error) {
		return r.plain.runToEnd(ctx, kind(args.Kind))
	})
	return err
}

// StartReply is the result of Start.
type StartReply struct {
	ID   string
	Took time.Duration // of the start alone
}

// Start starts one workflow, sends its receipt and waits for its end.
func (r *plainRPC) Start(name string, reply *StartReply) (err error) {
	began := time.Now()
	if reply.ID, err = r.plain.startWorkflow(r.plain.ctx, kind(name)); err != nil {
		return err
	}
	reply.Took = time.Since(began)
	return r.plain.finishWorkflow(r.plain.ctx, reply.ID)
}

// ParkArgs are the arguments of Park.
type ParkArgs struct {
	Kind        string
	N, InFlight int
}

// Park starts workflows and returns their ids when all of them wait for a receipt.
func (r *plainRPC) Park(args ParkArgs, reply *[]string) error {
	var ids collector
	_, err := loopTimes(r.plain.ctx, args.InFlight, args.N, func(ctx context.Context) (string, error) {
		id, err := r.plain.startWorkflow(ctx, kind(args.Kind))
		if err != nil {
			return "", err
		}
		ids.add(id)
		return id, r.plain.milestones.wait(ctx, parkedMilestone(id))
	})
	*reply = ids.list
	return err
}

// SignalArgs are the arguments of Signal.
type SignalArgs struct {
	IDs      []string
	Status   string
	InFlight int
}

// Signal signals workflows and returns when each has received its signal.
func (r *plainRPC) Signal(args SignalArgs, reply *Tally) (err error) {
	*reply, err = loopOver(r.plain.ctx, args.InFlight, args.IDs, func(ctx context.Context, id string) error {
		return r.plain.sendReceipt(ctx, id, args.Status)
	})
	if err != nil {
		return err
	}
	began := time.Now()
	for _, id := range args.IDs {
		if err := r.plain.milestones.wait(r.plain.ctx, receivedMilestone(id, args.Status)); err != nil {
			return err
		}
	}
	reply.Took += time.Since(began)
	return nil
}

// Webhook returns the URL for the provider's webhooks.
func (r *plainRPC) Webhook(_ struct{}, reply *string) error {
	if r.plain.provider == nil {
		return errors.New("there is no provider")
	}
	*reply = r.plain.provider.webhookURL()
	return nil
}

// pipe is a connection over stdin and stdout.
type pipe struct {
	io.Reader
	io.Writer
	io.Closer
}

// eofReader calls onEnd at the first error or the end of its reader.
type eofReader struct {
	io.Reader

	onEnd func()
}

// Read implements io.Reader.
func (e *eofReader) Read(p []byte) (int, error) {
	n, err := e.Reader.Read(p)
	if err != nil {
		e.onEnd()
	}
	return n, err //nolint:wrapcheck // callers compare it with io.EOF
}

// plainChild is the parent's handle on the process of the hand-written workflows.
type plainChild struct {
	*child

	calls *rpc.Client
}

// startPlainChild starts the process. Its activity calls the provider at providerURL, and does nothing if the URL is empty.
func startPlainChild(self, providerURL string, logProgress progressLog) (*plainChild, error) {
	stdin, ours, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make pipe: %w", err)
	}
	answers, stdout, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make pipe: %w", err)
	}
	c, err := startChild(childOptions{
		Name: plainCommand, Words: []string{self, plainCommand}, Stdin: stdin, Stdout: stdout,
		Env: map[string]string{providerVariable: providerURL}, LogProgress: logProgress,
	})
	if err = errors.Join(err, stdin.Close(), stdout.Close()); err != nil { // the child has its own copies
		return nil, err
	}
	return &plainChild{child: c, calls: rpc.NewClient(pipe{Reader: answers, Writer: ours, Closer: ours})}, nil
}

// call calls a method of plainRPC.
func (c *plainChild) call(ctx context.Context, method string, args, reply any) error {
	var err error
	call := c.calls.Go(rpcName+"."+method, args, reply, make(chan *rpc.Call, 1))
	select {
	case <-call.Done:
		err = call.Error
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-c.Ended():
		err = c.Err()
	}
	if err != nil {
		return fmt.Errorf("%s of the hand-written workflows: %w", method, err)
	}
	return nil
}
