package workflows_test

import (
	"flag"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/workflows"
)

var record = flag.Bool("record", false, "record the histories anew, on the Temporal of BACKSTOP_TEMPORAL_ADDRESS")

// recordings are the sends whose histories are kept in testdata. A change to the workflow must replay them all. A change that
// cannot is made behind workflow.GetVersion, and the old histories stay.
func recordings() map[string]func(*world) {
	rejected := failure(backstop.Rejected, backstop.RecipientFault)
	throttled := &backstop.Failure{Kind: backstop.Throttled, RetryAfter: time.Second}
	short := []backstop.Rule{rule("short", backstop.Unread, 2*time.Second)}
	two := []backstop.Rule{rule("first", backstop.Undelivered, 2*time.Second), rule("second", backstop.Unread, 4*time.Second)}
	return map[string]func(*world){
		"read": func(w *world) {
			w.send.Plan.Rules = short
			w.receive(arrival{after: time.Second, receipt: whatsapp(1, backstop.Read)})
		},
		"delivered": func(w *world) {
			w.send.Plan.Rules = two[:1]
			w.receive(arrival{after: time.Second, receipt: whatsapp(1, backstop.Delivered)})
		},
		"fallback_by_timer": func(w *world) {
			w.send.Plan.Rules = short
			w.receive(arrival{after: 3 * time.Second, receipt: sms(0, backstop.Delivered)})
		},
		"rejected_at_once": func(w *world) {
			w.send.Plan.Rules = short
			w.answers(backstop.WhatsApp, rejected)
			w.receive(arrival{after: time.Second, receipt: sms(0, backstop.Delivered)})
		},
		"failed_by_receipt": func(w *world) {
			w.send.Plan.Rules = short
			w.receive(arrival{after: time.Second, receipt: whatsapp(1, backstop.Failed)})
			w.receive(arrival{after: 2 * time.Second, receipt: sms(0, backstop.Delivered)})
		},
		"averted_then_second_rule": func(w *world) {
			w.send.Plan.Rules = two
			w.receive(arrival{after: time.Second, receipt: whatsapp(1, backstop.Delivered), mute: true})
			w.receive(arrival{after: 5 * time.Second, receipt: sms(1, backstop.Delivered)})
		},
		"called_off": func(w *world) {
			w.send.Plan.Rules = short
			w.answers(backstop.WhatsApp, throttled)
			w.receive(arrival{after: 3 * time.Second, receipt: sms(0, backstop.Delivered)})
		},
		"unknown_then_resent": func(w *world) {
			w.send.Plan.Rules = []backstop.Rule{rule("patient", backstop.Undelivered, time.Minute)}
			w.answers(backstop.WhatsApp, failure(backstop.Unknown, ""), nil)
			w.receive(arrival{after: 3 * time.Second, receipt: whatsapp(2, backstop.Delivered)})
		},
		"next_rule": func(w *world) {
			w.send.Plan.Rules = two
			w.answers(backstop.WhatsApp, rejected)
			w.receive(arrival{after: time.Second, receipt: sms(0, backstop.Failed)})
			w.receive(arrival{after: 2 * time.Second, receipt: sms(1, backstop.Delivered)})
		},
		"sms_unknown_then_resent": func(w *world) {
			w.send.Plan.Rules = short
			w.answers(backstop.WhatsApp, rejected)
			w.answers(backstop.SMS, failure(backstop.Unknown, ""), nil)
			w.receive(arrival{after: 3 * time.Second, receipt: receipt(backstop.SMS, backstop.SMSStep(0, 0, true), backstop.Delivered)})
		},
		"opted_out": func(w *world) {
			w.send.Plan.Rules = short
			w.answers(backstop.WhatsApp, failure(backstop.Rejected, backstop.OptedOut))
		},
		"expired": func(w *world) {
			w.send.Plan.Rules = short
			at := w.send.AcceptedAt.Add(time.Second)
			w.send.ExpiresAt = &at
		},
		"throttled_twice": func(w *world) {
			w.send.Plan.Rules = []backstop.Rule{rule("patient", backstop.Undelivered, time.Minute)}
			w.answers(backstop.WhatsApp, throttled, throttled, nil)
			w.receive(arrival{after: 4 * time.Second, receipt: whatsapp(1, backstop.Delivered)})
		},
		"delivered_then_unread": func(w *world) {
			w.send.Plan.Rules = two
			w.receive(arrival{after: time.Second, receipt: whatsapp(1, backstop.Delivered)})
			w.receive(arrival{after: 5 * time.Second, receipt: sms(1, backstop.Delivered)})
		},
		"through_the_queue": func(w *world) {
			w.send.Plan.Rules = short
			w.queued = true
			w.receive(arrival{after: 3 * time.Second, receipt: sms(0, backstop.Delivered)})
		},
		"detached_by_timer": func(w *world) {
			w.send.Plan.Rules = short
		},
		"detached_after_throttling": func(w *world) {
			w.send.Plan.Rules = two
			w.answers(backstop.WhatsApp, rejected)
			w.answers(backstop.SMS, rejected, throttled, nil)
		},
		"ended_by_update": func(w *world) {
			w.send.Plan.Rules, w.byUpdate = short, true
			w.receive(arrival{after: time.Second, receipt: whatsapp(1, backstop.Read)})
		},
		"awaited_delivered": func(w *world) {
			w.send.Plan.Rules, w.awaitReceipts = two[:1], time.Second
			w.atOnce = []backstop.Receipt{whatsapp(1, backstop.Delivered)}
		},
		"awaited_failed": func(w *world) {
			w.send.Plan.Rules, w.awaitReceipts = two[:1], time.Second
			w.atOnce = []backstop.Receipt{whatsapp(1, backstop.Failed)}
		},
		"awaited_in_vain": func(w *world) {
			w.send.Plan.Rules, w.awaitReceipts, w.byUpdate = two[:1], time.Second, true
			w.receive(arrival{after: time.Second, receipt: whatsapp(1, backstop.Delivered)})
		},
		// The call ends, the alarm rings and the receipt comes while no worker runs workflow tasks.
		"one_task_delivered": func(w *world) {
			w.send.Plan.Rules = []backstop.Rule{two[0], rule("second", backstop.Unread, 15*time.Second)}
			w.answers(backstop.WhatsApp, throttled, throttled, nil)
			w.pause = [2]time.Duration{1500 * time.Millisecond, 4 * time.Second}
			w.receive(arrival{after: 3 * time.Second, receipt: whatsapp(1, backstop.Delivered)})
		},
		"one_task_failed": func(w *world) {
			w.send.Plan.Rules = two
			w.answers(backstop.WhatsApp, throttled, throttled, nil)
			w.pause = [2]time.Duration{1500 * time.Millisecond, 4 * time.Second}
			w.receive(arrival{after: 3 * time.Second, receipt: whatsapp(1, backstop.Failed)})
			w.receive(arrival{after: 15 * time.Second, receipt: sms(0, backstop.Delivered)})
		},
		"next_account": func(w *world) {
			w.send.Plan.Rules = []backstop.Rule{rule("short", backstop.Unread, 2*time.Second, first, second)}
			w.down[first] = failure(backstop.Rejected, backstop.AccountFault)
			w.receive(arrival{after: 3 * time.Second, receipt: receipt(backstop.SMS, backstop.SMSStep(0, 1, false), backstop.Delivered)})
		},
		"next_account_after_outage": func(w *world) {
			w.send.Plan.Rules = []backstop.Rule{rule("short", backstop.Unread, 2*time.Second, first, second)}
			w.answers(backstop.WhatsApp, rejected)
			w.down[first] = failure(backstop.Unavailable, "")
			w.receive(arrival{after: 6 * time.Second, receipt: receipt(backstop.SMS, backstop.SMSStep(0, 1, false), backstop.Delivered)})
		},
		"queues_of_accounts": func(w *world) {
			w.send.Plan.Rules = short
			w.change(number, func(a *activities.Account) { a.HasLimits = true })
			w.change(first, func(a *activities.Account) { a.HasLimits = true })
			w.receive(arrival{after: 3 * time.Second, receipt: sms(0, backstop.Delivered)})
		},
		"unhealthy": func(w *world) {
			w.send.Plan.Rules = short
			w.change(number, func(a *activities.Account) { a.FallsBack = true })
			w.unhealthy[number] = true
			w.receive(arrival{after: time.Second, receipt: sms(0, backstop.Delivered)})
		},
		"repeated_until_known": func(w *world) {
			w.send.Plan.Rules = short
			w.change(first, func(a *activities.Account) { a.RefusesRepeats = true })
			w.answers(backstop.WhatsApp, rejected)
			w.answers(backstop.SMS, failure(backstop.Unknown, ""), failure(backstop.Unknown, ""), nil)
			w.receive(arrival{after: 5 * time.Second, receipt: sms(0, backstop.Delivered)})
		},
		"only_reported_failures": func(w *world) {
			w.send.Plan.Rules = []backstop.Rule{rule("reported", backstop.Undelivered, 0)}
			w.receive(arrival{after: time.Second, receipt: whatsapp(1, backstop.Delivered)})
		},
	}
}

func TestReplay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	kept := map[string]bool{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		kept[name] = true
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			replayer := worker.NewWorkflowReplayer()
			replayer.RegisterWorkflow(workflows.Send)
			replayer.RegisterWorkflow(workflows.Callbacks)
			quiet := log.NewStructuredLogger(slog.New(slog.DiscardHandler))
			require.NoError(t, replayer.ReplayWorkflowHistoryFromJSONFile(quiet, file))
		})
	}
	for _, name := range slices.Concat(slices.Collect(maps.Keys(recordings())), slices.Collect(maps.Keys(callbackRecordings()))) {
		require.True(t, kept[name], "testdata has no history %q: run make histories", name)
	}
}

// TestRecordHistories records the histories. Without -record it does nothing, and TestReplay checks that they exist.
func TestRecordHistories(t *testing.T) {
	t.Parallel()
	if !*record {
		return
	}
	temporal, err := client.Dial(client.Options{
		HostPort: os.Getenv("BACKSTOP_TEMPORAL_ADDRESS"), Identity: "recorder", // not the machine's name
		Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	t.Cleanup(temporal.Close)
	for name, script := range recordings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keepHistory(t, name, recordOne(t, temporal, script))
		})
	}
	for name, script := range callbackRecordings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keepHistory(t, name, recordCallbacks(t, temporal, script))
		})
	}
}

// keepHistory writes a history into testdata.
func keepHistory(t *testing.T, name string, recorded *history.History) {
	t.Helper()
	data, err := protojson.MarshalOptions{Multiline: true}.Marshal(recorded)
	require.NoError(t, err)
	host, err := os.Hostname() // the worker's own queue is named after it
	require.NoError(t, err)
	text := strings.ReplaceAll(string(data), `"`+host+":", `"recorder:`)
	require.NoError(t, os.WriteFile(filepath.Join("testdata", name+".json"), []byte(text+"\n"), 0o644)) // as git keeps them
}

// recordOne runs one send on a real server and returns its history.
func recordOne(t *testing.T, temporal client.Client, script func(*world)) *history.History {
	t.Helper()
	var run client.WorkflowRun
	started := make(chan struct{})
	w := bareWorld(t, time.Now, nil)
	w.send.ID = uuid.NewString()
	w.after = func(d time.Duration, f func()) { time.AfterFunc(d, func() { <-started; f() }) }
	w.signal = func(v backstop.View) {
		if w.byUpdate && v.Outcome != "" {
			update, err := temporal.UpdateWorkflow(t.Context(), client.UpdateWorkflowOptions{
				WorkflowID: run.GetID(), UpdateID: "receipt-1", UpdateName: workflows.ReceiptUpdate, Args: []any{v},
				WaitForStage: client.WorkflowUpdateStageCompleted,
			})
			require.NoError(t, err)
			require.NoError(t, update.Get(t.Context(), nil))
			return
		}
		err := temporal.SignalWorkflow(t.Context(), run.GetID(), run.GetRunID(), workflows.ReceiptSignal, v)
		require.NoError(t, err)
	}
	resendsUnknown()(w)
	script(w)
	w.installation = t.Name() // each recording has a world of its own
	queue := workflows.QueueOf(w.installation)
	acts := w.activities()
	startOn := func(queue string, o worker.Options) (stop func()) {
		o.Identity = "recorder"
		local := worker.New(temporal, queue, o)
		if !o.DisableWorkflowWorker {
			local.RegisterWorkflow(workflows.Send)
		}
		local.RegisterActivity(acts)
		require.NoError(t, local.Start())
		return local.Stop
	}
	start := func(o worker.Options) (stop func()) { return startOn(queue, o) }
	t.Cleanup(start(worker.Options{DisableWorkflowWorker: true}))
	for name, account := range w.accounts {
		if account.HasLimits {
			t.Cleanup(startOn(queue+activities.QueueSuffix(name), worker.Options{DisableWorkflowWorker: true}))
		}
	}
	decide := start(worker.Options{LocalActivityWorkerOnly: true})
	if w.pause != [2]time.Duration{} {
		w.after(w.pause[0], decide)
		w.after(w.pause[1], func() { t.Cleanup(start(worker.Options{LocalActivityWorkerOnly: true})) })
	} else {
		t.Cleanup(decide)
	}
	run, err := temporal.ExecuteWorkflow(t.Context(),
		client.StartWorkflowOptions{ID: workflows.ID(w.send.ID), TaskQueue: queue},
		workflows.Send, w.input(workflows.Settings{
			UnknownWait: time.Second, SMSReceiptWait: time.Minute, QueuedCalls: w.queued, AwaitReceipts: w.awaitReceipts,
		}))
	require.NoError(t, err)
	close(started)
	require.NoError(t, run.Get(t.Context(), nil))
	recorded := &history.History{}
	events := temporal.GetWorkflowHistory(t.Context(), run.GetID(), run.GetRunID(), false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(t, err)
		recorded.Events = append(recorded.Events, event)
	}
	return recorded
}
