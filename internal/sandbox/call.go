package sandbox

import (
	"context"
	"net/http"
	"time"
)

// call is a valid request to send a message.
type call struct {
	message     Message // the log entry; its ID is the message id if the call is accepted
	plan        plan
	status      int                                   // the HTTP status of the answer if the call is accepted
	refuse      func(w http.ResponseWriter, f *fault) // writes the provider's error
	accept      func(w http.ResponseWriter)           // writes the provider's answer
	webhook     webhook                               // nil if the caller wants no webhooks
	retries     retryPolicy                           // the retries of failed webhooks; required with webhook
	expected    string                                // the body that the receiver of a webhook must answer with; empty: any
	changePosts func(posts []post) []post             // changes the posts of an accepted message; may be nil
}

// webhook makes the request of one post. The message was accepted at the time accepted.
type webhook func(ctx context.Context, p post, accepted time.Time) (*http.Request, error)

// runScenario answers the call and queues its webhooks, as its scenario says. It logs the call before it answers or posts
// anything, so a client that has an answer or a receipt finds the call in GET /messages.
func (s *Server) runScenario(w http.ResponseWriter, r *http.Request, c call) {
	if s.meetOutage(w, r, c) {
		return
	}
	key := recipient{channel: c.message.Channel, digits: digitsOf(c.message.To)}
	st := s.calls.next(c.plan, key, c.message.From)
	switch {
	case st.fault != nil:
		s.refuseCall(w, c.message, st.fault, c.refuse)
	case st.lost:
		c.message.ID = ""
		s.log.add(c.message)
		s.holdRequest(r)
	default:
		s.acceptCall(w, r, c, st)
	}
}

// refuseCall logs a refused call and answers it with a fault.
func (s *Server) refuseCall(w http.ResponseWriter, m Message, f *fault, write func(http.ResponseWriter, *fault)) {
	m.ID, m.Accepted = "", false
	m.Answer = Answer{Status: f.status, Code: f.code}
	s.log.add(m)
	if f.retryAfter != "" {
		w.Header().Set("Retry-After", f.retryAfter)
	}
	write(w, f)
}

// acceptCall logs an accepted call, queues its webhooks and answers it.
func (s *Server) acceptCall(w http.ResponseWriter, r *http.Request, c call, st step) {
	c.message.Accepted = true
	if c.changePosts != nil {
		st.posts = c.changePosts(st.posts)
	}
	if st.answer != answerNever {
		c.message.Answer.Status = c.status
	}
	s.log.add(c.message)
	posted := s.webhooks.queuePosts(c, st.posts)
	switch st.answer {
	case answerNever:
		s.holdRequest(r)
		return
	case answerAfterReceipts:
		s.awaitPosts(r, posted)
	case answerLate:
		s.delayAnswer(r, scaleDelay(lateAnswerAfter, s.speed))
	case answerAtOnce:
	}
	c.accept(w)
}

// holdRequest waits until the client disconnects or the sandbox stops, and then aborts the connection. Returning instead
// would answer with an empty 200.
func (s *Server) holdRequest(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.stopped:
	}
	panic(http.ErrAbortHandler)
}

// delayAnswer waits for d. It aborts the connection if the client disconnects or the sandbox stops, as holdRequest does.
func (s *Server) delayAnswer(r *http.Request, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return
	case <-r.Context().Done():
	case <-s.stopped:
	}
	panic(http.ErrAbortHandler)
}

// awaitPosts waits until each receipt was posted once, with or without success. It waits for at most 1 s (longer at a speed
// below 1), so a webhook that hangs does not block the answer.
func (s *Server) awaitPosts(r *http.Request, posted <-chan struct{}) {
	limit := time.NewTimer(max(earlyAnswerLimit, scaleDelay(earlyAnswerLimit, s.speed)))
	defer limit.Stop()
	select {
	case <-posted:
	case <-limit.C:
	case <-r.Context().Done():
	case <-s.stopped:
	}
}
