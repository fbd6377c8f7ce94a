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
func (c *callRecorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "request cut short", http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if r.Method == http.MethodPost {
		c.recordCall(r, body, at)
	}
	c.currentProvider().ServeHTTP(w, r)
}

// currentProvider returns the handler that answers at present.
func (c *callRecorder) currentProvider() http.Handler {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.provider
}

// replaceProvider sets another handler and returns the previous one.
func (c *callRecorder) replaceProvider(provider http.Handler) http.Handler {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.provider
	c.provider = provider
	return before
}

func (c *callRecorder) recordCall(r *http.Request, body []byte, at time.Time) {
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
	c.mu.Lock()
	if _, again := c.calls[key]; !again {
		c.calls[key] = at
	}
	c.mu.Unlock()
	c.milestones.reach(key.milestone())
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
func (c *callRecorder) firstCall(channel backstop.Channel, send string) (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.calls[callKey{channel, send}]
	return at, ok
}
