package httpsms_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
	"github.com/backstophq/backstop/internal/provider/httpsms"
	"github.com/backstophq/backstop/internal/provider/providertest"
	"github.com/backstophq/backstop/internal/sandbox"
)

const receiptSecret = "receipt-secret-0123"

// rig connects one account to its simulated gateway, which has its own implementation of the wire format.
type rig struct {
	client  *httpsms.Client
	address string // of the sandbox

	mu       sync.Mutex
	receipts []backstop.Receipt
	errs     []error
}

func newRig(t *testing.T, recipe string, change func(values map[string]string)) *rig {
	t.Helper()
	g := new(rig)
	hooks := httptest.NewServer(g)
	t.Cleanup(hooks.Close)
	simulated, err := sandbox.New(sandbox.Options{
		Meta:   sandbox.Meta{AccessToken: "a", PhoneNumberID: "1"},
		Twilio: sandbox.Twilio{AccountSID: "AC0", AuthToken: "t"},
		Faces: []sandbox.Face{sandbox.Gateways{
			Username: username, Password: password, Token: token, ReceiptSecret: receiptSecret, WebhookURL: hooks.URL + hookPath,
		}},
		Speed: math.Inf(1),
	})
	require.NoError(t, err)
	server := httptest.NewServer(simulated)
	t.Cleanup(server.Close)
	g.address = server.URL
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		require.NoError(t, simulated.Shutdown(ctx))
	})
	public, err := url.Parse(hooks.URL)
	require.NoError(t, err)
	values := map[string]string{
		"recipe": recipe, "base_url": server.URL + "/gateways/" + recipe, "username": username, "password": password, "token": token,
		"receipt_secret": receiptSecret,
	}
	if change != nil {
		change(values)
	}
	g.client, err = httpsms.New(provider.Settings{
		Account: "main", Channel: backstop.SMS, Timeout: time.Second, PublicURLs: []*url.URL{public}, WebhookPath: hookPath, Values: values,
	})
	require.NoError(t, err)
	return g
}

// ServeHTTP receives the webhooks, as the API does.
func (g *rig) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.URL.Path != hookPath || r.Method == http.MethodGet && !g.client.ReceivesGet() {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	receipts, err := g.client.Receipts(r, body)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.receipts, g.errs = append(g.receipts, receipts...), append(g.errs, err)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	contentType, answer := g.client.WebhookAnswer()
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write(answer)
}

// words waits for the two receipts of the message. It returns each as "status class code".
func (g *rig) words(t *testing.T, id string, hasRef bool) []string {
	t.Helper()
	require.Eventually(t, func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return len(g.receipts) >= 2
	}, 30*time.Second, 5*time.Millisecond)
	g.mu.Lock()
	defer g.mu.Unlock()
	require.NoError(t, errors.Join(g.errs...))
	words := []string{}
	for _, receipt := range g.receipts {
		require.Equal(t, hasRef, receipt.Ref == providertest.Ref)
		require.WithinDuration(t, time.Now(), receipt.At, time.Minute)
		if id != "" {
			require.Equal(t, id, receipt.MessageID)
		}
		word := string(receipt.Status)
		if receipt.Failure != nil {
			word = strings.Join([]string{word, string(receipt.Failure.Class), receipt.Failure.Code}, " ")
			require.NotContains(t, receipt.Failure.Reason, "Grüße")
		}
		words = append(words, word)
	}
	return words
}

func (g *rig) send(ctx context.Context, digits string) (backstop.Submission, error) {
	return g.client.SendSMS(ctx, backstop.SMSMessage{
		Ref: providertest.Ref, To: "+49151000000" + digits, SendID: "Backstop", Text: "Grüße & 4711 Жук", ValidFor: 10 * time.Minute,
	})
}

// gateways are what each simulated gateway answers: to wrong credentials, to a number that it does not reach (scenario 13), to a
// number whose owner wants no messages (23), and the report of a failed message (14).
var gateways = map[string]struct {
	credentials, unreachable, stopped, failed string

	noRef bool // its receipts have no reference
}{
	"kannel":         {"rejected account ", "rejected recipient ", "rejected recipient ", "failed  ", false},
	"jasmin":         {"rejected account ", "rejected recipient ", "rejected recipient ", "failed  ", false},
	"capcom6":        {"rejected account ", "rejected  ", "rejected  ", "failed  ", false},
	"httpsms":        {"rejected account ", "rejected  ", "rejected  ", "failed  ", false},
	"46elks":         {"rejected account ", "rejected  ", "rejected  ", "failed  ", false},
	"sinch":          {"rejected account ", "rejected  sinch.syntax_invalid_parameter_format", "rejected  sinch.syntax_invalid_parameter_format", "failed  sinch.402", false},
	"africastalking": {"rejected account ", "rejected recipient africastalking.403", "rejected opted_out africastalking.406", "failed  africastalking.DeliveryFailure", true},
	"telnyx":         {"rejected account telnyx.10009", "rejected  telnyx.40310", "rejected opted_out telnyx.40300", "failed  telnyx.40008", false},
}

func TestSandbox(t *testing.T) {
	t.Parallel()
	for recipe, want := range gateways {
		t.Run(recipe, func(t *testing.T) {
			t.Parallel()
			t.Run("delivered", func(t *testing.T) {
				t.Parallel()
				g := newRig(t, recipe, nil)
				submission, err := g.send(t.Context(), "01")
				require.NoError(t, err)
				require.NotEmpty(t, submission.MessageID)
				require.Equal(t, []string{"sent", "delivered"}, g.words(t, submission.MessageID, !want.noRef))
			})
			t.Run("failed", func(t *testing.T) {
				t.Parallel()
				g := newRig(t, recipe, nil)
				submission, err := g.send(t.Context(), "14")
				require.NoError(t, err)
				require.Equal(t, []string{"sent", want.failed}, g.words(t, submission.MessageID, !want.noRef))
			})
			t.Run("answer lost", func(t *testing.T) {
				t.Parallel()
				g := newRig(t, recipe, nil)
				_, err := g.send(t.Context(), "18")
				require.Equal(t, "unknown  ", outcome(err))
				require.Equal(t, []string{"sent", "delivered"}, g.words(t, "", !want.noRef))
			})
			for digits, refusal := range map[string]string{"13": want.unreachable, "23": want.stopped} {
				t.Run("refused "+digits, func(t *testing.T) {
					t.Parallel()
					_, err := newRig(t, recipe, nil).send(t.Context(), digits)
					require.Equal(t, refusal, outcome(err), "%v", err)
				})
			}
			t.Run("wrong credentials", func(t *testing.T) {
				t.Parallel()
				g := newRig(t, recipe, func(values map[string]string) { values["password"], values["token"] = "wrong", "wrong" })
				_, err := g.send(t.Context(), "01")
				require.Equal(t, want.credentials, outcome(err), "%v", err)
			})
			t.Run("revoked credentials", func(t *testing.T) {
				t.Parallel()
				g := newRig(t, recipe, nil)
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, g.address+"/outages/http", strings.NewReader(`{"kind":"account"}`))
				require.NoError(t, err)
				answer, err := new(http.Client).Do(r)
				require.NoError(t, err)
				require.NoError(t, answer.Body.Close())
				_, err = g.send(t.Context(), "01")
				require.Equal(t, want.credentials, outcome(err), "%v", err)
			})
		})
	}
}

// TestSandbox_repeat: a gateway that refuses a repeated id has the message from the first call.
func TestSandbox_repeat(t *testing.T) {
	t.Parallel()
	g := newRig(t, "capcom6", nil)
	require.True(t, g.client.RefusesRepeats())
	_, err := g.send(t.Context(), "18")
	require.Equal(t, "unknown  ", outcome(err))
	submission, err := g.send(t.Context(), "18")
	require.NoError(t, err)
	require.Equal(t, []string{"sent", "delivered"}, g.words(t, submission.MessageID, true))
	require.False(t, newRig(t, "sinch", nil).client.RefusesRepeats())
}

func outcome(err error) string {
	if err == nil {
		return ""
	}
	failure, ok := errors.AsType[*backstop.Failure](err)
	if !ok {
		return err.Error()
	}
	return fmt.Sprintf("%s %s %s", failure.Kind, failure.Class, failure.Code)
}
