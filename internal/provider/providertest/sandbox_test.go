package providertest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
	"github.com/backstophq/backstop/internal/provider/meta"
	"github.com/backstophq/backstop/internal/provider/providertest"
	"github.com/backstophq/backstop/internal/provider/twilio"
	"github.com/backstophq/backstop/internal/sandbox"
)

// rig connects both drivers to the sandbox. The sandbox has its own implementation of the wire formats.
type rig struct {
	sandbox *sandbox.Server
	meta    *meta.Client
	twilio  *twilio.Client

	mu       sync.Mutex
	receipts []backstop.Receipt
	errs     []error
	refusals int // how many of the next webhooks get a 503
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
	const timeout = time.Second // for the scenarios without an answer
	public, err := url.Parse(hooks.URL)
	require.NoError(t, err)
	g.meta, err = meta.New(provider.Settings{
		Account: "meta", Channel: backstop.WhatsApp, Timeout: timeout, PublicURLs: []*url.URL{public}, WebhookPath: "/webhooks/meta",
		Values: meta.Driver().WithDefaults(backstop.WhatsApp, map[string]string{
			"base_url": server.URL, "phone_number_id": "106540352242922", "access_token": "access-token",
			"app_secret": "app-secret", "verify_token": "verify-token",
		}),
	})
	require.NoError(t, err)
	g.twilio, err = twilio.New(provider.Settings{
		Account: "twilio", Channel: backstop.SMS, Timeout: timeout, PublicURLs: []*url.URL{public}, WebhookPath: "/webhooks/twilio",
		Values: map[string]string{
			"base_url": server.URL, "account_sid": "AC0123456789abcdef0123456789abcdef", "auth_token": "auth-token",
		},
	})
	require.NoError(t, err)
	return &g
}

// ServeHTTP receives the webhooks.
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
	if g.refuseNext() {
		w.WriteHeader(http.StatusServiceUnavailable)
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

func (g *rig) refuseNext() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refusals--
	return g.refusals >= 0
}

// words waits for n receipts. It returns each as "status" or "status code".
func (g *rig) words(t *testing.T, n int, channel backstop.Channel, id string) []string {
	t.Helper()
	require.Eventually(t, func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return len(g.receipts) >= n
	}, 30*time.Second, 5*time.Millisecond)
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
		calls   []string // the result of each call: ok, or the failure's kind, class, code and RetryAfter
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
		{"20", backstop.SMS, []string{ok}, []string{"sent", "delivered"}},
		{"21", backstop.SMS, []string{ok}, []string{"sent", "delivered"}},
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
	t.Run("check", func(t *testing.T) {
		t.Parallel()
		g := newRig(t)
		require.NoError(t, g.meta.Check(t.Context()))
		require.NoError(t, g.twilio.Check(t.Context()))
	})
	t.Run("handshake", func(t *testing.T) {
		t.Parallel()
		require.NoError(t, newRig(t).sandbox.Verify(t.Context()))
	})
}

// TestSandbox_retries: the sandbox retries a callback that got a 503, because the driver's StatusCallback asks for it.
func TestSandbox_retries(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.refusals = 2
	submission, err := g.send(t.Context(), backstop.SMS, "+4915100000001")
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"sent", "delivered"}, g.words(t, 2, backstop.SMS, submission.MessageID))
}

func TestSandbox_finds(t *testing.T) {
	t.Parallel()
	find := func(t *testing.T, g *rig, q backstop.Inquiry) (string, string) {
		t.Helper()
		found, err := g.twilio.Find(t.Context(), q)
		switch {
		case err != nil:
			return "", outcome(err)
		case found == nil:
			return "", "none"
		case found.Failure != nil:
			return found.MessageID, string(found.Status) + " " + string(found.Failure.Class) + " " + found.Failure.Code
		default:
			return found.MessageID, string(found.Status)
		}
	}
	inquiry := func(to string, began time.Time) backstop.Inquiry {
		return backstop.Inquiry{
			To: to, SendID: "Backstop", Text: "Grüße & 4711", Since: began.Add(-time.Second), Until: time.Now().Add(time.Second),
		}
	}
	t.Run("after an answer", func(t *testing.T) {
		t.Parallel()
		for digits, want := range map[string]string{"01": "delivered", "14": "failed recipient 30003"} {
			g, began := newRig(t), time.Now()
			submission, err := g.send(t.Context(), backstop.SMS, "+49151000000"+digits)
			require.NoError(t, err)
			require.Eventually(t, func() bool {
				_, word := find(t, g, backstop.Inquiry{MessageID: submission.MessageID})
				return word == want
			}, 30*time.Second, 5*time.Millisecond)
			id, word := find(t, g, inquiry("+49151000000"+digits, began))
			require.Equal(t, submission.MessageID, id)
			require.Equal(t, want, word)
		}
	})
	t.Run("after a lost answer", func(t *testing.T) {
		t.Parallel()
		const to = "+4915100000018"
		g, began := newRig(t), time.Now()
		_, word := find(t, g, inquiry(to, began))
		require.Equal(t, "none", word)
		_, err := g.send(t.Context(), backstop.SMS, to)
		require.Equal(t, "unknown   0s", outcome(err))
		id, word := find(t, g, inquiry(to, began))
		require.Equal(t, "delivered", word)
		require.NotEmpty(t, id)
		require.Equal(t, []string{"sent", "delivered"}, g.words(t, 2, backstop.SMS, id))
		_, err = g.send(t.Context(), backstop.SMS, to)
		require.Error(t, err)
		_, word = find(t, g, inquiry(to, began))
		require.Equal(t, "unknown   0s", word, "each of the two messages may be the searched one")
	})
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		_, word := find(t, newRig(t), backstop.Inquiry{MessageID: "SM0123456789abcdef0123456789abcdef"})
		require.Equal(t, "none", word)
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
