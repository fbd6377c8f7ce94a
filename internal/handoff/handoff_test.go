package handoff_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

func TestNew(t *testing.T) {
	t.Parallel()
	full := handoff.Options{Store: &store{}, Engine: newEngine(nil), Installation: installation, Log: slog.New(slog.DiscardHandler)}
	_, err := handoff.New(full)
	require.NoError(t, err)
	for name, without := range map[string]func(*handoff.Options){
		"store":  func(o *handoff.Options) { o.Store = nil },
		"engine": func(o *handoff.Options) { o.Engine = nil },
		"log":    func(o *handoff.Options) { o.Log = nil },

		"installation": func(o *handoff.Options) { o.Installation = "" },
	} {
		o := full
		without(&o)
		_, err := handoff.New(o)
		require.Error(t, err, name)
	}
}

func TestHandoff_Accept(t *testing.T) {
	t.Parallel()
	server := temporal.Server(t)
	c := server.Client(t, server.Namespace(t))
	r := newRig(t, c)
	h := r.handoff(nil)
	key := handoff.Idempotency{Key: "order 7", Hash: []byte("body")}

	_, found, err := h.Accepted(t.Context(), key)
	require.NoError(t, err)
	require.False(t, found)

	sends := make([]backstop.Send, 20)
	created := make([]bool, len(sends))
	errs := make([]error, len(sends))
	var group sync.WaitGroup
	for i := range sends {
		group.Go(func() { sends[i], created[i], errs[i] = h.Accept(t.Context(), newSend(), &key) })
	}
	group.Wait()
	h.Close()
	created = only(created)
	for i, send := range sends {
		require.NoError(t, errs[i])
		require.Equal(t, sends[0], send)
	}
	require.Len(t, created, 1)
	starts, _ := r.engine.calls()
	require.Equal(t, 1, starts)
	runID(t, c, sends[0].ID)
	require.Equal(t, backstop.Queued, sends[0].Status.WhatsApp)
	require.Equal(t, backstop.OutcomePending, sends[0].Outcome)

	send, found, err := h.Accepted(t.Context(), key)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, sends[0], send)
	key.Hash = []byte("another body")
	_, _, err = h.Accepted(t.Context(), key)
	require.Equal(t, backstop.Mismatch, backstop.CodeOf(err))
	_, ok, err := h.Accept(t.Context(), newSend(), &key)
	require.Equal(t, backstop.Mismatch, backstop.CodeOf(err))
	require.False(t, ok)
	r.requireMarked()
	require.Empty(t, r.log.String())
}

// A send that was skipped, because its recipient has opted out, starts no workflow.
func TestHandoff_Accept_skipped(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	h := r.handoff(nil)
	send := newSend()
	_, err := r.db.PutOptOut(t.Context(), backstop.OptOut{
		To: send.To, Category: backstop.OptOutAll, OptOutOrigin: backstop.OptOutOrigin{Source: backstop.ByAPI},
	})
	require.NoError(t, err)
	_, _, err = h.Accept(t.Context(), send, nil)
	require.Equal(t, backstop.ErrOptedOut(), err)
	send.Plan.Override = &backstop.Override{IfOptedOut: backstop.SkipOptedOut}
	skipped, created, err := h.Accept(t.Context(), send, nil)
	require.NoError(t, err)
	require.True(t, created)
	require.True(t, skipped.IsSkipped())
	h.Close()
	r.handOverAll(h)
	starts, _ := r.engine.calls()
	require.Zero(t, starts)
	r.requireMarked()
}

// only returns the true values.
func only(all []bool) (list []bool) {
	for _, is := range all {
		if is {
			list = append(list, is)
		}
	}
	return list
}

// The caller disconnects when the row has just been committed. The row is handed over all the same.
func TestHandoff_callerGone(t *testing.T) {
	t.Parallel()
	server := temporal.Server(t)
	c := server.Client(t, server.Namespace(t))
	r := newRig(t, c)
	h := r.handoff(nil)
	gone := func(f func(ctx context.Context)) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r.store.inserted = cancel
		f(ctx)
		h.Close()
	}
	var send backstop.Send
	gone(func(ctx context.Context) {
		var err error
		send, _, err = h.Accept(ctx, newSend(), nil)
		require.NoError(t, err)
	})
	runID(t, c, send.ID)
	gone(func(ctx context.Context) {
		require.NoError(t, h.Deliver(ctx, []backstop.Receipt{receipt(send.ID, backstop.Sent)}))
	})
	require.Len(t, signals(t, c, send.ID), 1)
	r.requireMarked()

	r.store.inserted = nil
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := h.Accept(ctx, newSend(), nil)
	require.ErrorIs(t, err, context.Canceled, "it was gone before")
	require.ErrorIs(t, h.Deliver(ctx, []backstop.Receipt{receipt(send.ID, backstop.Read)}), context.Canceled)
	r.requireMarked()
}

// terminated returns a send whose workflow an operator has terminated.
func terminated(t *testing.T) (client.Client, *rig, *handoff.Handoff, backstop.Send) {
	t.Helper()
	server := temporal.Server(t)
	c := server.Client(t, server.Namespace(t))
	r := newRig(t, c)
	h := r.handoff(nil)
	send := accept(t, h)
	require.NoError(t, c.TerminateWorkflow(t.Context(), "send/"+send.ID, "", "an operator did"))
	return c, r, h, send
}

// A receipt of a send that has not ended is kept if there is no workflow to signal. The workflow is started again, although the
// send was not due for a check, and then signalled.
func TestHandoff_Deliver_workflowLost(t *testing.T) {
	t.Parallel()
	c, r, h, send := terminated(t)
	deliver(t, h, receipt(send.ID, backstop.Sent))
	_, left := r.unmarked()
	require.Equal(t, 1, left)

	stop := r.sweeping(r.handoff(later)) // it finds no workflow either
	isChecked := func() bool {           // due for a check, or on a slow machine checked and restarted already
		at, restarts := r.next(send.ID)
		return !at.After(later()) || restarts > 0
	}
	require.Eventually(t, isChecked, longest, moment)
	stop()
	for restarts := 0; restarts == 0; { // a new sweeper reconciles at once, and then again after a minute
		stop := r.sweeping(r.handoff(muchLater))
		time.Sleep(time.Second)
		stop()
		_, restarts = r.next(send.ID)
	}
	if _, left = r.unmarked(); left > 0 { // it was signalled before the new start
		r.sweep(1, r.handoff(func() time.Time { return muchLater().Add(time.Hour) }))
	}
	r.requireMarked()
	run, err := c.DescribeWorkflowExecution(t.Context(), "send/"+send.ID, "")
	require.NoError(t, err)
	require.Equal(t, enums.WORKFLOW_EXECUTION_STATUS_RUNNING, run.GetWorkflowExecutionInfo().GetStatus())
}

// A receipt of a send that has ended is settled without a workflow, by a request as by the sweeper.
func TestHandoff_Deliver_workflowGone(t *testing.T) {
	t.Parallel()
	_, r, h, send := terminated(t)
	r.deliverAndDie(h, receipt(send.ID, backstop.Delivered))
	r.sweep(1, r.handoff(later))
	r.requireMarked()
	require.Equal(t, 1, r.engine.updated(), "by the request")
	_, signals := r.engine.calls()
	require.Equal(t, 1, signals, "by the sweeper")
	_, restarts := r.next(send.ID)
	require.Zero(t, restarts)
}

// A refused receipt does not prevent the signals and the marks of the other receipts of its webhook.
func TestHandoff_Deliver_refused(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	h := r.handoff(nil)
	poison := accept(t, h)
	receipts := []backstop.Receipt{receipt(poison.ID, backstop.Sent)}
	for range 20 {
		receipts = append(receipts, receipt(accept(t, h).ID, backstop.Sent))
	}
	r.engine.fails(refuse(poison.ID))
	deliver(t, h, receipts...)
	_, signalled := r.engine.calls()
	require.Equal(t, 21, signalled)
	_, left := r.unmarked()
	require.Equal(t, 1, left)
	deliver(t, h)
	require.Contains(t, r.log.String(), "left to the sweeper")
	require.NotContains(t, r.log.String(), to)
	require.NotContains(t, r.log.String(), text)
}

// refuse returns a permanent failure for these sends, and none for others.
func refuse(sends ...string) func(string) error {
	return func(id string) error {
		for _, send := range sends {
			if id == "send/"+send {
				return serviceerror.NewInvalidArgument("this one never")
			}
		}
		return nil
	}
}

// Postgres is away: the caller gets TryLater, and the engine gets no call.
func TestHandoff_postgresAway(t *testing.T) {
	t.Parallel()
	base, err := url.Parse(postgrestest.URL(t))
	require.NoError(t, err)
	gate := newGate(t, base.Host)
	base.Host = gate.address
	db := postgrestest.Open(t, base.String())
	_, err = db.Migrate(t.Context())
	require.NoError(t, err)
	r := newRig(t, nil)
	h := r.handoffWith(db, r.engine, nil)
	send := accept(t, h)
	gate.shut()

	key := handoff.Idempotency{Key: "k", Hash: []byte("h")}
	for range 3 {
		_, created, err := h.Accept(t.Context(), newSend(), &key)
		require.Equal(t, backstop.TryLater, backstop.CodeOf(err), err)
		require.False(t, created)
		err = h.Deliver(t.Context(), []backstop.Receipt{receipt(send.ID, backstop.Read)})
		require.Equal(t, backstop.TryLater, backstop.CodeOf(err), err)
		_, _, err = h.Accepted(t.Context(), key)
		require.Equal(t, backstop.TryLater, backstop.CodeOf(err), err)
	}
	starts, signalled := r.engine.calls()
	require.Equal(t, 1, starts, "the one before")
	require.Zero(t, signalled)

	gate.open()
	_, created, err := h.Accept(t.Context(), newSend(), &key)
	require.NoError(t, err)
	require.True(t, created)
	deliver(t, h, receipt(send.ID, backstop.Read))
	starts, signalled = r.engine.calls()
	require.Equal(t, 2, starts)
	require.Equal(t, 1, signalled)
}

// gate is a proxy to a server that a test can close.
type gate struct {
	t       *testing.T
	address string
	target  string

	mu       sync.Mutex
	listener net.Listener
	conns    []net.Conn
}

func newGate(t *testing.T, target string) *gate {
	t.Helper()
	g := &gate{t: t, address: "127.0.0.1:0", target: target}
	g.open()
	t.Cleanup(g.shut)
	return g
}

func (g *gate) open() {
	g.t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(g.t.Context(), "tcp", g.address)
	require.NoError(g.t, err)
	g.listener, g.address = listener, listener.Addr().String()
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			g.pass(near)
		}
	}()
}

func (g *gate) pass(near net.Conn) {
	var dialer net.Dialer
	far, err := dialer.DialContext(context.WithoutCancel(g.t.Context()), "tcp", g.target)
	if err != nil {
		near.Close()
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conns = append(g.conns, near, far)
	go func() { _, _ = io.Copy(near, far); near.Close() }()
	go func() { _, _ = io.Copy(far, near); far.Close() }()
}

func (g *gate) shut() {
	g.listener.Close()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.conns {
		c.Close()
	}
	g.conns = nil
}
