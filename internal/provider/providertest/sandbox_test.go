package providertest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider/meta"
	"github.com/backstophq/backstop/internal/provider/providertest"
	"github.com/backstophq/backstop/internal/provider/twilio"
	"github.com/backstophq/backstop/internal/sandbox"
)

// rig joins both drivers to the sandbox, whose authors wrote the wire formats down a second time.
type rig struct {
	sandbox *sandbox.Server
	meta    *meta.Client
	twilio  *twilio.Client

	mu       sync.Mutex
	receipts []backstop.Receipt
	errs     []error
}

func newRig(t *testing.T) *rig {
	t.Helper()
	var g rig
	hooks := httptest.NewServer(&g)
	t.Cleanup(hooks.Close)
	var err error
	g.sandbox, err = sandbox.New(sandbox.Options{
		Meta: sandbox.Meta{
			AccessToken: "access-token", AppSecret: "app-secret", PhoneNumberID: "106540352242922",
			VerifyToken: "verify-token", WebhookURL: hooks.URL + "/webhooks/meta",
		},
		Twilio: sandbox.Twilio{AccountSID: "AC0123456789abcdef0123456789abcdef", AuthToken: "auth-token"},
		Speed:  math.Inf(1),
	})
	require.NoError(t, err)
	server := httptest.NewServer(g.sandbox)
	t.Cleanup(server.Close)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		require.NoError(t, g.sandbox.Shutdown(ctx))
	})
	const timeout = time.Second // for the scenarios that never answer
	g.meta, err = meta.New(meta.Options{
		BaseURL: server.URL, PhoneNumberID: "106540352242922", AccessToken: "access-token", AppSecret: "app-secret",
		VerifyToken: "verify-token", Timeout: timeout,
	})
	require.NoError(t, err)
	g.twilio, err = twilio.New(twilio.Options{
		BaseURL: server.URL, AccountSID: "AC0123456789abcdef0123456789abcdef", AuthToken: "auth-token", PublicURL: hooks.URL,
		Timeout: timeout,
	})
	require.NoError(t, err)
	return &g
}

// ServeHTTP takes the webhooks.
func (g *rig) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		if answer, err := g.meta.Challenge(r.URL.Query()); err == nil {
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, answer)
		}
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	var receipts []backstop.Receipt
	switch r.URL.Path {
	case "/webhooks/meta":
		receipts, err = g.meta.Receipts(r, body)
	case "/webhooks/twilio":
		receipts, err = g.twilio.Receipts(r, body)
	default:
		err = fmt.Errorf("nothing is at %s", r.URL.Path)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.receipts, g.errs = append(g.receipts, receipts...), append(g.errs, err)
}

// words waits for n receipts and returns them as "status" or "status code".
func (g *rig) words(t *testing.T, n int, channel backstop.Channel, id string) []string {
	t.Helper()
	require.Eventually(t, func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return len(g.receipts) >= n
	}, 10*time.Second, 5*time.Millisecond)
	g.mu.Lock()
	defer g.mu.Unlock()
	require.NoError(t, errors.Join(g.errs...))
	words := []string{}
	for _, receipt := range g.receipts {
		require.Equal(t, channel, receipt.Channel)
		require.Equal(t, providertest.Ref, receipt.Ref)
		require.WithinDuration(t, time.Now(), receipt.At, time.Minute)
		if id != "" {
			require.Equal(t, id, receipt.MessageID)
		}
		word := string(receipt.Status)
		if receipt.Failure != nil {
			word += " " + receipt.Failure.Code
		}
		words = append(words, word)
	}
	return words
}

func TestSandbox(t *testing.T) {
	t.Parallel()
	const ok, recipient = "", "rejected recipient "
	for _, row := range []struct {
		digits  string
		channel backstop.Channel
		calls   []string // what each call comes to: ok, or the failure's kind, class, code and RetryAfter
		words   []string
	}{
		{"01", backstop.WhatsApp, []string{ok}, []string{"sent", "delivered", "read"}},
		{"03", backstop.WhatsApp, []string{ok}, []string{"sent"}},
		{"04", backstop.WhatsApp, []string{recipient + "131026 0s"}, []string{}},
		{"05", backstop.WhatsApp, []string{ok}, []string{"failed 131026"}},
		{
			"07", backstop.WhatsApp, []string{"throttled  130429 1s", "throttled  130429 0s", ok},
			[]string{"sent", "delivered", "read"},
		},
		{
			"08", backstop.WhatsApp, []string{"unavailable  131000 0s", "unavailable  131016 0s", ok},
			[]string{"sent", "delivered", "read"},
		},
		{"09", backstop.WhatsApp, []string{"unknown   0s"}, []string{"sent", "delivered", "read"}},
		{"10", backstop.WhatsApp, []string{"unknown   0s", ok}, []string{"sent", "delivered", "read"}},
		{"15", backstop.WhatsApp, []string{"rejected template 132001 0s"}, []string{}},
		{"16", backstop.WhatsApp, []string{"rejected opted_out 131050 0s"}, []string{}},
		{"17", backstop.WhatsApp, []string{ok}, []string{"sent", "delivered", "read"}},
		{"01", backstop.SMS, []string{ok}, []string{"sent", "delivered"}},
		{"13", backstop.SMS, []string{recipient + "21612 0s"}, []string{}},
		{"14", backstop.SMS, []string{ok}, []string{"sent", "failed 30003"}},
		{"18", backstop.SMS, []string{"unknown   0s"}, []string{"sent", "delivered"}},
	} {
		t.Run(string(row.channel)+" "+row.digits, func(t *testing.T) {
			t.Parallel()
			g := newRig(t)
			var id string
			for _, want := range row.calls {
				submission, err := g.send(t.Context(), row.channel, "+49151000000"+row.digits)
				require.Equal(t, want, outcome(err), "%v", err)
				id = submission.MessageID
				require.Equal(t, want == ok, id != "")
			}
			require.Equal(t, row.words, g.words(t, len(row.words), row.channel, id))
		})
	}
	t.Run("disorder", func(t *testing.T) {
		t.Parallel()
		g := newRig(t)
		submission, err := g.send(t.Context(), backstop.WhatsApp, "+4915100000011")
		require.NoError(t, err)
		require.Subset(t, g.words(t, 5, backstop.WhatsApp, submission.MessageID), []string{"delivered", "read"})
	})
	t.Run("template", func(t *testing.T) {
		t.Parallel()
		g := newRig(t)
		_, err := g.meta.SendWhatsApp(t.Context(), backstop.WhatsAppMessage{
			Ref: providertest.Ref, To: "+4915100000001", Template: &backstop.Template{
				Name: "order_ready", Language: "en_US",
				Components: []byte(`[{"type":"body","parameters":[{"type":"text","text":"4711"}]}]`),
			},
		})
		require.NoError(t, err)
	})
	t.Run("handshake", func(t *testing.T) {
		t.Parallel()
		require.NoError(t, newRig(t).sandbox.Verify(t.Context()))
	})
}

func (g *rig) send(ctx context.Context, channel backstop.Channel, to string) (backstop.Submission, error) {
	if channel == backstop.SMS {
		return g.twilio.SendSMS(ctx, backstop.SMSMessage{Ref: providertest.Ref, To: to, SendID: "Backstop", Text: "Grüße & 4711"})
	}
	return g.meta.SendWhatsApp(ctx, backstop.WhatsAppMessage{Ref: providertest.Ref, To: to, Text: "Grüße & 4711"})
}

func outcome(err error) string {
	if err == nil {
		return ""
	}
	failure, ok := errors.AsType[*backstop.Failure](err)
	if !ok {
		return err.Error()
	}
	return fmt.Sprintf("%s %s %s %v", failure.Kind, failure.Class, failure.Code, failure.RetryAfter)
}
