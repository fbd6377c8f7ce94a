package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/backstophq/backstop"
)

// callRecorder is the handler of the simulated providers. It records the time of the first call for each send and channel.
type callRecorder struct {
	milestones *milestones

	mu       sync.Mutex
	provider http.Handler
	calls    map[callKey]time.Time
}

// callKey names the first call for a send on a channel.
type callKey struct {
	channel backstop.Channel
	send    string
}

func newCallRecorder(provider http.Handler) *callRecorder {
	return &callRecorder{provider: provider, milestones: newMilestones(), calls: map[callKey]time.Time{}}
}

// ServeHTTP implements http.Handler.
func (t *callRecorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "cut short", http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if r.Method == http.MethodPost {
		t.recordCall(r, body, at)
	}
	t.currentProvider().ServeHTTP(w, r)
}

// currentProvider returns the handler that answers at present.
func (t *callRecorder) currentProvider() http.Handler {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.provider
}

// replaceProvider sets another handler and returns the previous one.
func (t *callRecorder) replaceProvider(provider http.Handler) http.Handler {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.provider
	t.provider = provider
	return before
}

func (t *callRecorder) recordCall(r *http.Request, body []byte, at time.Time) {
	channel, text := backstop.WhatsApp, ""
	if strings.HasSuffix(r.URL.Path, "/Messages.json") {
		channel, text = backstop.SMS, twilioRef(body)
	} else {
		var m struct {
			Ref string `json:"biz_opaque_callback_data"`
		}
		if json.Unmarshal(body, &m) == nil {
			text = m.Ref
		}
	}
	ref, err := backstop.ParseRef(text)
	if err != nil {
		return // not a call for a send
	}
	key := callKey{channel, ref.Send}
	t.mu.Lock()
	if _, again := t.calls[key]; !again {
		t.calls[key] = at
	}
	t.mu.Unlock()
	t.milestones.reach(key.milestone())
}

func (k callKey) milestone() string { return string(k.channel) + " " + k.send }

// twilioRef returns the ref in the StatusCallback of a message.
func twilioRef(body []byte) string {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return ""
	}
	callback, err := url.Parse(form.Get("StatusCallback"))
	if err != nil {
		return ""
	}
	return callback.Query().Get("ref")
}

// firstCall returns the time of the first call for a send on a channel, or false if there was none.
func (t *callRecorder) firstCall(channel backstop.Channel, send string) (time.Time, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, ok := t.calls[callKey{channel, send}]
	return at, ok
}
