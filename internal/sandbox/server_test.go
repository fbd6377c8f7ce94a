package sandbox_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/sandbox"
)

func TestNew_Problems(t *testing.T) {
	t.Parallel()
	_, err := sandbox.New(sandbox.Options{Meta: sandbox.Meta{WebhookURL: "backstop:8080/x"}, MaxMessages: -1})
	for _, want := range []string{
		"Meta.AccessToken is empty", "Meta.AppSecret is empty", "Meta.PhoneNumberID is empty", "Meta.VerifyToken is empty",
		"Meta.WebhookURL is not", "Twilio.AccountSID is empty", "Twilio.AuthToken is empty", "Speed is 0", "MaxMessages is -1",
	} {
		require.ErrorContains(t, err, want)
	}
	for _, speed := range []float64{0, -1, math.NaN(), math.Inf(-1), 0.0001} {
		opts := options()
		opts.Speed = speed
		_, err := sandbox.New(opts)
		require.ErrorContains(t, err, "Speed")
	}
}

func TestNew_WithoutWebhooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rc := newReceiver()
		opts := options()
		opts.Meta.WebhookURL, opts.Meta.AppSecret, opts.Meta.VerifyToken = "", "", ""
		opts.HTTP = &http.Client{Transport: rc}
		s := newServer(t, opts)
		require.Equal(t, http.StatusOK, send(t, s, "whatsapp", recipient+"01").status)
		require.Equal(t, http.StatusOK, send(t, s, "whatsapp", recipient+"17").status)
		time.Sleep(time.Minute)
		require.Zero(t, rc.posts())
		require.ErrorContains(t, s.Verify(t.Context()), "WebhookURL is empty")
	})
}

func TestServer_Verify(t *testing.T) {
	t.Parallel()
	reply := func(kind, before string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			if r.Method != http.MethodGet || q.Get("hub.mode") != "subscribe" || q.Get("hub.verify_token") != verifyToken || q.Get("key") != "1" {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			w.Header().Set("Content-Type", kind)
			_, _ = io.WriteString(w, before+q.Get("hub.challenge"))
		}
	}
	cases := map[string]struct {
		handler http.HandlerFunc
		token   string
		want    string
	}{
		"good":               {reply("text/plain; charset=utf-8", ""), verifyToken, ""},
		"wrong token":        {reply("text/plain", ""), "other", "HTTP 403"},
		"other text":         {reply("text/plain", "x"), verifyToken, "not the challenge"},
		"JSON":               {reply("application/json", ""), verifyToken, "want text/plain"},
		"empty":              {func(http.ResponseWriter, *http.Request) {}, verifyToken, "want text/plain"},
		"redirect elsewhere": {http.RedirectHandler("/elsewhere", http.StatusFound).ServeHTTP, verifyToken, "HTTP 302"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hook := httptest.NewServer(tc.handler)
			t.Cleanup(hook.Close)
			opts := options()
			opts.Meta.WebhookURL, opts.Meta.VerifyToken = hook.URL+"/webhooks/meta?key=1", tc.token
			err := newServer(t, opts).Verify(t.Context())
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tc.want)
		})
	}
	t.Run("no connection, and no token in the error", func(t *testing.T) {
		t.Parallel()
		hook := httptest.NewServer(http.NotFoundHandler())
		hook.Close()
		opts := options()
		opts.Meta.WebhookURL = hook.URL
		err := newServer(t, opts).Verify(t.Context())
		require.Error(t, err)
		require.NotContains(t, err.Error(), verifyToken)
	})
}

// synctest fails a test if one of its goroutines is still running at the end.
func TestServer_Shutdown(t *testing.T) {
	t.Parallel()
	t.Run("drops what is due, and cuts what is held", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s, rc := bubble(t)
			send(t, s, "whatsapp", recipient+"12")
			held := make(chan answer)
			go func() { held <- serve(s, metaRequest(t.Context(), "", textBody(recipient+"09", ""))) }()
			synctest.Wait()
			require.NoError(t, s.Shutdown(t.Context()))
			require.Zero(t, (<-held).status)
			time.Sleep(time.Hour)
			require.Empty(t, rc.lines())
			require.NoError(t, s.Shutdown(t.Context()), "twice")
		})
	})
	t.Run("cancels a webhook under way", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			opts := options()
			opts.HTTP = &http.Client{Transport: hanging{}}
			s := newServer(t, opts)
			send(t, s, "whatsapp", recipient+"01")
			synctest.Wait()
			begin := time.Now()
			require.NoError(t, s.Shutdown(t.Context()))
			require.Zero(t, time.Since(begin))
		})
	})
	t.Run("ends with its context", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			stuck := make(chan struct{})
			opts := options()
			opts.HTTP = &http.Client{Transport: ignoringContext(stuck)}
			s := newServer(t, opts)
			send(t, s, "whatsapp", recipient+"01")
			synctest.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			require.ErrorIs(t, s.Shutdown(ctx), context.DeadlineExceeded)
			close(stuck)
		})
	})
}

// ignoringContext is a network that ignores the end of a request's context.
type ignoringContext chan struct{}

func (d ignoringContext) RoundTrip(r *http.Request) (*http.Response, error) {
	<-d
	return nil, r.Context().Err()
}

// serveLive starts a sandbox and a receiver with real connections on the loopback.
func serveLive(t *testing.T, client *http.Client) (*httptest.Server, *sandbox.Server, *receiver) {
	t.Helper()
	rc := newReceiver()
	hook := httptest.NewServer(rc)
	t.Cleanup(hook.Close)
	opts := options()
	opts.Meta.WebhookURL, opts.HTTP = hook.URL+"/webhooks/meta", client
	s := newServer(t, opts)
	api := httptest.NewServer(s)
	t.Cleanup(api.Close)
	t.Cleanup(func() { require.NoError(t, s.Shutdown(context.Background())) }) // runs first, because it ends the open requests
	return api, s, rc
}

func TestServer_Live(t *testing.T) {
	t.Parallel()
	t.Run("the connection stays open until the client disconnects", func(t *testing.T) {
		t.Parallel()
		api, s, rc := serveLive(t, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		_, err := api.Client().Do(metaRequest(ctx, api.URL, textBody(recipient+"09", "42"))) //nolint:bodyclose // there is none
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Eventually(t, func() bool { return len(rc.statuses()) == 3 }, 30*time.Second, time.Millisecond)
		require.True(t, messages(t, s, "")[0].Accepted)
		rc.requireNoFaults(t)
	})
	t.Run("a shutdown cuts the connection without an answer", func(t *testing.T) {
		t.Parallel()
		api, s, _ := serveLive(t, nil)
		result := make(chan error, 1)
		go func() {
			_, err := api.Client().Do(metaRequest(t.Context(), api.URL, textBody(recipient+"10", "42"))) //nolint:bodyclose // there is none
			result <- err
		}()
		require.Eventually(t, func() bool { return len(messages(t, s, "")) == 1 }, 30*time.Second, time.Millisecond)
		require.NoError(t, s.Shutdown(t.Context()))
		require.ErrorContains(t, <-result, "EOF")
	})
	t.Run("an SMS", func(t *testing.T) {
		t.Parallel()
		api, _, rc := serveLive(t, nil)
		hook := httptest.NewServer(rc)
		t.Cleanup(hook.Close)
		form := smsForm(recipient+"01", "Backstop")
		form.Set("StatusCallback", hook.URL+"/webhooks/twilio?send=42")
		res, err := api.Client().Do(twilioRequest(t.Context(), api.URL, form))
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Eventually(t, func() bool { return len(rc.statuses()) == 2 }, 30*time.Second, time.Millisecond)
		rc.requireNoFaults(t)
	})
}

func TestServer_Load(t *testing.T) {
	t.Parallel()
	const senders, each = 16, 50
	var now, most atomic.Int64
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	api, s, rc := serveLive(t, &http.Client{Transport: counting{transport, &now, &most}})
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
	t.Cleanup(client.CloseIdleConnections)

	var wg sync.WaitGroup
	var bad atomic.Int64
	for i := range senders {
		wg.Go(func() {
			for n := range each {
				res, err := client.Do(metaRequest(t.Context(), api.URL, textBody(fmt.Sprintf("49%05d%05d01", i, n), "42")))
				if err != nil || res.StatusCode != http.StatusOK {
					bad.Add(1)
					continue
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
		})
	}
	wg.Wait()
	require.Zero(t, bad.Load())
	require.Eventually(t, func() bool { return len(rc.statuses()) == 3*senders*each }, 30*time.Second, 10*time.Millisecond)
	rc.requireNoFaults(t)
	require.Len(t, messages(t, s, ""), senders*each)
	require.LessOrEqual(t, most.Load(), int64(64), "webhooks at once")

	order := map[string][]string{}
	for _, st := range rc.statuses() {
		order[st.ID] = append(order[st.ID], st.Name)
	}
	for _, names := range order {
		require.Equal(t, []string{"sent", "delivered", "read"}, names)
	}
}

// counting counts the requests in flight.
type counting struct {
	http.RoundTripper

	now, most *atomic.Int64
}

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	n := c.now.Add(1)
	defer c.now.Add(-1)
	most := c.most.Load()
	for n > most && !c.most.CompareAndSwap(most, n) {
		most = c.most.Load()
	}
	return c.RoundTripper.RoundTrip(r)
}

func TestServer_LogsNoSecrets(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		rc := newReceiver()
		rc.answer = func(int) int { return http.StatusServiceUnavailable }
		opts := options()
		opts.HTTP = &http.Client{Transport: rc}
		opts.Logger = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
		s := newServer(t, opts)
		send(t, s, "whatsapp", recipient+"01")
		send(t, s, "sms", recipient+"01")
		time.Sleep(time.Hour)
	})
	require.Contains(t, out.String(), "webhook failed and is dropped")
	for _, secret := range []string{accessToken, appSecret, verifyToken, authToken, "15100000001", "webhooks/twilio"} {
		require.NotContains(t, out.String(), secret)
	}
}
