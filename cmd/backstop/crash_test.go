package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/client"
	"github.com/backstophq/backstop/internal/demo"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// rig is a deployed Backstop of one test: the program as a process, which can be killed, and the sandbox.
type rig struct {
	t           *testing.T
	environment map[string]string
	apiURL      string
	sandboxURL  string
	caller      *demo.Caller
	process     *exec.Cmd
}

func newRig(t *testing.T, changes map[string]string) *rig {
	t.Helper()
	sandbox, err := listenLocal(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	api, err := listenLocal(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, api.Close()) // the port is for the process, which starts again on it
	r := &rig{t: t, environment: complete(), apiURL: urlOf(api.Addr()), sandboxURL: urlOf(sandbox.Addr())}
	maps.Copy(r.environment, map[string]string{
		asProgram: "1", "BACKSTOP_PUBLIC_URL": r.apiURL, "BACKSTOP_LISTEN": api.Addr().String(),
		"BACKSTOP_DATABASE_URL": postgrestest.URL(t), "BACKSTOP_KEYRING": localKeyring,
		"BACKSTOP_TEMPORAL_ADDRESS": sharedTemporal.Server(t).Address, "BACKSTOP_TEMPORAL_NAMESPACE": sharedTemporal.Server(t).Namespace(t),
		"BACKSTOP_META_BASE_URL": r.sandboxURL, "BACKSTOP_TWILIO_BASE_URL": r.sandboxURL,
		"BACKSTOP_SANDBOX_SPEED": "10",
	})
	maps.Copy(r.environment, changes)
	require.Equal(t, exitOK, run(t.Context(), []string{"migrate"}, lines(r.environment), io.Discard, os.Stderr))
	r.serveSandbox(sandbox)
	r.caller, err = demo.NewCaller(r.apiURL, r.environment["BACKSTOP_API_KEY"])
	require.NoError(t, err)
	r.start()
	t.Cleanup(r.kill)
	return r
}

func (r *rig) serveSandbox(listener net.Listener) {
	box, err := readConfig[sandboxConfig](r.environment)
	require.NoError(r.t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(r.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- runSandbox(ctx, box, listener, slog.New(slog.DiscardHandler)) }()
	r.t.Cleanup(func() {
		stop()
		require.NoError(r.t, <-ended)
	})
}

// start starts the program and waits until it answers.
func (r *rig) start() {
	r.t.Helper()
	r.process = r.launch("serve", r.environment, nil)
	r.awaitReady(r.apiURL)
}

// launch starts a process of the program. Its log goes to log.
func (r *rig) launch(command string, environment map[string]string, log io.Writer) *exec.Cmd {
	process := exec.CommandContext(context.WithoutCancel(r.t.Context()), os.Args[0], command)
	process.Env = lines(environment)
	process.Stdout, process.Stderr = log, os.Stderr
	require.NoError(r.t, process.Start())
	return process
}

func (r *rig) awaitReady(url string) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		_, err := r.get(url + "/readyz")
		return err == nil
	}, 30*time.Second, 50*time.Millisecond, "the program does not get ready")
}

// kill ends the program as a crash does.
func (r *rig) kill() {
	if r.process == nil {
		return
	}
	_ = r.process.Process.Kill() // it may have ended by itself
	_ = r.process.Wait()         // says that it was killed
	r.process = nil
}

// get returns what a GET is answered, or an error if that is not 200.
func (r *rig) get(url string) (string, error) {
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(r.t, err)
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %d: %s", response.StatusCode, body)
	}
	return string(body), err
}

// send starts a send as a careful caller does: with an idempotency key, again until it is accepted.
func (r *rig) send(to, policy, key string) string {
	r.t.Helper()
	text := "Your code is 1234."
	var id string
	require.Eventually(r.t, func() bool {
		accepted, err := r.caller.API.CreateSendWithResponse(r.t.Context(), &client.CreateSendParams{IdempotencyKey: &key},
			client.SendInput{
				To: to, Whatsapp: client.WhatsAppInput{Text: &text},
				Fallback: client.FallbackInput{PolicyID: &policy, Text: text},
			})
		if err != nil || accepted.JSON202 == nil {
			return false
		}
		id = accepted.JSON202.ID
		return true
	}, 30*time.Second, 20*time.Millisecond, "the send is not accepted")
	return id
}

// TestCrash kills the program again and again while messages go out, and then looks for any that was lost, sent
// twice, or sent by SMS though it had arrived.
func TestCrash(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]string{"BACKSTOP_UNKNOWN_WAIT": "20s", "BACKSTOP_SMS_RECEIPT_WAIT": "5s"})
	rejected, err := r.caller.EnsurePolicy(t.Context(), "Rejected", demo.Rule{Name: "Rejected", Type: client.RuleTypeUndelivered, SendID: "ACME"})
	require.NoError(t, err)
	patient, err := r.caller.EnsurePolicy(t.Context(), "Patient", demo.Rule{Name: "Patient", Type: client.RuleTypeUnread, Wait: 3 * time.Minute, SendID: "ACME"})
	require.NoError(t, err)
	awaited, err := r.caller.EnsurePolicy(t.Context(), "Awaited", demo.Rule{Name: "Awaited", Type: client.RuleTypeUndelivered, Wait: 3 * time.Minute, SendID: "ACME"})
	require.NoError(t, err)

	const rounds, each = 4, 12
	numbers := map[string]string{} // by the send's id
	for round := range rounds {
		killed := make(chan struct{})
		go func() {
			defer close(killed)
			time.Sleep(time.Duration(150+round*130) * time.Millisecond) // in the middle of the sends, each time elsewhere
			_ = r.process.Process.Kill()
		}()
		crashed := make(chan struct{})
		go func() {
			defer close(crashed)
			<-killed
			r.kill()
			r.start()
		}()
		for i := range each {
			scenario, policy := "01", patient
			switch i % 3 {
			case 0:
				scenario, policy = "04", rejected
			case 1:
				scenario, policy = "02", awaited // sent, and delivered during the receipt wait of the call
			}
			to := fmt.Sprintf("+4474001%d%02d%s", round, i, scenario)
			numbers[r.send(to, policy, to)] = to
		}
		<-crashed
	}
	require.Len(t, numbers, rounds*each)
	for id, to := range numbers {
		var send *client.Send
		require.Eventually(t, func() bool {
			send, err = r.caller.Send(t.Context(), id)
			return err == nil && send.FinishedAt != nil
		}, 90*time.Second, 200*time.Millisecond, "%s to %s does not end: %+v", id, to, send)
		asked, err := demo.CountMessages(t.Context(), r.sandboxURL, to)
		require.NoError(t, err)
		if !strings.HasSuffix(to, "04") {
			require.Equal(t, client.OutcomeWhatsapp, send.Outcome, to)
			require.Equal(t, map[string]int{"whatsapp": 1}, asked, to)
			continue
		}
		// An SMS whose call was cut may never have left; it is held then, and said to be unconfirmed.
		require.LessOrEqual(t, asked["sms"], 1, to)
		if asked["sms"] == 0 {
			require.Equal(t, client.OutcomeUnconfirmed, send.Outcome, to)
		}
	}
}

// watch opens the stream of a send and returns what reads it to its end.
func (r *rig) watch(id string) (rest func() string) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.apiURL+"/v1/sends/"+id+"/watch", http.NoBody)
	require.NoError(r.t, err)
	request.Header.Set("Authorization", "Bearer "+r.environment["BACKSTOP_API_KEY"])
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(r.t, err)
	r.t.Cleanup(func() { require.NoError(r.t, response.Body.Close()) })
	require.Equal(r.t, http.StatusOK, response.StatusCode)
	return func() string {
		events, err := io.ReadAll(response.Body)
		require.NoError(r.t, err, "the stream must end as streams do")
		return string(events)
	}
}

// TestServe_stops sends SIGTERM while a provider does not answer and a client watches the send. The stop does not wait for
// the provider's answer, but only for BACKSTOP_DRAIN.
func TestServe_stops(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]string{"BACKSTOP_DRAIN": "1s"})
	policy, err := r.caller.EnsurePolicy(t.Context(), "Patient", demo.Rule{Name: "Patient", Type: client.RuleTypeUnread, Wait: 3 * time.Minute, SendID: "ACME"})
	require.NoError(t, err)
	id := r.send("+447400123410", policy, "held")
	require.Eventually(t, func() bool {
		messages, err := r.get(r.sandboxURL + "/messages")
		return err == nil && strings.Contains(messages, "447400123410")
	}, 30*time.Second, 20*time.Millisecond)
	rest := r.watch(id)
	began := time.Now()
	require.NoError(t, r.process.Process.Signal(syscall.SIGTERM))
	require.Contains(t, rest(), `"id":"`+id+`"`)
	require.Less(t, time.Since(began), drainRequests)
	require.NoError(t, r.process.Wait(), "the exit code must be 0")
	r.process = nil
	require.Less(t, time.Since(began), 10*time.Second)
}

// TestServe_callbacksLost: no status callback of Twilio arrives. Backstop asks Twilio for the status of the message before
// it ends the send.
func TestServe_callbacksLost(t *testing.T) {
	t.Parallel()
	nowhere := map[string]string{"BACKSTOP_PUBLIC_URL": "http://127.0.0.1:1", "BACKSTOP_SMS_RECEIPT_WAIT": "2s"}
	r := newRig(t, nowhere)
	policy, err := r.caller.EnsurePolicy(t.Context(), "Lost", demo.Rule{Name: "Lost", Type: client.RuleTypeUndelivered, SendID: "ACME"})
	require.NoError(t, err)
	id := r.send("+447400123404", policy, "lost")
	var send *client.Send
	require.Eventually(t, func() bool {
		send, err = r.caller.Send(t.Context(), id)
		return err == nil && send.FinishedAt != nil
	}, 30*time.Second, 100*time.Millisecond)
	require.Equal(t, client.OutcomeSms, send.Outcome)
	require.Equal(t, client.StatusDelivered, send.Sms.Status)
}

// TestServe_smsStop: the recipient has answered STOP to an earlier SMS. No SMS from another sender follows, and the timeline
// shows the opt-out.
func TestServe_smsStop(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	policy, err := r.caller.EnsurePolicy(t.Context(), "Two senders",
		demo.Rule{Name: "First", Type: client.RuleTypeSendFailed, SendID: "+12025550143"},
		demo.Rule{Name: "Second", Type: client.RuleTypeSendFailed, SendID: "+12025550199"})
	require.NoError(t, err)
	to, text, category := "+447400123423", "Your parcel comes today.", client.CategoryMarketing
	accepted, err := r.caller.API.CreateSendWithResponse(t.Context(), nil, client.SendInput{
		To: to, Whatsapp: client.WhatsAppInput{Text: &text}, Category: &category,
		Fallback: client.FallbackInput{PolicyID: &policy, Text: text},
	})
	require.NoError(t, err)
	require.NotNil(t, accepted.JSON202)
	var send *client.Send
	require.Eventually(t, func() bool {
		send, err = r.caller.Send(t.Context(), accepted.JSON202.ID)
		return err == nil && send.FinishedAt != nil
	}, 30*time.Second, 50*time.Millisecond)
	require.Equal(t, client.OutcomeFailed, send.Outcome)
	require.Condition(t, func() bool {
		return slices.ContainsFunc(send.Events, func(e client.Event) bool { return e.Kind == client.EventKindOptedOut })
	}, "the timeline must say that the recipient opted out: %+v", send.Events)
	messages, err := r.get(r.sandboxURL + "/messages?to=" + url.QueryEscape(to))
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(messages, `"channel":"sms"`), messages)
}
