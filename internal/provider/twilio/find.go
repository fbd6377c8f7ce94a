package twilio

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// How much of a list is read: the newest 1000 messages to one recipient. A page of 100 of the longest texts has about
// 1.3 MB.
const (
	pageSize = 100
	maxPages = 10
)

// codeNotFound is Twilio's code for a resource that is not there.
const codeNotFound = "20404"

// Find says what became of a message, or nil if Twilio surely has no such message as of now. Every error is a
// *backstop.Failure: Unavailable and Throttled are worth another question later, Rejected wants an operator, and Unknown
// means that Twilio's word does not tell, now or later.
//
// Without a MessageID it lists what was sent to the recipient and looks for the one message of the sender with this text
// that was made between Since and Until. It never guesses: two such messages are Unknown, and so is a message of that time
// that differs in the text alone (a trial account puts words before it, a messaging service may shorten links) or in the
// sender alone. The id may be that of another send with the same text to the same recipient, whose call was not lost: the
// caller must look whether it knows the id.
//
// Twilio does not promise when a message that was just made is in the list. The caller asks some time after the call, and
// takes nil for "none as of now".
func (c *Client) Find(ctx context.Context, q backstop.Inquiry) (*backstop.Found, error) {
	if q.MessageID != "" {
		return c.fetch(ctx, q.MessageID)
	}
	var s search
	page := url.Values{"To": {q.To}, "PageSize": {strconv.Itoa(pageSize)}}
	for range maxPages {
		messages, next, err := c.list(ctx, page)
		if err != nil {
			return nil, err
		}
		s.sift(q, messages)
		if next == nil {
			return c.verdictOf(s)
		}
		page = next
	}
	return nil, undecided("the recipient has more messages than are looked through")
}

func (c *Client) fetch(ctx context.Context, id string) (*backstop.Found, error) {
	answer, err := c.poster.Get(ctx, c.message+url.PathEscape(id)+".json", c.header)
	if err != nil {
		return nil, err
	}
	if !answer.Accepted() {
		refusal := readRefusal(answer.Body)
		if answer.Status == http.StatusNotFound && refusal != nil && refusal.Code == codeNotFound {
			return nil, nil //nolint:nilnil // Twilio's word: there is none
		}
		return nil, c.unanswered(answer, refusal)
	}
	var m message
	if decode(answer.Body, &m) != nil || m.SID != id || m.Status == "" {
		return nil, unreadable()
	}
	return c.found(m), nil
}

// list returns one page of messages, and the query of the next page or nil.
//
// There is no filter but the recipient. The list can be bounded by the day on which a message was sent, but one that waits in
// the queue has not been sent, and the manual does not say on which day it is then; a sender that is no number may be
// written in another way. A message that is missed here may be sent twice.
func (c *Client) list(ctx context.Context, query url.Values) ([]message, url.Values, error) {
	answer, err := c.poster.Get(ctx, c.messages+"?"+query.Encode(), c.header)
	if err != nil {
		return nil, nil, err
	}
	if !answer.Accepted() {
		return nil, nil, c.unanswered(answer, readRefusal(answer.Body))
	}
	var page struct {
		Messages *[]message `json:"messages"`
		Next     string     `json:"next_page_uri"` // a path with a query, null on the last page
	}
	if decode(answer.Body, &page) != nil || page.Messages == nil {
		return nil, nil, unreadable()
	}
	if page.Next == "" {
		return *page.Messages, nil, nil
	}
	// Only the query counts: the credentials go to the address that is configured.
	next, err := url.Parse(page.Next)
	if err != nil || next.RawQuery == "" {
		return nil, nil, unreadable()
	}
	return *page.Messages, next.Query(), nil
}

// search is what was found so far.
type search struct {
	matches []message
	doubts  int // messages that may be the one
}

// sift adds what may be the message of the inquiry.
func (s *search) sift(q backstop.Inquiry, messages []message) {
	for _, m := range messages {
		made := m.created()
		elsewhen := !made.IsZero() && (made.Before(q.Since.Truncate(time.Second)) || made.After(q.Until))
		if elsewhen || strings.HasPrefix(m.Direction, "inbound") {
			continue
		}
		sender, text := m.sentBy(q.SendID), m.Body == q.Text
		switch {
		case sender && text && !made.IsZero() && m.Status != "" && provider.ValidMessageID(m.SID):
			if !slices.ContainsFunc(s.matches, func(known message) bool { return known.SID == m.SID }) { // pages move
				s.matches = append(s.matches, m)
			}
		case sender || text:
			s.doubts++
		}
	}
}

func (c *Client) verdictOf(s search) (*backstop.Found, error) {
	switch {
	case len(s.matches) == 1:
		return c.found(s.matches[0]), nil
	case len(s.matches) > 1:
		return nil, undecided("several messages have this sender, text and time")
	case s.doubts > 0:
		return nil, undecided("a message of this time has another text or sender")
	default:
		return nil, nil //nolint:nilnil // Twilio's word: there is none
	}
}

// unanswered is the failure for an answer that is none to the question. A question sends nothing, so what is no refusal is
// worth another try.
func (c *Client) unanswered(a provider.Answer, refusal *provider.Refusal) *backstop.Failure {
	failure := c.poster.Refused(a, refusal)
	if failure.Kind == backstop.Unknown {
		failure.Kind = backstop.Unavailable
	}
	return failure
}

func unreadable() *backstop.Failure {
	return &backstop.Failure{Kind: backstop.Unavailable, Reason: "the answer is not readable"}
}

func undecided(reason string) *backstop.Failure {
	return &backstop.Failure{Kind: backstop.Unknown, Reason: reason}
}
