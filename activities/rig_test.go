package activities_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

const (
	to       = "+447400123456"
	text     = "your code is 481516"
	smsText  = "by SMS: your code is 481516"
	policyID = "0190a0a0-0000-7000-8000-000000000001"
)

// rig is the activities of one test on a real Postgres, with scripted providers.
type rig struct {
	t        *testing.T
	db       *postgres.DB
	store    *store
	provider *provider
	log      bytes.Buffer // of ours and of the engine
	acts     *activities.Activities
	now      time.Time // that the activities see; zero: the time

	heartbeat converter.EncodedValues // the newest, as the engine keeps it for the next run
}

func newRig(t *testing.T) *rig {
	t.Helper()
	db := postgrestest.New(t)
	r := &rig{t: t, db: db, store: &store{Store: db}, provider: &provider{}}
	r.with(r.provider)
	return r
}

// with puts the activities on another provider.
func (r *rig) with(p *provider) {
	r.t.Helper()
	var err error
	r.acts, err = activities.New(activities.Options{
		Store: r.store, WhatsApp: whatsapp{p}, SMS: routes(sms{p, "scripted"}, sms{p, "other"}), Log: r.logger(), Now: r.clock,
	})
	require.NoError(r.t, err)
}

func (r *rig) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(&r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (r *rig) clock() time.Time {
	if r.now.IsZero() {
		return time.Now()
	}
	return r.now
}

// run runs an activity once, as an engine does that remembers the heartbeat of the run before.
func (r *rig) run(run any, arg any) (activities.Result, error) {
	r.t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(r.logger()))
	env := suite.NewTestActivityEnvironment()
	env.SetTestTimeout(20 * time.Second)
	env.RegisterActivity(r.acts)
	env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) { r.heartbeat = details })
	if r.heartbeat != nil {
		var attempt backstop.Attempt
		require.NoError(r.t, r.heartbeat.Get(&attempt))
		env.SetHeartbeatDetails(attempt)
	}
	value, err := env.ExecuteActivity(run, arg)
	if err != nil {
		return activities.Result{}, err
	}
	var result activities.Result
	require.NoError(r.t, value.Get(&result))
	return result, nil
}

// insert stores a send that waits for its first attempt.
func (r *rig) insert(change ...func(*backstop.Send)) backstop.Send {
	r.t.Helper()
	id, err := uuid.NewV7()
	require.NoError(r.t, err)
	send := backstop.Send{
		ID: id.String(), To: to, Country: "GB", Text: text, SMSText: smsText,
		Plan: backstop.Plan{PolicyID: policyID, PolicyName: "p", Rules: []backstop.Rule{
			{ID: policyID, Name: "unread", Type: backstop.Unread, WaitSeconds: 60, SendID: "Acme"},
		}},
		AcceptedAt: time.Now(), WhatsAppStatus: backstop.Queued, Outcome: backstop.OutcomePending,
	}
	for _, c := range change {
		c(&send)
	}
	send, _, err = r.db.InsertSend(r.t.Context(), send, nil)
	require.NoError(r.t, err)
	return send
}

// receive stores a WhatsApp receipt.
func (r *rig) receive(send string, status backstop.Status) {
	r.t.Helper()
	ref := backstop.Ref{Send: send, Step: 1}
	_, err := r.db.InsertReceipts(r.t.Context(), []backstop.Receipt{{
		Provider: "scripted", Channel: backstop.WhatsApp, MessageID: ref.String(), Ref: ref, Status: status, At: time.Now(),
	}})
	require.NoError(r.t, err)
}

func (r *rig) attempts(send string) []backstop.Attempt {
	r.t.Helper()
	list, _, err := r.db.Timeline(r.t.Context(), send)
	require.NoError(r.t, err)
	return list
}

func (r *rig) get(send string) backstop.Send {
	r.t.Helper()
	s, err := r.db.Send(r.t.Context(), send)
	require.NoError(r.t, err)
	return s
}

func step(send string, n int) activities.Step {
	return activities.Step{Ref: backstop.Ref{Send: send, Step: n}}
}

// fallback is what the workflow gives SendSMS when an unread rule fires, the last one.
func fallback(send string) activities.Step {
	return activities.Step{
		Ref: step(send, 2).Ref, Rule: "unread", Reason: "not read within 1m0s", SendID: "Acme", Unless: backstop.Read,
		ReceiptWait: time.Hour,
	}
}

// provider plays a script: an answer for each call; when it has ended, the message is accepted.
type provider struct {
	script []func(context.Context, backstop.Ref) (backstop.Submission, error)

	mu       sync.Mutex
	whatsapp []backstop.WhatsAppMessage
	sms      []backstop.SMSMessage
}

func (p *provider) calls() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.whatsapp) + len(p.sms)
}

func (p *provider) answers(script ...func(context.Context, backstop.Ref) (backstop.Submission, error)) {
	p.script = script
}

func (p *provider) answer(ctx context.Context, ref backstop.Ref) (backstop.Submission, error) {
	if n := p.calls(); n <= len(p.script) {
		return p.script[n-1](ctx, ref)
	}
	return backstop.Submission{MessageID: ref.String()}, nil
}

// routes names the routes of these drivers, which have names of their own.
func routes(drivers ...sms) []activities.Route {
	list := make([]activities.Route, len(drivers))
	for i, d := range drivers {
		list[i] = activities.Route{Name: []string{"first", "second"}[i], SMS: d}
	}
	return list
}

// fails is the answer of a provider that returns this error.
func fails(err error) func(context.Context, backstop.Ref) (backstop.Submission, error) {
	return func(context.Context, backstop.Ref) (backstop.Submission, error) { return backstop.Submission{}, err }
}

type whatsapp struct{ *provider }

func (whatsapp) Name() string { return "scripted" }

func (p whatsapp) SendWhatsApp(ctx context.Context, m backstop.WhatsAppMessage) (backstop.Submission, error) {
	p.mu.Lock()
	p.whatsapp = append(p.whatsapp, m)
	p.mu.Unlock()
	return p.answer(ctx, m.Ref)
}

// sms is a driver; several may have one script.
type sms struct {
	*provider

	name string
}

func (p sms) Name() string { return p.name }

func (p sms) SendSMS(ctx context.Context, m backstop.SMSMessage) (backstop.Submission, error) {
	p.mu.Lock()
	p.sms = append(p.sms, m)
	p.mu.Unlock()
	return p.answer(ctx, m.Ref)
}

// store is a Postgres that goes away for the next writes of an end, or is written to by another worker.
type store struct {
	activities.Store

	away   int
	held   int    // for the next writes of one that leaves
	mute   int    // the next ends that are stored, without an answer
	ending func() // what happens before each write of an end; nil: nothing
}

var errAway = errors.New("postgres is away")

func (s *store) End(ctx context.Context, attempt backstop.Attempt, wait time.Duration) (backstop.Send, error) {
	if s.ending != nil {
		s.ending()
	}
	if s.away > 0 {
		s.away--
		return backstop.Send{}, errAway
	}
	send, err := s.Store.End(ctx, attempt, wait)
	if err == nil && s.mute > 0 {
		s.mute--
		return backstop.Send{}, errAway
	}
	return send, err
}
