package providertest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// Inbox is a server in the place of the API: it passes webhooks to an account and keeps the receipts. It is for tests of a driver
// against its simulated provider.
type Inbox struct {
	URL *url.URL // the address of the API as the provider sees it

	mu       sync.Mutex
	client   provider.Client
	receipts []backstop.Receipt
	errs     []error
}

// NewInbox starts an inbox. Connect gives it the account.
func NewInbox(t *testing.T) *Inbox {
	t.Helper()
	var in Inbox
	server := httptest.NewServer(&in)
	t.Cleanup(server.Close)
	var err error
	in.URL, err = url.Parse(server.URL)
	require.NoError(t, err)
	return &in
}

// Connect sets the account that reads the webhooks.
func (in *Inbox) Connect(client provider.Client) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.client = client
}

// ServeHTTP receives a webhook.
func (in *Inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	receipts, err := in.client.Receipts(r, body)
	in.receipts, in.errs = append(in.receipts, receipts...), append(in.errs, err)
	if answerer, ok := in.client.(provider.Answerer); ok {
		kind, answer := answerer.WebhookAnswer()
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(answer)
	}
}

// Words waits for n receipts of a message with Ref, and returns each as "status" or "status code". If id is empty, any message
// will do.
func (in *Inbox) Words(t *testing.T, n int, channel backstop.Channel, id string) []string {
	t.Helper()
	require.Eventually(t, func() bool {
		in.mu.Lock()
		defer in.mu.Unlock()
		return len(in.receipts) >= n
	}, 10*time.Second, 5*time.Millisecond)
	in.mu.Lock()
	defer in.mu.Unlock()
	require.NoError(t, errors.Join(in.errs...))
	words := []string{}
	for _, receipt := range in.receipts {
		require.Equal(t, channel, receipt.Channel)
		require.Equal(t, Ref, receipt.Ref)
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

// Outcome returns the error of a call as "kind class code retry-after", or nothing for an accepted call.
func Outcome(err error) string {
	if err == nil {
		return ""
	}
	failure, ok := errors.AsType[*backstop.Failure](err)
	if !ok {
		return err.Error()
	}
	return fmt.Sprintf("%s %s %s %v", failure.Kind, failure.Class, failure.Code, failure.RetryAfter)
}
