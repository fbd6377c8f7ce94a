package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Bounds of a page (twilio_api_v2010, ListMessage).
const (
	defaultPageSize = 50
	maxPageSize     = 1000
)

// twilioMessage is an accepted message with its receipts.
type twilioMessage struct {
	form    twilioForm
	id      string
	created time.Time
	posts   []post
}

// twilioMessages stores the newest accepted messages, for Twilio's GET endpoints.
type twilioMessages struct {
	mu    sync.Mutex
	limit int
	list  []twilioMessage // oldest first
}

func newTwilioMessages(limit int) *twilioMessages { return &twilioMessages{limit: limit} }

func (t *twilioMessages) add(m twilioMessage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.list) >= t.limit {
		t.list = t.list[1:]
	}
	t.list = append(t.list, m)
}

func (t *twilioMessages) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list = nil
}

// filter returns the messages for which keep is true, newest first.
func (t *twilioMessages) filter(keep func(twilioMessage) bool) []twilioMessage {
	t.mu.Lock()
	defer t.mu.Unlock()
	var found []twilioMessage
	for _, m := range slices.Backward(t.list) {
		if keep(m) {
			found = append(found, m)
		}
	}
	return found
}

// keepTwilio stores an accepted message and returns its posts. If the validity period ends before the message is sent, the
// message fails.
func (s *Server) keepTwilio(form twilioForm, m Message, posts []post) []post {
	if seconds, err := strconv.Atoi(form.validity); err == nil {
		posts = applyValidity(posts, time.Duration(seconds)*time.Second, s.speed)
	}
	s.smsMessages.add(twilioMessage{form: form, id: m.ID, created: m.Time, posts: posts})
	return posts
}

// getTwilio answers with one message.
func (s *Server) getTwilio(w http.ResponseWriter, r *http.Request) {
	if f := s.authenticateTwilio(r); f != nil {
		refuseTwilio(w, f)
		return
	}
	id, isJSON := strings.CutSuffix(r.PathValue("message"), ".json") // without the suffix Twilio answers with XML
	found := s.smsMessages.filter(func(m twilioMessage) bool { return isJSON && m.id == id })
	if len(found) == 0 {
		refuseTwilio(w, notFound(r))
		return
	}
	writeJSON(w, http.StatusOK, s.messageResource(found[0], time.Now()))
}

func notFound(r *http.Request) *fault {
	return &fault{
		status: http.StatusNotFound, code: 20404, title: "The requested resource " + r.URL.Path + " was not found",
	}
}

// listTwilio answers with a page of the messages that match To, From and DateSent, newest first. A message that is not sent
// yet has no DateSent, and a filter by DateSent excludes it. The manual does not describe this case.
func (s *Server) listTwilio(w http.ResponseWriter, r *http.Request) {
	if f := s.authenticateTwilio(r); f != nil {
		refuseTwilio(w, f)
		return
	}
	query, now := r.URL.Query(), time.Now()
	size := min(positiveOr(query.Get("PageSize"), defaultPageSize), maxPageSize)
	page := positiveOr(query.Get("Page"), 0)
	found := s.smsMessages.filter(func(m twilioMessage) bool { return s.matchesFilters(m, query, now) })
	start := min(page*size, len(found))
	end := min(start+size, len(found))
	resources := []map[string]any{}
	for _, m := range found[start:end] {
		resources = append(resources, s.messageResource(m, now))
	}
	answer := map[string]any{
		"messages": resources, "page": page, "page_size": size, "start": start, "end": max(end-1, 0),
		"uri": r.URL.RequestURI(), "first_page_uri": pageURI(r.URL, size, 0, ""), "next_page_uri": nil, "previous_page_uri": nil,
	}
	if end < len(found) {
		answer["next_page_uri"] = pageURI(r.URL, size, page+1, "PA"+found[end-1].id)
	}
	if page > 0 {
		answer["previous_page_uri"] = pageURI(r.URL, size, page-1, "PB"+found[max(start-1, 0)].id)
	}
	writeJSON(w, http.StatusOK, answer)
}

func pageURI(u *url.URL, size, page int, token string) string {
	query := u.Query()
	query.Set("PageSize", strconv.Itoa(size))
	query.Set("Page", strconv.Itoa(page))
	query.Del("PageToken")
	if token != "" {
		query.Set("PageToken", token)
	}
	return u.Path + "?" + query.Encode()
}

// positiveOr parses a positive number. It returns otherwise if the text is none.
func positiveOr(text string, otherwise int) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return otherwise
	}
	return n
}

// matchesFilters reports whether a message matches the filters of a list. Days are in GMT.
func (s *Server) matchesFilters(m twilioMessage, query url.Values, now time.Time) bool {
	if to := query.Get("To"); to != "" && to != m.form.to {
		return false
	}
	if from := query.Get("From"); from != "" && from != s.senderOf(m) {
		return false
	}
	for name, fits := range map[string]func(day, bound string) bool{
		"DateSent":  func(day, bound string) bool { return day == bound },
		"DateSent<": func(day, bound string) bool { return day <= bound },
		"DateSent>": func(day, bound string) bool { return day >= bound },
	} {
		if !query.Has(name) {
			continue
		}
		sent := s.stateAt(m, now).sent
		if sent.IsZero() || !fits(sent.UTC().Format(time.DateOnly), query.Get(name)) {
			return false
		}
	}
	return true
}

// senderOf returns the From of a message. If the request had none, the messaging service has chosen it.
func (s *Server) senderOf(m twilioMessage) string {
	return withDefault(m.form.from, poolNumber)
}

// twilioState is the state of a message at one point in time.
type twilioState struct {
	status  string
	sent    time.Time // zero if it is not sent yet
	updated time.Time
	fault   *fault
}

// stateAt returns the state of a message after all receipts that are due at now.
func (s *Server) stateAt(m twilioMessage, now time.Time) twilioState {
	state := twilioState{status: "queued", updated: m.created}
	if m.form.service != "" {
		state.status = "accepted"
	}
	for _, p := range m.posts {
		for _, r := range p.receipts {
			at := m.created.Add(scaleDelay(r.at, s.speed))
			if at.After(now) {
				continue
			}
			state.status, state.updated, state.fault = r.status, at, r.fault
			if r.status == statusSent {
				state.sent = at
			}
		}
	}
	return state
}

// messageResource returns the JSON of a message, as in the examples of the API description (twilio_api_v2010). A messaging
// service chooses the sender when it sends the message. Before that, the message has no sender and no number of segments.
func (s *Server) messageResource(m twilioMessage, now time.Time) map[string]any {
	state := s.stateAt(m, now)
	path := "/" + twilioVersion + "/Accounts/" + s.twilio.AccountSID + "/Messages/" + m.id
	rfc2822 := func(t time.Time) any {
		if t.IsZero() {
			return nil
		}
		return t.UTC().Format(time.RFC1123Z)
	}
	resource := map[string]any{
		"account_sid": s.twilio.AccountSID, "api_version": twilioVersion, "sid": m.id, "uri": path + ".json",
		"to": m.form.to, "from": s.senderOf(m), "messaging_service_sid": nil, "body": m.form.body,
		"status": state.status, "direction": "outbound-api", "num_media": "0",
		"num_segments": strconv.Itoa(countSegments(m.form.body)),
		"date_created": rfc2822(m.created), "date_updated": rfc2822(state.updated), "date_sent": rfc2822(state.sent),
		"price": nil, "price_unit": "USD", "error_code": nil, "error_message": nil,
		"subresource_uris": map[string]string{"media": path + "/Media.json"},
	}
	if m.form.service != "" {
		resource["messaging_service_sid"] = m.form.service
		if state.sent.IsZero() {
			resource["num_segments"] = "0"
			if m.form.from == "" {
				resource["from"] = nil
			}
		}
	}
	if state.fault != nil {
		resource["error_code"], resource["error_message"] = state.fault.code, state.fault.title
	}
	return resource
}
