package worker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
	"github.com/backstophq/backstop/internal/temporaltest"
	"github.com/backstophq/backstop/worker"
	"github.com/backstophq/backstop/workflows"
)

const (
	// The steps of a send with one rule.
	whatsAppStep, resendStep, smsStep = 1, 2, 3

	policyID = "0190a0a0-0000-7000-8000-000000000001"

	// patience is how long a test waits for an event, on a busy machine too.
	patience = 40 * time.Second
	moment   = 20 * time.Millisecond
)

var temporal temporaltest.Shared

func TestMain(m *testing.M) {
	if settings := os.Getenv(processVariable); settings != "" {
		os.Exit(runProcess(settings))
	}
	os.Exit(temporal.Main(m))
}

// rig is a Backstop of one test without its API: a real Postgres, a namespace on a real Temporal, scripted providers.
type rig struct {
	t        *testing.T
	address  string // of the database
	db       *postgres.DB
	store    *store
	client   client.Client
	handoff  *handoff.Handoff
	provider *provider
	install  string
	health   activities.Health // nil: there are no circuit breakers
}

func newRig(t *testing.T) *rig {
	t.Helper()
	server := temporal.Server(t)
	return newRigOn(t, server.Client(t, server.Namespace(t)))
}

// newRigOn returns a rig of a new installation, in the client's namespace.
func newRigOn(t *testing.T, c client.Client) *rig {
	t.Helper()
	address := postgrestest.URL(t)
	db := postgrestest.Open(t, address)
	_, err := db.Migrate(t.Context())
	require.NoError(t, err)
	install, err := db.Installation(t.Context())
	require.NoError(t, err)
	r := &rig{t: t, address: address, db: db, store: &store{DB: db}, client: c, provider: &provider{}, install: install}
	r.set(func(*workflows.Settings) {})
	return r
}

// set changes the settings of the sends that are accepted from now on.
func (r *rig) set(change func(*workflows.Settings)) {
	r.t.Helper()
	settings := workflows.Settings{UnknownWait: 30 * time.Second, SMSReceiptWait: time.Hour}
	change(&settings)
	var err error
	r.handoff, err = handoff.New(handoff.Options{
		Store: r.db, Engine: r.client, Installation: r.install, Log: slog.New(slog.DiscardHandler), Settings: settings,
	})
	require.NoError(r.t, err)
}

// work starts a worker, which ends with the test.
func (r *rig) work(o worker.Options) (stop func()) {
	r.t.Helper()
	o.Installation = r.install
	w := worker.New(r.client, r.activities(o.Calls), o)
	require.NoError(r.t, w.Start())
	stop = sync.OnceFunc(w.Stop)
	r.t.Cleanup(stop)
	return stop
}

// activities returns the activities of a process.
func (r *rig) activities(calls int) *activities.Activities {
	r.t.Helper()
	acts, err := activities.New(activities.Options{
		Store: r.store, Accounts: simulated{whatsapp{r.provider}, sms{r.provider}}, Health: r.health,
		Log: slog.New(slog.DiscardHandler), Calls: calls,
	})
	require.NoError(r.t, err)
	return acts
}

// accept accepts a send with one rule, and waits until the engine has it.
func (r *rig) accept(rule backstop.RuleType, wait time.Duration) string {
	r.t.Helper()
	return r.acceptPlan(number, rule, wait, sender)
}

var numbers atomic.Int64

// nextNumber returns a recipient of its own for a send: a person who opts out stops the other sends to the same number.
func nextNumber() string { return fmt.Sprintf("+447400%06d", numbers.Add(1)) }

// acceptPlan accepts a send with a WhatsApp account, and with one rule and the accounts of its SMS.
func (r *rig) acceptPlan(whatsApp string, rule backstop.RuleType, wait time.Duration, senders ...string) string {
	r.t.Helper()
	send, _, err := r.handoff.Accept(r.t.Context(), planned(whatsApp, rule, wait, senders...), nil)
	require.NoError(r.t, err)
	r.handoff.Close()
	return send.ID
}

// planned returns a send with a WhatsApp account, and with one rule and the accounts of its SMS.
func planned(whatsApp string, rule backstop.RuleType, wait time.Duration, senders ...string) backstop.Send {
	routes := make([]backstop.Route, len(senders))
	for i, name := range senders {
		routes[i].Account = name
	}
	return backstop.Send{
		To: "+447400123456", Country: "GB", Text: "hello", SMSText: "hello",
		Plan: backstop.Plan{PolicyID: policyID, PolicyName: "p", Account: whatsApp, Rules: []backstop.Rule{{
			ID: policyID, Name: "rule", Type: rule, WaitSeconds: int(wait.Seconds()), SendID: "Acme", Routes: routes,
		}}},
	}
}

// deliver delivers a receipt as a webhook does, and waits until it is handed over to the engine.
func (r *rig) deliver(send string, step int, channel backstop.Channel, status backstop.Status) {
	r.t.Helper()
	require.NoError(r.t, r.handoff.Deliver(r.t.Context(), []backstop.Receipt{receipt(send, step, channel, status)}))
	r.handoff.Close()
}

func receipt(send string, step int, channel backstop.Channel, status backstop.Status) backstop.Receipt {
	ref := backstop.Ref{Send: send, Step: step}
	return backstop.Receipt{
		Provider: "scripted", Channel: channel, MessageID: ref.String(), Ref: ref, Status: status, At: time.Now(),
	}
}

// submitted waits until a provider has taken the message of a channel, and the workflow has the result.
func (r *rig) submitted(send string, channel backstop.Channel) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		attempts, _, err := r.db.Timeline(r.t.Context(), send)
		require.NoError(r.t, err)
		if !slices.ContainsFunc(attempts, func(a backstop.Attempt) bool {
			return a.Channel == channel && a.State == backstop.Accepted
		}) {
			return false
		}
		run, err := r.client.DescribeWorkflowExecution(r.t.Context(), workflows.ID(send), "")
		require.NoError(r.t, err)
		return run.GetPendingWorkflowTask() == nil
	}, patience, moment, "%s to be submitted", channel)
}

// ended waits for the end of a send's workflow and returns its result. Postgres must have the same outcome. The outcome of a
// detached send is in Postgres alone.
func (r *rig) ended(send string) workflows.SendResult {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	var result workflows.SendResult
	require.NoError(r.t, r.client.GetWorkflow(ctx, workflows.ID(send), "").Get(ctx, &result))
	stored, err := r.db.Send(r.t.Context(), send)
	require.NoError(r.t, err)
	require.NotNil(r.t, stored.FinishedAt)
	if result.Outcome == backstop.OutcomePending {
		result.Outcome = stored.Outcome
	}
	require.Equal(r.t, stored.Outcome, result.Outcome)
	return result
}

// events returns the events of a send's history that have one of these types; without types, all.
func (r *rig) events(send string, types ...enums.EventType) (list []*history.HistoryEvent) {
	r.t.Helper()
	all := r.client.GetWorkflowHistory(
		r.t.Context(), workflows.ID(send), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for all.HasNext() {
		event, err := all.Next()
		require.NoError(r.t, err)
		keep := len(types) == 0
		for _, wanted := range types {
			keep = keep || event.GetEventType() == wanted
		}
		if keep {
			list = append(list, event)
		}
	}
	return list
}

// provider plays a script of errors. After the last error it accepts every message.
type provider struct {
	mu       sync.Mutex
	script   map[backstop.Channel][]error
	during   func(context.Context) error // runs in each call; nil: nothing does
	whatsapp int
	sms      int
	messages map[backstop.Ref]int // the calls of each step
}

func (p *provider) calls() (whatsapp, sms int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.whatsapp, p.sms
}

// messagesOf returns how often a step was called.
func (p *provider) messagesOf(send string, step int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.messages[backstop.Ref{Send: send, Step: step}]
}

func (p *provider) fails(channel backstop.Channel, errs ...error) {
	p.script = map[backstop.Channel][]error{channel: errs}
}

func (p *provider) answer(ctx context.Context, ref backstop.Ref, channel backstop.Channel, calls *int) (backstop.Submission, error) {
	p.mu.Lock()
	n := *calls
	*calls++
	if p.messages == nil {
		p.messages = map[backstop.Ref]int{}
	}
	p.messages[ref]++
	p.mu.Unlock()
	if p.during != nil {
		if err := p.during(ctx); err != nil {
			return backstop.Submission{}, err
		}
	}
	if script := p.script[channel]; n < len(script) {
		return backstop.Submission{}, script[n]
	}
	return backstop.Submission{MessageID: ref.String()}, nil
}

type whatsapp struct{ *provider }

func (p whatsapp) SendWhatsApp(ctx context.Context, m backstop.WhatsAppMessage) (backstop.Submission, error) {
	return p.answer(ctx, m.Ref, backstop.WhatsApp, &p.whatsapp)
}

type sms struct{ *provider }

func (p sms) SendSMS(ctx context.Context, m backstop.SMSMessage) (backstop.Submission, error) {
	return p.answer(ctx, m.Ref, backstop.SMS, &p.sms)
}

// store is a Postgres that is away at the next ends of calls, or does not mark hand-overs.
type store struct {
	*postgres.DB

	mu   sync.Mutex
	away int
}

var errAway = errors.New("postgres is away")

func (s *store) End(ctx context.Context, send string, e backstop.Ending) (backstop.Attempt, backstop.View, error) {
	s.mu.Lock()
	gone := s.away > 0
	s.away--
	s.mu.Unlock()
	if gone {
		<-ctx.Done()
		return backstop.Attempt{}, backstop.View{}, errAway
	}
	return s.DB.End(ctx, send, e)
}

func (s *store) MarkSignalled(context.Context, []string) error { return errAway }
