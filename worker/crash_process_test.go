package worker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"google.golang.org/grpc"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/worker"
	"github.com/backstophq/backstop/workflows"
)

// processVariable holds a worker's settings. If it is set, this test binary runs as a worker that a test can kill.
const processVariable = "BACKSTOP_TEST_WORKER"

// processSettings are the settings of a worker process.
type processSettings struct {
	Database     string `json:"database"`
	Temporal     string `json:"temporal"`
	Namespace    string `json:"namespace"`
	Installation string `json:"installation"`
	Carrier      string `json:"carrier"` // URL of the provider
}

// runProcess runs a worker until it is killed, or until the test that started it has ended.
func runProcess(settings string) (code int) {
	stop, err := startProcess(settings)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer stop()
	fmt.Fprintln(os.Stdout, "ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

func startProcess(settings string) (stop func(), err error) {
	var s processSettings
	if err := json.Unmarshal([]byte(settings), &s); err != nil {
		return nil, err
	}
	ctx := context.Background()
	quiet := slog.New(slog.DiscardHandler)
	db, err := postgres.Open(ctx, s.Database, postgres.Options{MaxConns: 4})
	if err != nil {
		return nil, err
	}
	p := &process{carrier: s.Carrier}
	c, err := client.DialContext(ctx, client.Options{
		HostPort: s.Temporal, Namespace: s.Namespace, Logger: log.NewStructuredLogger(quiet),
		ConnectionOptions: client.ConnectionOptions{DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(p.complete)}},
	})
	if err != nil {
		return nil, err
	}
	acts, err := activities.New(activities.Options{
		Store: &mortal{DB: db, process: p}, Accounts: simulated{remoteWhatsApp{p}, remoteSMS{p}}, Log: quiet,
	})
	if err != nil {
		return nil, err
	}
	w := worker.New(c, acts, worker.Options{Installation: s.Installation, Calls: 1000})
	return w.Stop, w.Start()
}

// process is a worker that asks the test at each point whether it may go on.
type process struct {
	carrier string
	ended   sync.Map // the step whose end was stored last, by send
}

// passing is a request of a process to the test: to pass a point, or to call the provider.
type passing struct {
	Send    string           `json:"send"`
	Step    int              `json:"step"`
	Point   point            `json:"point,omitempty"`
	Channel backstop.Channel `json:"channel,omitempty"` // of a call
}

// answer is the provider's answer to a call.
type answer struct {
	MessageID string            `json:"message_id,omitempty"`
	Failure   *backstop.Failure `json:"failure,omitempty"`
}

// pass waits until the process may go on.
func (p *process) pass(send string, step int, at point) {
	if _, err := p.post(context.Background(), "/pass", passing{Send: send, Step: step, Point: at}); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

func (p *process) post(ctx context.Context, path string, what passing) (answer, error) {
	body, err := json.Marshal(what)
	if err != nil {
		return answer{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.carrier+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	response, err := new(http.Client).Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	var a answer
	return a, json.NewDecoder(response.Body).Decode(&a)
}

// call calls the provider.
func (p *process) call(ctx context.Context, ref backstop.Ref, channel backstop.Channel) (backstop.Submission, error) {
	a, err := p.post(ctx, "/call", passing{Send: ref.Send, Step: ref.Step, Channel: channel})
	switch {
	case err != nil:
		return backstop.Submission{}, err
	case a.Failure != nil:
		return backstop.Submission{}, a.Failure
	}
	return backstop.Submission{MessageID: a.MessageID}, nil
}

// complete is an interceptor. It passes a point before each request to Temporal that completes a task with a provider call.
func (p *process) complete(
	ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, next grpc.UnaryInvoker, o ...grpc.CallOption,
) error {
	var token []byte
	switch r := request.(type) {
	case *workflowservice.RespondWorkflowTaskCompletedRequest:
		token = r.GetTaskToken()
	case *workflowservice.RespondActivityTaskCompletedRequest:
		token = r.GetTaskToken()
	case *workflowservice.RespondActivityTaskFailedRequest:
		token = r.GetTaskToken()
	}
	p.ended.Range(func(send, step any) bool {
		isIt := strings.Contains(string(token), workflows.ID(send.(string)))
		if isIt {
			p.pass(send.(string), step.(int), beforeCompletion)
		}
		return !isIt
	})
	return next(ctx, method, request, reply, conn, o...)
}

// mortal is a store that passes the points before and after its methods. The process may die there.
type mortal struct {
	*postgres.DB

	process *process
}

func (m *mortal) Begin(ctx context.Context, send string, c backstop.Call) (backstop.Ruling, backstop.View, error) {
	m.process.pass(send, c.Step(), beforeBegin)
	ruling, view, err := m.DB.Begin(ctx, send, c)
	if ruling.Answer == backstop.MayCall {
		m.process.pass(send, c.Step(), afterBegin)
	}
	return ruling, view, err
}

func (m *mortal) End(ctx context.Context, send string, e backstop.Ending) (backstop.Attempt, backstop.View, error) {
	m.process.pass(send, e.Step, beforeEnd)
	attempt, view, err := m.DB.End(context.WithoutCancel(ctx), send, e)
	m.process.ended.Store(send, e.Step)
	m.process.pass(send, e.Step, afterEnd)
	return attempt, view, err
}

func (m *mortal) Await(ctx context.Context, send string) (backstop.View, bool) {
	step, _ := m.process.ended.Load(send)
	m.process.pass(send, step.(int), awaitingReceipts)
	return m.DB.Await(ctx, send)
}

type remoteWhatsApp struct{ *process }

func (p remoteWhatsApp) SendWhatsApp(ctx context.Context, m backstop.WhatsAppMessage) (backstop.Submission, error) {
	return p.call(ctx, m.Ref, backstop.WhatsApp)
}

type remoteSMS struct{ *process }

func (p remoteSMS) SendSMS(ctx context.Context, m backstop.SMSMessage) (backstop.Submission, error) {
	return p.call(ctx, m.Ref, backstop.SMS)
}
