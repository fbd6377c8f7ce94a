package worker_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"google.golang.org/protobuf/proto"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/codec"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/keyring"
	"github.com/backstophq/backstop/workflows"
)

// keyed returns the same Backstop in other processes: with these keys, and encrypting or not.
func (r *rig) keyed(namespace string, encrypts bool, ids ...string) *rig {
	r.t.Helper()
	entries := make([]string, len(ids))
	for i, id := range ids {
		entries[i] = id + ":" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte(id[1:2]), keyring.KeySize))
	}
	ring, err := keyring.Parse(strings.Join(entries, ","))
	require.NoError(r.t, err)
	payloads, err := codec.New(ring, encrypts)
	require.NoError(r.t, err)
	options := client.Options{
		HostPort: temporal.Server(r.t).Address, Namespace: namespace, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	}
	payloads.Configure(&options)
	other := *r
	other.client, err = client.DialContext(r.t.Context(), options)
	require.NoError(r.t, err)
	r.t.Cleanup(other.client.Close)
	other.set(func(*workflows.Settings) {})
	return &other
}

// newNamespace returns a rig whose client has no codec, and its namespace.
func newNamespace(t *testing.T) (raw *rig, namespace string) {
	t.Helper()
	server := temporal.Server(t)
	namespace = server.Namespace(t)
	return newRigOn(t, server.Client(t, namespace)), namespace
}

// requireEncrypted asserts that each payload and each failure of a history is encrypted, and returns the number of payloads.
func requireEncrypted(t *testing.T, events []*history.HistoryEvent) (count int) {
	t.Helper()
	for _, event := range events {
		require.NoError(t, proxy.VisitPayloads(t.Context(), event, proxy.VisitPayloadsOptions{
			Visitor: func(_ *proxy.VisitPayloadsContext, payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
				for _, p := range payloads {
					count++
					require.Equal(t, codec.Encoding, string(p.GetMetadata()["encoding"]), event.String())
				}
				return payloads, nil
			},
		}))
		require.NoError(t, proxy.VisitFailures(t.Context(), event, proxy.VisitFailuresOptions{
			Visitor: func(_ *proxy.VisitFailuresContext, f *failurepb.Failure) error {
				require.Equal(t, "Encoded failure", f.GetMessage(), event.String())
				require.NotNil(t, f.GetEncodedAttributes())
				require.Empty(t, f.GetStackTrace())
				return nil
			},
		}))
		stored, err := proto.Marshal(event)
		require.NoError(t, err)
		for _, plain := range []string{"json/plain", "policy p", secretRule, policyID} {
			require.NotContains(t, string(stored), plain, event.String())
		}
	}
	return count
}

// secretRule is the name of a rule that a history must not show.
const secretRule = "unread by our largest customer"

// acceptSecret accepts a send with a rule of this name.
func (r *rig) acceptSecret(rule backstop.RuleType, wait time.Duration) string {
	r.t.Helper()
	send := planned(number, rule, wait, sender)
	send.Plan.Rules[0].Name = secretRule
	send, _, err := r.handoff.Accept(r.t.Context(), send, nil)
	require.NoError(r.t, err)
	r.handoff.Close()
	return send.ID
}

// TestEncrypted: a whole send, with retries, a receipt as a signal, another as an update, a timer and a query. A client without the
// codec finds nothing plain in its history.
func TestEncrypted(t *testing.T) {
	t.Parallel()
	raw, namespace := newNamespace(t)
	r := raw.keyed(namespace, true, "k1")
	throttled := &backstop.Failure{Kind: backstop.Throttled, Code: "130429", RetryAfter: time.Second}
	r.provider.fails(backstop.WhatsApp, throttled, throttled)
	r.work(limits)
	send := r.acceptSecret(backstop.Unread, 6*time.Second)
	r.submitted(send, backstop.WhatsApp)
	r.deliver(send, whatsAppStep, backstop.WhatsApp, backstop.Delivered)
	value, err := r.client.QueryWorkflow(t.Context(), workflows.ID(send), "", workflows.StateQuery)
	require.NoError(t, err)
	var state workflows.State
	require.NoError(t, value.Get(&state))
	require.Equal(t, secretRule, state.Rules[0].Name)
	described, err := r.client.DescribeWorkflow(t.Context(), workflows.ID(send), "")
	require.NoError(t, err)
	summary, err := described.GetStaticSummary()
	require.NoError(t, err)
	require.Equal(t, "policy p", summary)

	r.submitted(send, backstop.SMS)
	r.deliver(send, smsStep, backstop.SMS, backstop.Delivered)
	require.Equal(t, backstop.OutcomeSMS, r.ended(send).Outcome)
	r.requireCalls(3, 1)
	require.Greater(t, requireEncrypted(t, raw.events(send)), 8)

	described, err = raw.client.DescribeWorkflow(t.Context(), workflows.ID(send), "")
	require.NoError(t, err)
	_, err = described.GetStaticSummary()
	require.Error(t, err, "a client without the codec reads nothing")
}

// TestEncrypted_failure: a workflow that fails, and its update, show no message.
func TestEncrypted_failure(t *testing.T) {
	t.Parallel()
	raw, namespace := newNamespace(t)
	r := raw.keyed(namespace, true, "k1")
	r.work(limits)
	send := planned(number, backstop.Unread, time.Hour, sender)
	send.ID = "0190a0a0-0000-7000-8000-00000000dead" // it is not stored
	_, err := r.client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID: workflows.ID(send.ID), TaskQueue: workflows.QueueOf(r.install),
	}, workflows.Send, workflows.SendInput{ID: send.ID, Account: number, Rules: send.Plan.Rules, Installation: r.install})
	require.NoError(t, err)
	require.ErrorContains(t, r.client.GetWorkflow(t.Context(), workflows.ID(send.ID), "").Get(t.Context(), nil), "no such send")
	failed := raw.events(send.ID, enums.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED)
	require.Len(t, failed, 1)
	requireEncrypted(t, raw.events(send.ID))
}

// TestEncrypted_change: a send that began under one configuration ends under another: with a new key, and with encryption turned on
// or off.
func TestEncrypted_change(t *testing.T) {
	t.Parallel()
	type processes struct {
		encrypts bool
		keys     []string
	}
	plain, keyed := processes{false, nil}, processes{false, []string{"k1"}}
	on, rotated, newest := processes{true, []string{"k1"}}, processes{true, []string{"k2", "k1"}}, processes{true, []string{"k1", "k2"}}
	for name, row := range map[string]struct{ began, ended processes }{
		"turned on":       {plain, on},
		"turned off":      {on, keyed},
		"a new key":       {on, rotated},
		"a key to come":   {rotated, newest}, // the other processes have the new key, and do not use it yet
		"without a key":   {plain, keyed},
		"turned on at k2": {plain, rotated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw, namespace := newNamespace(t)
			first := raw.keyed(namespace, row.began.encrypts, row.began.keys...)
			stop := first.work(limits)
			send := first.acceptSecret(backstop.Undelivered, time.Hour)
			first.submitted(send, backstop.WhatsApp)
			stop()

			then := raw.keyed(namespace, row.ended.encrypts, row.ended.keys...)
			then.deliver(send, whatsAppStep, backstop.WhatsApp, backstop.Failed) // by a process with the new configuration
			then.work(limits)
			then.submitted(send, backstop.SMS)
			then.deliver(send, smsStep, backstop.SMS, backstop.Delivered)
			require.Equal(t, backstop.OutcomeSMS, then.ended(send).Outcome)
			then.requireCalls(1, 1)
			require.Empty(t, raw.events(send, enums.EVENT_TYPE_WORKFLOW_TASK_FAILED))
			if row.began.encrypts && row.ended.encrypts {
				requireEncrypted(t, raw.events(send))
			}
		})
	}
}

// TestEncrypted_lostKey: without its key a workflow waits: its task fails and is repeated. No receipt is lost and nothing is sent
// meanwhile. When the key is back, the send goes on.
func TestEncrypted_lostKey(t *testing.T) {
	t.Parallel()
	raw, namespace := newNamespace(t)
	first := raw.keyed(namespace, true, "k1")
	stop := first.work(limits)
	send := first.acceptSecret(backstop.Undelivered, time.Hour)
	first.submitted(send, backstop.WhatsApp)
	stop()
	first.deliver(send, whatsAppStep, backstop.WhatsApp, backstop.Failed)

	without := raw.keyed(namespace, true, "k2")
	stop = without.work(limits)
	require.Eventually(t, func() bool {
		run, err := raw.client.DescribeWorkflowExecution(t.Context(), workflows.ID(send), "")
		require.NoError(t, err)
		return run.GetPendingWorkflowTask().GetAttempt() > 2
	}, patience, moment, "the task to be repeated")
	failed := raw.events(send, enums.EVENT_TYPE_WORKFLOW_TASK_FAILED)
	require.NotEmpty(t, failed)
	failure := without.failureOf(failed[0].GetWorkflowTaskFailedEventAttributes().GetFailure())
	require.ErrorContains(t, failure, `key "k1" is missing in BACKSTOP_KEYRING`)
	without.requireCalls(1, 0)

	// Sends of its own are not held up.
	another := without.acceptSecret(backstop.Undelivered, time.Hour)
	without.submitted(another, backstop.WhatsApp)
	without.deliver(another, whatsAppStep, backstop.WhatsApp, backstop.Delivered)
	require.Equal(t, backstop.OutcomeWhatsApp, without.ended(another).Outcome)
	stop()

	back := raw.keyed(namespace, true, "k2", "k1")
	back.work(limits)
	back.submitted(send, backstop.SMS)
	back.deliver(send, smsStep, backstop.SMS, backstop.Delivered)
	require.Equal(t, backstop.OutcomeSMS, back.ended(send).Outcome)
	require.Equal(t, 1, back.provider.messagesOf(send, whatsAppStep))
	require.Equal(t, 1, back.provider.messagesOf(send, smsStep))
}

func (r *rig) failureOf(f *failurepb.Failure) error {
	var options client.Options
	ring, err := keyring.Parse("k2:" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("2"), keyring.KeySize)))
	require.NoError(r.t, err)
	payloads, err := codec.New(ring, false)
	require.NoError(r.t, err)
	payloads.Configure(&options)
	return options.FailureConverter.FailureToError(f)
}

// TestEncrypted_lostKeyOfCall: a provider call that is retried waits for its key too.
func TestEncrypted_lostKeyOfCall(t *testing.T) {
	t.Parallel()
	raw, namespace := newNamespace(t)
	first := raw.keyed(namespace, true, "k1")
	throttled := &backstop.Failure{Kind: backstop.Throttled, Code: "130429", RetryAfter: 2 * time.Second}
	first.provider.fails(backstop.SMS, throttled, throttled, throttled)
	stop := first.work(limits)
	send := first.acceptSecret(backstop.Undelivered, time.Hour)
	first.submitted(send, backstop.WhatsApp)
	first.deliver(send, whatsAppStep, backstop.WhatsApp, backstop.Failed)
	require.Eventually(t, func() bool { _, calls := first.provider.calls(); return calls == 2 }, patience, moment, "a retry")
	stop()

	without := raw.keyed(namespace, true, "k2")
	stop = without.work(limits)
	require.Eventually(t, func() bool {
		run, err := raw.client.DescribeWorkflowExecution(t.Context(), workflows.ID(send), "")
		require.NoError(t, err)
		pending := run.GetPendingActivities()
		return len(pending) == 1 && pending[0].GetAttempt() > 2
	}, patience, moment, "the call to be repeated without its key")
	without.requireCalls(1, 2)
	stop()

	back := raw.keyed(namespace, true, "k2", "k1")
	back.work(limits)
	back.submitted(send, backstop.SMS)
	back.deliver(send, smsStep, backstop.SMS, backstop.Delivered)
	require.Equal(t, backstop.OutcomeSMS, back.ended(send).Outcome)
	back.requireCalls(1, 4)
}

// TestEncrypted_keyGone: a workflow whose key is lost for good is terminated by an operator. The sweeper starts it anew, under the
// present key, and nothing is sent twice.
func TestEncrypted_keyGone(t *testing.T) {
	t.Parallel()
	raw, namespace := newNamespace(t)
	first := raw.keyed(namespace, true, "k1")
	stop := first.work(limits)
	const wait = 15 * time.Second // enough for a busy machine
	send := first.acceptSecret(backstop.Undelivered, wait)
	first.submitted(send, backstop.WhatsApp)
	stop()
	require.NoError(t, raw.client.TerminateWorkflow(t.Context(), workflows.ID(send), "", "its key is lost"))

	present := raw.keyed(namespace, true, "k2")
	present.work(limits)
	sweeper, err := handoff.New(handoff.Options{
		Store: clocked{present.db, func() time.Time { return time.Now().Add(time.Hour) }}, Engine: present.client,
		Installation: present.install, Log: slog.New(slog.DiscardHandler),
		Settings: workflows.Settings{UnknownWait: time.Minute, SMSReceiptWait: time.Hour},
	})
	require.NoError(t, err)
	ctx, end := context.WithCancel(t.Context())
	swept := make(chan struct{})
	go func() { defer close(swept); sweeper.Sweep(ctx) }()
	present.submitted(send, backstop.SMS)
	end()
	<-swept
	sweeper.Close()
	present.deliver(send, smsStep, backstop.SMS, backstop.Delivered)
	require.Equal(t, backstop.OutcomeSMS, present.ended(send).Outcome)
	present.requireCalls(1, 1)
}
