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

// A search reads the newest 1,000 messages to one recipient. A page of 100 messages with the longest texts has about 1.3 MB.
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
// If the inquiry has no MessageID, Find lists the messages to the recipient. It searches for one message that has the sender
// and the text of the inquiry and that Twilio created between Since and Until. Find never guesses: two such messages are an
// Unknown failure. If there is no such message, a message of that time of which only the text or only the sender differs is
// also an Unknown failure: a trial account adds words before the text, and a messaging service may shorten links. A found
// message may belong to another send with the same text and recipient: the caller must check whether its id is already
// stored.
//
// Twilio does not document how soon a new message is in the list. So the caller waits after the call before it calls Find,
// and a message may appear later although Find returned nil.
func (c *Client) Find(ctx context.Context, q backstop.Inquiry) (*backstop.Found, error) {
	if q.MessageID != "" {
		return c.fetchMessage(ctx, q.MessageID)
	}
	if c.channel == backstop.WhatsApp {
		return nil, ambiguousResult("a WhatsApp message is found by its id only") // its text is that of a template
	}
	var s search
	page := url.Values{"To": {q.To}, "PageSize": {strconv.Itoa(pageSize)}}
	for range maxPages {
		messages, next, err := c.listPage(ctx, page)
		if err != nil {
			return nil, err
		}
		s.add(q, messages)
		if next == nil {
			return c.searchResult(s)
		}
		page = next
	}
	return nil, ambiguousResult("the recipient has more messages than a search reads")
}

func (c *Client) fetchMessage(ctx context.Context, id string) (*backstop.Found, error) {
	answer, err := c.poster.Get(ctx, c.messageURL+url.PathEscape(id)+".json", c.header)
	if err != nil {
		return nil, err
	}
	if !answer.Accepted() {
		refusal := readRefusal(answer.Body)
		if answer.Status == http.StatusNotFound && refusal != nil && refusal.Code == codeNotFound {
			return nil, nil //nolint:nilnil // nil: Twilio has no such message
		}
		return nil, c.lookupFailure(answer, refusal)
	}
	var m message
	if decodeJSON(answer.Body, &m) != nil || m.SID != id || m.Status == "" {
		return nil, unreadableAnswer()
	}
	return c.foundMessage(m), nil
}

// listPage returns one page of messages, and the query of the next page or nil.
//
// The query filters by recipient only, because a filter that hides a message may cause a second send. Twilio can filter by
// the day on which a message was sent, but the manual does not say which day a queued message has. Twilio can filter by
// sender, but may spell a sender that is not a number differently.
func (c *Client) listPage(ctx context.Context, query url.Values) ([]message, url.Values, error) {
	answer, err := c.poster.Get(ctx, c.messagesURL+"?"+query.Encode(), c.header)
	if err != nil {
		return nil, nil, err
	}
	if !answer.Accepted() {
		return nil, nil, c.lookupFailure(answer, readRefusal(answer.Body))
	}
	var page struct {
		Messages *[]message `json:"messages"`
		Next     string     `json:"next_page_uri"` // a path with a query, null on the last page
	}
	if decodeJSON(answer.Body, &page) != nil || page.Messages == nil {
		return nil, nil, unreadableAnswer()
	}
	if page.Next == "" {
		return *page.Messages, nil, nil
	}
	// Only the query of the next page is used, because the credentials must go to the configured address only.
	next, err := url.Parse(page.Next)
	if err != nil || next.RawQuery == "" {
		return nil, nil, unreadableAnswer()
	}
	return *page.Messages, next.Query(), nil
}

// search is the result of the pages that were read so far.
type search struct {
	matches        []message
	partialMatches int // messages of which only the text or only the sender matches
}

// add adds the messages that match the inquiry, fully or in part.
func (s *search) add(q backstop.Inquiry, messages []message) {
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
			s.partialMatches++
		}
	}
}

// searchResult returns the message that a search found, or nil, or an Unknown failure if the search is ambiguous.
func (c *Client) searchResult(s search) (*backstop.Found, error) {
	switch {
	case len(s.matches) == 1:
		return c.foundMessage(s.matches[0]), nil
	case len(s.matches) > 1:
		return nil, ambiguousResult("several messages have this sender, text and time")
	case s.partialMatches > 0:
		return nil, ambiguousResult("a message of this time has another text or sender")
	default:
		return nil, nil //nolint:nilnil // nil: Twilio has no such message
	}
}

// lookupFailure returns the failure of a lookup whose HTTP status is not 2xx. A lookup sends nothing, so an Unknown failure
// becomes Unavailable and may be retried.
func (c *Client) lookupFailure(a provider.Answer, refusal *provider.Refusal) *backstop.Failure {
	failure := c.poster.Refused(a, refusal)
	if failure.Kind == backstop.Unknown {
		failure.Kind = backstop.Unavailable
	}
	return failure
}

func unreadableAnswer() *backstop.Failure {
	return &backstop.Failure{Kind: backstop.Unavailable, Reason: "the answer is not readable"}
}

func ambiguousResult(reason string) *backstop.Failure {
	return &backstop.Failure{Kind: backstop.Unknown, Reason: reason}
}
