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

// A search reads the newest 1000 messages to one recipient. A page of 100 of the longest texts has about 1.3 MB.
const (
	pageSize = 100
	maxPages = 10
)

// codeNotFound is Twilio's code for a resource that does not exist.
const codeNotFound = "20404"

// Find returns Twilio's status of a message, or nil if Twilio has no such message yet. Every error is a *backstop.Failure:
// Unavailable and Throttled may be retried later, Rejected needs an operator, and Unknown means that Twilio's answer is
// ambiguous and a retry does not help.
//
// Without a MessageID, Find lists the messages to the recipient. It looks for one message with the sender and the text of
// the inquiry that Twilio made between Since and Until. It never guesses: two such messages are Unknown. Without such a
// message, another message of that time is Unknown if only its text differs (a trial account puts words before the text, a
// messaging service may shorten links) or only its sender. A found message may belong to another send with the same text
// and recipient: the caller must check whether its id is already stored.
//
// Twilio does not document how soon a new message is in the list. So the caller should wait after the call before it calls
// Find, and a nil may be outdated later.
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
			return c.onlyMatch(s)
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
			return nil, nil //nolint:nilnil // nil: Twilio has no such message
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
// The query filters by recipient alone, because a message that a filter hides may be sent twice. Twilio can filter by the
// day on which a message was sent, but the manual does not give the day of a message that is still queued. Twilio can
// filter by sender, but may spell a sender that is not a number in another way.
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
	// Only the query is used, because the credentials must go to the configured address alone.
	next, err := url.Parse(page.Next)
	if err != nil || next.RawQuery == "" {
		return nil, nil, unreadable()
	}
	return *page.Messages, next.Query(), nil
}

// search is the result of the pages read so far.
type search struct {
	matches []message
	doubts  int // messages that match in part
}

// sift adds the messages that match the inquiry, fully or in part.
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
			if !slices.ContainsFunc(s.matches, func(known message) bool { return known.SID == m.SID }) { // pages overlap
				s.matches = append(s.matches, m)
			}
		case sender || text:
			s.doubts++
		}
	}
}

func (c *Client) onlyMatch(s search) (*backstop.Found, error) {
	switch {
	case len(s.matches) == 1:
		return c.found(s.matches[0]), nil
	case len(s.matches) > 1:
		return nil, undecided("several messages have this sender, text and time")
	case s.doubts > 0:
		return nil, undecided("a message of this time has another text or sender")
	default:
		return nil, nil //nolint:nilnil // nil: Twilio has no such message
	}
}

// unanswered is the failure of a lookup that Twilio did not answer with a message. A lookup sends nothing, so an Unknown
// failure becomes Unavailable and may be retried.
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
