package main

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/client"
	"github.com/backstophq/backstop/internal/callbacks"
	"github.com/backstophq/backstop/internal/demo"
)

const callbackSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" // the example of the specification

// receivedCallback is a POST that reached the receiver.
type receivedCallback struct {
	id, send, event string
	seq, revision   int
	at              time.Time
	status          int
}

// callbackReceiver is a receiver of callbacks that fails, sleeps, and can be killed. It keeps what it has received.
type callbackReceiver struct {
	t       *testing.T
	address string
	fails   func(post int, id string) (status int, sleep time.Duration)

	mu     sync.Mutex
	server *http.Server
	posts  []receivedCallback
	wrong  []error
}

func newCallbackReceiver(t *testing.T, fails func(int, string) (int, time.Duration)) *callbackReceiver {
	t.Helper()
	r := &callbackReceiver{t: t, fails: fails, address: "127.0.0.1:0"}
	r.start()
	t.Cleanup(r.kill)
	return r
}

func (r *callbackReceiver) url() string { return "http://" + r.address + "/hook" }

// start listens, on the former port after a kill.
func (r *callbackReceiver) start() {
	r.t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(r.t.Context(), "tcp", r.address)
	if err != nil {
		r.t.Errorf("listen again: %v", err) // not from the goroutine of the test
		return
	}
	r.address = listener.Addr().String()
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: time.Second}
	go func(server *http.Server) { _ = server.Serve(listener) }(r.server) // until the receiver is killed
}

// kill closes the listener and all connections, also those of requests in progress.
func (r *callbackReceiver) kill() { _ = r.server.Close() }

func (r *callbackReceiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return // the receiver was killed
	}
	secret, _ := callbacks.ParseSecret(callbackSecret)
	var content struct {
		Type string `json:"type"`
		Data struct {
			Seq      int         `json:"seq"`
			Revision int         `json:"revision"`
			Send     client.Send `json:"send"`
		} `json:"data"`
	}
	err = callbacks.Verify(request.Header, body, []callbacks.Secret{secret}, time.Now())
	if err == nil {
		err = json.Unmarshal(body, &content)
	}
	post := receivedCallback{
		id: request.Header.Get("Webhook-Id"), send: content.Data.Send.ID, event: content.Type, seq: content.Data.Seq,
		revision: content.Data.Revision, at: time.Now(),
	}
	r.mu.Lock()
	if err != nil {
		r.wrong = append(r.wrong, err)
	}
	n := 0
	for _, p := range r.posts {
		if p.id == post.id {
			n++
		}
	}
	var sleep time.Duration
	post.status, sleep = r.fails(n, post.id)
	r.posts = append(r.posts, post)
	r.mu.Unlock()
	time.Sleep(sleep)
	w.WriteHeader(post.status)
}

// of returns the POSTs of a send, in the order in which they came.
func (r *callbackReceiver) of(send string) (posts []receivedCallback) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.posts {
		if p.send == send {
			posts = append(posts, p)
		}
	}
	return posts
}

// newCallbackRig returns a program whose sends are called back at a receiver by default.
func newCallbackRig(t *testing.T, receiver *callbackReceiver) *rig {
	t.Helper()
	return newRig(t, map[string]string{
		"BACKSTOP_CALLBACK_URL": receiver.url(), "BACKSTOP_CALLBACK_SECRETS": callbackSecret,
		"BACKSTOP_CALLBACK_ALLOW": "127.0.0.1", "BACKSTOP_CALLBACK_POSTS": "20", "BACKSTOP_SMS_RECEIPT_WAIT": "5s",
	})
}

// callbacksOf returns the callbacks of a send, oldest first.
func (r *rig) callbacksOf(send string) []client.Callback {
	r.t.Helper()
	limit := 200
	list, err := r.caller.API.ListCallbacksWithResponse(r.t.Context(), &client.ListCallbacksParams{Send: &send, Limit: &limit})
	require.NoError(r.t, err)
	require.NotNil(r.t, list.JSON200, string(list.Body))
	slices.Reverse(list.JSON200.Items)
	return list.JSON200.Items
}

// endedCallbacks waits until a send has ended and all its callbacks are delivered.
func (r *rig) endedCallbacks(send string) (list []client.Callback) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		list = r.callbacksOf(send)
		isOpen := func(c client.Callback) bool { return c.State != client.CallbackStateDelivered }
		isLast := func(c client.Callback) bool { return c.Event == client.CallbackEventFinished }
		return slices.ContainsFunc(list, isLast) && !slices.ContainsFunc(list, isOpen)
	}, 150*time.Second, 250*time.Millisecond, "the callbacks of %s are not delivered", send)
	return list
}

// TestCallbacks_crash: a receiver fails a third of the time, sleeps, and is killed twice, and the program is killed once. No
// callback is lost, each send's are in order, and none is repeated after its 2xx was stored.
func TestCallbacks_crash(t *testing.T) {
	t.Parallel()
	const atOnce = 8
	sends := 200
	if n, err := strconv.Atoi(os.Getenv("BACKSTOP_TEST_SENDS")); err == nil {
		sends = n // at most 1,000: their numbers have three digits
	}
	receiver := newCallbackReceiver(t, func(post int, id string) (int, time.Duration) {
		hash := fnv.New32()
		_, _ = fmt.Fprint(hash, post, id)
		switch n := hash.Sum32() % 30; {
		case n < 11 && post < 2: // the third try succeeds, so that the test ends in time
			return http.StatusServiceUnavailable, 0
		case n < 15:
			return http.StatusOK, 300 * time.Millisecond
		default:
			return http.StatusNoContent, 0
		}
	})
	r := newCallbackRig(t, receiver)
	policy, err := r.caller.EnsurePolicy(t.Context(), "Rejected", demo.Rule{Name: "Rejected", Type: client.RuleTypeUndelivered, SendID: "ACME"})
	require.NoError(t, err)
	outages := make(chan struct{})
	go func() {
		defer close(outages)
		for range 2 {
			time.Sleep(3 * time.Second)
			receiver.kill()
			time.Sleep(2 * time.Second)
			receiver.start()
		}
	}()
	ids := make([]string, sends)
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i := range sends {
		if i == sends*3/4 {
			require.NoError(t, group.Wait())
			r.kill()
			r.start()
		}
		to := fmt.Sprintf("+4474001%03d0%d", i, 2+i%2*2) // delivered by WhatsApp, or rejected and sent by SMS
		group.Go(func() error {
			ids[i] = r.send(to, policy, to)
			return nil
		})
	}
	require.NoError(t, group.Wait())
	<-outages
	var posts, failures int
	for _, send := range ids {
		list := r.endedCallbacks(send)
		shown, err := r.caller.Send(t.Context(), send)
		require.NoError(t, err)
		require.Equal(t, receiver.url(), shown.Callback.URL)
		require.GreaterOrEqual(t, len(list), 4, "accepted, submitted, a status, finished")
		require.Equal(t, client.CallbackEventAccepted, list[0].Event)
		newest := 0
		for _, p := range receiver.of(send) {
			require.GreaterOrEqual(t, p.seq, newest, "in order")
			require.GreaterOrEqual(t, p.revision, p.seq)
			newest = p.seq
			posts++
			i := slices.IndexFunc(list, func(c client.Callback) bool { return c.ID == p.id })
			require.GreaterOrEqual(t, i, 0)
			require.Equal(t, string(list[i].Event), p.event)
			require.False(t, p.at.After(*list[i].EndedAt), "posted again after its delivery was stored")
			if p.status >= 300 {
				failures++
			}
		}
		for _, c := range list {
			isDelivered := func(p receivedCallback) bool { return p.id == c.ID && p.status < 300 }
			require.True(t, slices.ContainsFunc(receiver.of(send), isDelivered), "%s of %s was not received", c.Event, send)
		}
	}
	require.Empty(t, receiver.wrong)
	require.Greater(t, failures, posts/5)
	t.Logf("%d sends, %d posts, %d of them failed", sends, posts, failures)
}

// TestCallbacks_replay: a 410 ends the callbacks of a send, a replay posts them again with their ids, and a send without callbacks
// has none.
func TestCallbacks_replay(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	status := http.StatusGone
	receiver := newCallbackReceiver(t, func(int, string) (int, time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		if status == http.StatusGone {
			return status, 2 * time.Second // all events of the send are queued meanwhile
		}
		return status, 0
	})
	r := newCallbackRig(t, receiver)
	policy, err := r.caller.EnsurePolicy(t.Context(), "Rejected", demo.Rule{Name: "Rejected", Type: client.RuleTypeUndelivered, SendID: "ACME"})
	require.NoError(t, err)
	send := r.send("+447400123402", policy, "one")
	var gone []client.Callback
	require.Eventually(t, func() bool {
		gone = r.callbacksOf(send)
		return len(gone) >= 4 && !slices.ContainsFunc(gone, func(c client.Callback) bool { return c.State != client.CallbackStateGone })
	}, 30*time.Second, 50*time.Millisecond)
	require.Len(t, receiver.of(send), 1)

	mu.Lock()
	status = http.StatusInternalServerError
	mu.Unlock()
	replayed, err := r.caller.API.ReplayCallbacksWithResponse(t.Context(), client.CallbackReplay{Send: &send})
	require.NoError(t, err)
	require.NotNil(t, replayed.JSON202, string(replayed.Body))
	require.Equal(t, len(gone), replayed.JSON202.Replayed)
	require.Eventually(t, func() bool { return len(receiver.of(send)) == 2 }, 20*time.Second, 50*time.Millisecond)

	mu.Lock()
	status = http.StatusOK
	mu.Unlock()
	_, err = r.caller.API.ReplayCallbackWithResponse(t.Context(), gone[0].ID) // it waits for its second try
	require.NoError(t, err)
	delivered := r.endedCallbacks(send)
	require.Len(t, receiver.of(send), len(gone)+2)
	require.Equal(t, gone[0].ID, delivered[0].ID)
	detail, err := r.caller.API.GetCallbackWithResponse(t.Context(), gone[0].ID)
	require.NoError(t, err)
	var statuses []int
	for _, try := range detail.JSON200.Tries {
		statuses = append(statuses, *try.Status)
	}
	require.Equal(t, []int{200, 500, 410}, statuses)
}

// TestCallbacks_slow: a receiver that does not answer takes its own places only. Another receiver gets its callbacks in time.
func TestCallbacks_slow(t *testing.T) {
	t.Parallel()
	const slowSends, fastSends = 40, 10
	slow := newCallbackReceiver(t, func(int, string) (int, time.Duration) { return http.StatusOK, time.Minute })
	fast := newCallbackReceiver(t, func(int, string) (int, time.Duration) { return http.StatusOK, 0 })
	r := newCallbackRig(t, fast)
	policy, err := r.caller.EnsurePolicy(t.Context(), "Rejected", demo.Rule{Name: "Rejected", Type: client.RuleTypeUndelivered, SendID: "ACME"})
	require.NoError(t, err)
	text := "Your code is 1234."
	for i := range slowSends {
		accepted, err := r.caller.API.CreateSendWithResponse(t.Context(), &client.CreateSendParams{}, client.SendInput{
			To: fmt.Sprintf("+4474002%03d02", i), Whatsapp: client.WhatsAppInput{Text: &text},
			Fallback: client.FallbackInput{PolicyID: &policy, Text: text}, Callback: &client.CallbackInput{URL: slow.url()},
		})
		require.NoError(t, err)
		require.NotNil(t, accepted.JSON202, string(accepted.Body))
	}
	count := func(r *callbackReceiver) int {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.posts)
	}
	require.Eventually(t, func() bool { return count(slow) == activities.DefaultPostsPerHost }, time.Minute, 50*time.Millisecond)
	began := time.Now()
	var sends []string
	for i := range fastSends {
		to := fmt.Sprintf("+4474003%03d02", i)
		sends = append(sends, r.send(to, policy, to))
	}
	for _, send := range sends {
		r.endedCallbacks(send)
	}
	require.Less(t, time.Since(began), activities.CallbackPostTimeout, "the slow receiver has not timed out yet")
	require.Equal(t, activities.DefaultPostsPerHost, count(slow))
}
