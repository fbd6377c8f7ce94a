package providertest

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// Finder is a driver that can look up messages.
type Finder interface {
	Find(ctx context.Context, q backstop.Inquiry) (*backstop.Found, error)
}

// Lookup makes the answers of a provider at which a driver can look up messages.
type Lookup struct {
	// ByID says that the provider searches by nothing but an id. A lookup without an id is then an Unknown failure, without a call.
	ByID bool

	// ByRef says that the message's id at the provider is our reference. A search is then a lookup by this id, and finds one
	// message or none.
	ByRef bool

	// CheckRequest fails the test unless the request carries the credentials and asks for the message with this id. If id
	// is empty, the request must ask for the messages to To.
	CheckRequest func(t *testing.T, r *http.Request, id string)
	Missing      Reply                         // the answer to a lookup by id if there is no such message
	One          func(m Listed) Reply          // the answer to a lookup by id
	List         func(messages []Listed) Reply // the answer to a search
}

// Listed is a message at the provider.
type Listed struct {
	ID     string
	SendID string
	Text   string
	Made   time.Time
	Status string // the provider's word
	Code   string // the error code; Reason is its text
	Reason string
}

// createdAt is the creation time of the messages in these tests: the end of yesterday, because a provider's log may reach back no
// further than two days.
var createdAt = time.Now().UTC().Truncate(24 * time.Hour).Add(-2 * time.Second)

// newInquiry returns an Inquiry without a message id.
func newInquiry() backstop.Inquiry {
	return backstop.Inquiry{
		Ref: Ref, To: To, SendID: "Backstop", Text: "Grüße & 4711+1",
		Since: createdAt.Add(-5 * time.Second), Until: createdAt.Add(30 * time.Second),
	}
}

// newListed returns the message that newInquiry describes, with this status.
func (d Driver) newListed(status string) Listed {
	q := newInquiry()
	return Listed{ID: "id-1", SendID: q.SendID, Text: q.Text, Made: createdAt, Status: status}
}

func runFind(t *testing.T, d Driver) {
	t.Helper()
	t.Run("by id", func(t *testing.T) { t.Parallel(); testFindByID(t, d) })
	t.Run("statuses", func(t *testing.T) { t.Parallel(); testFindStatuses(t, d) })
	switch {
	case d.Lookup.ByID:
		t.Run("without an id", func(t *testing.T) { t.Parallel(); testFindWithoutID(t, d) })
	case !d.Lookup.ByRef:
		t.Run("search", func(t *testing.T) { t.Parallel(); testSearch(t, d) })
	}
	t.Run("refused", func(t *testing.T) { t.Parallel(); testFindRefused(t, d) })
	t.Run("no answer", func(t *testing.T) { t.Parallel(); testFindUnanswered(t, d) })
	t.Run("unreadable", func(t *testing.T) { t.Parallel(); testFindUnreadable(t, d) })
}

// find runs the driver's Find against a server that gives this answer.
func (d Driver) find(t *testing.T, answer Reply, q backstop.Inquiry) (*backstop.Found, error) {
	t.Helper()
	server := serveProvider(t, func(w http.ResponseWriter, r *http.Request, _ []byte) {
		id := q.MessageID
		if id == "" && d.Lookup.ByRef {
			id = Ref.String()
		}
		d.Lookup.CheckRequest(t, r, id)
		answer.write(w)
	})
	return d.findAt(t, server.URL, longTimeout, q)
}

// findAt runs the driver's Find against a server at this URL.
func (d Driver) findAt(t *testing.T, baseURL string, timeout time.Duration, q backstop.Inquiry) (*backstop.Found, error) {
	t.Helper()
	client, _ := d.open(t, baseURL, timeout)
	finder, ok := client.(Finder)
	require.True(t, ok, "%T has no Find", client)
	return finder.Find(t.Context(), q)
}

// inquiryByID returns an Inquiry with a message id.
func inquiryByID() backstop.Inquiry {
	q := newInquiry()
	q.MessageID = "id-1"
	return q
}

// inquiries returns the inquiries that the driver can make.
func (d Driver) inquiries() []backstop.Inquiry {
	if d.Lookup.ByID {
		return []backstop.Inquiry{inquiryByID()}
	}
	return []backstop.Inquiry{newInquiry(), inquiryByID()}
}

// testFindWithoutID: without an id nothing says whether the provider has the message, and another try does not help.
func testFindWithoutID(t *testing.T, d Driver) {
	t.Helper()
	_, err := d.findAt(t, "http://127.0.0.1:1", shortTimeout, newInquiry())
	d.checkFailure(t, err, backstop.Unknown)
}

func testFindByID(t *testing.T, d Driver) {
	t.Helper()
	found, err := d.find(t, d.Lookup.Missing, inquiryByID())
	require.NoError(t, err)
	require.Nil(t, found)
	other := d.newListed(d.Failed)
	other.ID = "id-2"
	_, err = d.find(t, d.Lookup.One(other), inquiryByID())
	d.checkFailure(t, err, backstop.Unavailable)
}

func testFindStatuses(t *testing.T, d Driver) {
	t.Helper()
	for word, status := range d.Statuses {
		want := status
		if want == "" {
			want = backstop.Submitted
		}
		m := d.newListed(word)
		if status == backstop.Failed {
			m.Code, m.Reason = UnknownCode, d.leakyText()
		}
		check := func(name string, m Listed, answer Reply, q backstop.Inquiry) {
			t.Run(word+" "+name, func(t *testing.T) {
				t.Parallel()
				found, err := d.find(t, answer, q)
				require.NoError(t, err)
				require.Equal(t, m.ID, found.MessageID)
				require.Equal(t, want, found.Status)
				require.Equal(t, status == backstop.Failed, found.Failure != nil)
				if found.Failure != nil {
					d.checkNoLeak(t, found.Failure)
					require.Equal(t, UnknownCode, found.Failure.Code)
				}
			})
		}
		check("by id", m, d.Lookup.One(m), inquiryByID())
		if d.Lookup.ByID {
			continue
		}
		if d.Lookup.ByRef {
			m.ID = Ref.String()
		}
		check("searched", m, d.Lookup.List([]Listed{m}), newInquiry())
	}
}

// testSearch: Find returns the only match, returns nil without a match, and returns an Unknown failure for an ambiguous list.
func testSearch(t *testing.T, d Driver) {
	t.Helper()
	with := func(change func(m *Listed)) Listed {
		m := d.newListed(d.Failed)
		change(&m)
		return m
	}
	at := func(id string, made time.Time) Listed {
		return with(func(m *Listed) { m.ID, m.Made = id, made })
	}
	q := newInquiry()
	for name, row := range map[string]struct {
		messages []Listed
		want     string // the id; "" for no message, "?" for an Unknown failure
	}{
		"none":              {},
		"one":               {[]Listed{d.newListed(d.Failed)}, "id-1"},
		"the first second":  {[]Listed{at("id-2", q.Since)}, "id-2"},
		"the last second":   {[]Listed{at("id-2", q.Until)}, "id-2"},
		"before":            {[]Listed{at("id-2", q.Since.Add(-time.Second))}, ""},
		"after":             {[]Listed{at("id-2", q.Until.Add(time.Second))}, ""},
		"one of that time":  {[]Listed{at("id-2", q.Until.Add(time.Hour)), d.newListed(d.Failed), at("id-3", q.Since.Add(-time.Hour))}, "id-1"},
		"several":           {[]Listed{d.newListed(d.Failed), at("id-2", createdAt)}, "?"},
		"other text":        {[]Listed{with(func(m *Listed) { m.Text = "Trial: " + m.Text })}, "?"},
		"other sender":      {[]Listed{with(func(m *Listed) { m.SendID = "Other" })}, "?"},
		"another message":   {[]Listed{with(func(m *Listed) { m.SendID, m.Text = "Other", "hello" })}, ""},
		"one and a doubt":   {[]Listed{d.newListed(d.Failed), with(func(m *Listed) { m.ID, m.Text = "id-2", "hello" })}, "id-1"},
		"id not to be kept": {[]Listed{with(func(m *Listed) { m.ID = strings.Repeat("i", 257) })}, "?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := d.find(t, d.Lookup.List(row.messages), q)
			switch row.want {
			case "?":
				d.checkFailure(t, err, backstop.Unknown)
			case "":
				require.NoError(t, err)
				require.Nil(t, found)
			default:
				require.NoError(t, err)
				require.Equal(t, row.want, found.MessageID)
			}
		})
	}
}

// testFindRefused: a lookup sends nothing, so a refusal is Unavailable and may be retried. The exceptions are throttling (429)
// and refusals that an operator must solve (401, 403).
func testFindRefused(t *testing.T, d Driver) {
	t.Helper()
	for status, kind := range map[int]backstop.FailureKind{
		http.StatusUnauthorized: backstop.Rejected, http.StatusForbidden: backstop.Rejected,
		http.StatusTooManyRequests: backstop.Throttled, http.StatusFound: backstop.Unavailable,
		http.StatusInternalServerError: backstop.Unavailable, http.StatusBadGateway: backstop.Unavailable,
		http.StatusServiceUnavailable: backstop.Unavailable, http.StatusGatewayTimeout: backstop.Unavailable,
	} {
		for name, answer := range map[string]Reply{"bare": {Status: status}, "own": d.Refused(status, UnknownCode, d.leakyText())} {
			for _, q := range d.inquiries() {
				t.Run(http.StatusText(status)+" "+name+" "+q.MessageID, func(t *testing.T) {
					t.Parallel()
					_, err := d.find(t, answer, q)
					d.checkFailure(t, err, kind)
				})
			}
		}
	}
}

func testFindUnanswered(t *testing.T, d Driver) {
	t.Helper()
	hang := serveProvider(t, func(_ http.ResponseWriter, r *http.Request, _ []byte) { <-r.Context().Done() })
	for _, q := range d.inquiries() {
		_, err := d.findAt(t, hang.URL, shortTimeout, q)
		d.checkFailure(t, err, backstop.Unavailable)
		_, err = d.findAt(t, "http://127.0.0.1:1", shortTimeout, q)
		d.checkFailure(t, err, backstop.Unavailable)
	}
}

func testFindUnreadable(t *testing.T, d Driver) {
	t.Helper()
	one := d.Lookup.One(d.newListed(d.Failed))
	list := one
	if !d.Lookup.ByID {
		list = d.Lookup.List([]Listed{d.newListed(d.Failed)})
	}
	for name, body := range map[string]string{
		"empty": "", "null": "null", "object": "{}", "array": "[]", "page": "<html>OK " + d.leakyText(),
		"truncated": list.Body[:len(list.Body)-1], "too long": list.Body + strings.Repeat(" ", 5<<20),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, q := range d.inquiries() {
				_, err := d.find(t, Reply{Status: one.Status, Body: body}, q)
				d.checkFailure(t, err, backstop.Unavailable)
			}
		})
	}
}
