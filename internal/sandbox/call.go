package sandbox

import (
	"context"
	"net/http"
	"time"
)

// call is a valid request to send, ready to meet its scenario.
type call struct {
	message     Message // what is recorded; the id is that of the message if it is accepted
	plan        plan
	status      int                                   // of the answer when accepted
	refuse      func(w http.ResponseWriter, f *fault) // writes the provider's error
	accept      func(w http.ResponseWriter)           // writes the provider's answer
	webhook     webhook                               // nil when none are wanted
	retries     retryPolicy                           // of webhooks that fail; required with webhook
	changePosts func(posts []post) []post             // changes the posts of an accepted message; may be nil
}

// webhook builds the request of one post of a message that was accepted at that time.
type webhook func(ctx context.Context, p post, accepted time.Time) (*http.Request, error)

// play lets the call meet its scenario. It is recorded before anything is answered or posted, so that whoever saw an
// answer or a receipt finds the call in GET /messages.
func (s *Server) runScenario(w http.ResponseWriter, r *http.Request, c call) {
	key := recipient{channel: c.message.Channel, digits: digitsOf(c.message.To)}
	st := s.calls.next(c.plan, key, c.message.From)
	switch {
	case st.fault != nil:
		s.refuse(w, c.message, st.fault, c.refuse)
	case st.lost:
		c.message.ID = ""
		s.log.add(c.message)
		s.holdRequest(r)
	default:
		s.accept(w, r, c, st)
	}
}

func (s *Server) refuse(w http.ResponseWriter, m Message, f *fault, write func(http.ResponseWriter, *fault)) {
	m.ID, m.Accepted = "", false
	m.Answer = Answer{Status: f.status, Code: f.code}
	s.log.add(m)
	if f.retryAfter != "" {
		w.Header().Set("Retry-After", f.retryAfter)
	}
	write(w, f)
}

func (s *Server) accept(w http.ResponseWriter, r *http.Request, c call, st step) {
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

// hold keeps a request unanswered until its client goes away. A shutdown cuts the connection: returning would answer
// with an empty 200.
func (s *Server) holdRequest(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.stopped:
	}
	panic(http.ErrAbortHandler)
}

// pause delays a request by d. It cuts the connection if the sandbox stops or the client goes away, as hold does.
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

// await waits until the receipts were posted once, however they were received, and at most a second (longer at a speed
// below 1): a webhook that hangs must not swallow the answer.
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
