package main

import (
	"context"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/client"
	"github.com/backstophq/backstop/internal/demo"
)

// TestServe_drains sends SIGTERM while a provider takes 8 s to answer an SMS call. Backstop waits for the answer, stores it,
// and serves webhooks meanwhile.
func TestServe_drains(t *testing.T) {
	t.Parallel()
	const to = "+447400123420" // accepted at once, answered after 8 s, delivered after 2 s
	r := newRig(t, map[string]string{"BACKSTOP_SANDBOX_SPEED": "1"})
	policy, err := r.caller.EnsurePolicy(t.Context(), "Rejected", demo.Rule{Name: "Rejected", Type: client.RuleTypeUndelivered, SendID: "ACME"})
	require.NoError(t, err)
	id := r.send(to, policy, "slow")
	require.Eventually(t, func() bool {
		asked, err := demo.CountMessages(t.Context(), r.sandboxURL, to)
		return err == nil && asked["sms"] == 1
	}, 30*time.Second, 20*time.Millisecond)
	began := time.Now()
	time.Sleep(time.Second)
	require.NoError(t, r.process.Process.Signal(syscall.SIGTERM))

	time.Sleep(drainRequests + time.Second)
	_, err = r.get(r.apiURL + "/healthz")
	require.NoError(t, err, "the API must answer as long as calls are under way")
	_, err = r.get(r.apiURL + "/readyz")
	require.ErrorContains(t, err, "503", "a balancer must look elsewhere")
	require.NoError(t, r.process.Wait(), "the exit code must be 0")
	r.process = nil
	require.Greater(t, time.Since(began), 6*time.Second, "the call must not be cut")
	require.Less(t, time.Since(began), 25*time.Second)
	_, err = r.get(r.apiURL + "/healthz")
	require.Error(t, err)

	r.start()
	send, err := r.caller.Send(t.Context(), id)
	require.NoError(t, err)
	last := send.Attempts[len(send.Attempts)-1]
	require.Equal(t, client.ChannelSms, last.Channel)
	require.Equal(t, client.AttemptStateAccepted, last.State, "%+v", last.Failure)
	require.NotNil(t, last.MessageID)
	require.Equal(t, client.StatusDelivered, send.Sms.Status)
	require.Equal(t, client.OutcomeSms, send.Outcome)
	asked, err := demo.CountMessages(t.Context(), r.sandboxURL, to)
	require.NoError(t, err)
	require.Equal(t, 1, asked["sms"])
}

// TestServeHTTP_unused: a connection without a request does not make a stop fail, and a request in progress does.
func TestServeHTTP_unused(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]string{"unused": "", "in progress": "GET / HTTP/1.1\r\nHost: x\r\n\r\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began, end := make(chan struct{}), make(chan struct{})
			server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(
				func(http.ResponseWriter, *http.Request) { close(began); <-end },
			)}
			listener, err := listenLocal(t.Context(), "127.0.0.1:0")
			require.NoError(t, err)
			ctx, stop := context.WithCancel(t.Context())
			served := make(chan error, 1)
			go func() { served <- serveHTTP(ctx, server, listener, func() {}) }()
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", listener.Addr().String())
			require.NoError(t, err)
			defer conn.Close()
			_, err = conn.Write([]byte(request))
			require.NoError(t, err)
			if request != "" {
				<-began
				defer close(end)
			}
			stop()
			if request == "" {
				require.NoError(t, <-served)
			} else {
				require.ErrorContains(t, <-served, "drain requests")
			}
		})
	}
}

// TestServe_secondSignal: a second signal ends a draining program at once.
func TestServe_secondSignal(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	policy, err := r.caller.EnsurePolicy(t.Context(), "Patient", demo.Rule{Name: "Patient", Type: client.RuleTypeUnread, Wait: 3 * time.Minute, SendID: "ACME"})
	require.NoError(t, err)
	r.send("+447400123410", policy, "held") // the provider does not answer for 10 s
	require.Eventually(t, func() bool {
		messages, err := r.get(r.sandboxURL + "/messages")
		return err == nil && strings.Contains(messages, "447400123410")
	}, 30*time.Second, 20*time.Millisecond)
	require.NoError(t, r.process.Process.Signal(syscall.SIGTERM))
	require.Eventually(t, func() bool {
		_, err := r.get(r.apiURL + "/readyz")
		return err != nil
	}, 30*time.Second, 20*time.Millisecond)
	began := time.Now()
	require.NoError(t, r.process.Process.Signal(syscall.SIGTERM))
	require.ErrorContains(t, r.process.Wait(), "terminated")
	r.process = nil
	require.Less(t, time.Since(began), 5*time.Second)
}
