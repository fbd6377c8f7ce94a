package sandbox

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The values of Message.Provider and Message.Channel.
const (
	providerMeta    = "meta"
	providerTwilio  = "twilio"
	channelWhatsApp = "whatsapp"
	channelSMS      = "sms"
)

// Message is one call to send, as GET /messages lists it. Refused, throttled and unanswered calls are listed too.
type Message struct {
	Seq         uint64    `json:"seq"` // 1 for the first call, then 2 and so on
	Time        time.Time `json:"time"`
	Provider    string    `json:"provider"` // meta or twilio
	Channel     string    `json:"channel"`  // whatsapp or sms
	To          string    `json:"to"`       // + and the digits of the recipient
	From        string    `json:"from"`     // the phone number id (Meta); From or the messaging service (Twilio)
	Text        string    `json:"text,omitempty"`
	Template    string    `json:"template,omitempty"`
	ID          string    `json:"id,omitempty"`          // the provider's message id, if the call was accepted
	Correlation string    `json:"correlation,omitempty"` // biz_opaque_callback_data (Meta) or StatusCallback (Twilio)
	Scenario    string    `json:"scenario,omitempty"`    // the name of the scenario; empty if the request was invalid
	Accepted    bool      `json:"accepted"`
	Answer      Answer    `json:"answer"`
}

// Answer is the answer to a call.
type Answer struct {
	Status int `json:"status"`         // the HTTP status; 0 if there was no answer
	Code   int `json:"code,omitempty"` // the provider's error code
}

// messageLog stores the newest calls in a ring buffer.
type messageLog struct {
	mu    sync.Mutex
	limit int
	ring  []Message
	start int // the index of the oldest call if the ring is full
	seq   uint64
}

func newMessageLog(limit int) *messageLog {
	return &messageLog{limit: limit}
}

func (l *messageLog) add(m Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	m.Seq = l.seq
	if len(l.ring) < l.limit {
		l.ring = append(l.ring, m)
		return
	}
	l.ring[l.start] = m
	l.start = (l.start + 1) % l.limit
}

// list returns the first limit messages for which keep is true, oldest first. If limit is 0, it returns all of them.
func (l *messageLog) list(limit int, keep func(Message) bool) []Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := []Message{}
	for i := range l.ring {
		m := l.ring[(l.start+i)%len(l.ring)]
		if !keep(m) {
			continue
		}
		found = append(found, m)
		if len(found) == limit {
			break
		}
	}
	return found
}

func (l *messageLog) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ring, l.start = nil, 0
}

// listMessages answers with the calls that match ?to= (in any notation of the number), ?channel= and ?after= (a seq): at
// most ?limit= calls, oldest first.
func (s *Server) listMessages(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	limit, err := strconv.Atoi(withDefault(query.Get("limit"), "0"))
	if err != nil || limit < 0 {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "limit must be 0 (no limit) or a positive number"})
		return
	}
	after, err := strconv.ParseUint(withDefault(query.Get("after"), "0"), 10, 64)
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "after must be the seq of a message"})
		return
	}
	to, channel := internationalNumber(query.Get("to")), query.Get("channel")
	writeJSON(w, http.StatusOK, s.log.list(limit, func(m Message) bool {
		return m.Seq > after && (to == "" || m.To == to) && (channel == "" || m.Channel == channel)
	}))
}

func (s *Server) deleteMessages(w http.ResponseWriter, _ *http.Request) {
	s.log.clear()
	s.calls.clear()
	s.smsMessages.clear()
	w.WriteHeader(http.StatusNoContent)
}

// callCounter counts the calls per recipient and channel, for the plans whose steps depend on the count. It keeps at most
// limit recipients, and drops the oldest first.
type callCounter struct {
	mu        sync.Mutex
	limit     int
	histories map[recipient]*history
	order     []recipient // the oldest first
}

type recipient struct{ channel, digits string }

type history struct {
	calls   int
	senders []string
}

func newCallCounter(limit int) *callCounter {
	return &callCounter{limit: limit, histories: make(map[recipient]*history)}
}

// next counts a call and returns its step of the plan.
func (c *callCounter) next(p plan, key recipient, sender string) step {
	if !p.dependsOnCalls() {
		return p.stepFor(0)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	h, ok := c.histories[key]
	if !ok {
		h = c.addRecipient(key)
	}
	if p.bySender {
		place, senders := senderPlace(h.senders, sender)
		if len(senders) <= len(p.steps) { // all further senders have the last step
			h.senders = senders
		}
		return p.stepFor(place)
	}
	h.calls++
	return p.stepFor(h.calls - 1)
}

func (c *callCounter) addRecipient(key recipient) *history {
	if len(c.order) >= c.limit {
		delete(c.histories, c.order[0])
		c.order = c.order[1:]
	}
	h := &history{}
	c.histories[key] = h
	c.order = append(c.order, key)
	return h
}

func (c *callCounter) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.histories)
	c.order = nil
}

func digitsOf(number string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, number)
}

// internationalNumber returns + and the digits of a number, or "" if the number has no digits.
func internationalNumber(number string) string {
	if digits := digitsOf(number); digits != "" {
		return "+" + digits
	}
	return ""
}

func withDefault(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
