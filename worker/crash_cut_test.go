package worker_test

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/cutproxy"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
	"github.com/backstophq/backstop/workflows"
)

// scenario is a send whose result does not depend on timing.
type scenario struct {
	name     string
	part     part
	settings workflows.Settings
}

func scenarios() []scenario {
	settings := func(change func(*workflows.Settings)) workflows.Settings {
		s := workflows.Settings{UnknownWait: time.Second, SMSReceiptWait: time.Hour}
		change(&s)
		return s
	}
	arrives := reported(backstop.Sent, backstop.Delivered)
	return []scenario{
		{"delivered", plays(backstop.WhatsApp, nil, arrives), settings(func(s *workflows.Settings) { s.AwaitReceipts = time.Second })},
		{"rejected", plays(backstop.WhatsApp, []reply{rejection}, nil), settings(func(*workflows.Settings) {})},
		{
			"failed", plays(backstop.WhatsApp, nil, reported(backstop.Sent, backstop.Failed)),
			settings(func(s *workflows.Settings) { s.QueuedCalls = true }),
		},
		{
			"throttled, of unknown end, resent", resending(plays(backstop.WhatsApp, []reply{tooFast, unknownEnd, {}}, arrives)),
			settings(func(*workflows.Settings) {}),
		},
	}
}

// resending returns a part whose accounts send again what had an unknown end.
func resending(p part) part {
	p.resendsWhatsApp, p.resendsSMS = true, true
	return p
}

// uuids finds the id of a send in the statement that stores it. The id is the first parameter.
var uuids = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// statements finds the SQL statements of one send on all connections. The statement that stores the send contains the text of
// its SMS; all later ones contain its id.
type statements struct {
	text string

	mu  sync.Mutex
	id  []byte
	log []string
}

// isOne reports whether a request is one of the send's statements, and records it.
func (s *statements) isOne(r cutproxy.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.SQL == "":
		return false
	case s.id == nil && bytes.Contains(r.Bytes, []byte(s.text)):
		s.id = bytes.Clone(uuids.Find(r.Bytes))
	case s.id == nil || !bytes.Contains(r.Bytes, s.id):
		return false
	}
	s.log = append(s.log, r.SQL)
	return true
}

func (s *statements) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.log)
}

// life is the result of a send, without times and ids, so that two sends can be compared.
type life struct {
	Calls    []string
	Outcome  backstop.Outcome
	Timeline []string
}

func (f *fleet) life(t *testing.T, send string) life {
	t.Helper()
	l := life{Outcome: f.finished(t, send).Outcome}
	f.carrier.mu.Lock()
	for _, c := range f.carrier.log[send] {
		l.Calls = append(l.Calls, fmt.Sprintln(c.channel, c.step, c.isAccepted))
	}
	f.carrier.mu.Unlock()
	_, events, err := f.db.Timeline(t.Context(), send)
	require.NoError(t, err)
	for _, e := range events {
		l.Timeline = append(l.Timeline, fmt.Sprintln(e.Kind, e.Channel, e.Status, e.Rule, e.Code))
	}
	slices.Sort(l.Timeline) // a receipt may be faster than the end of its call
	return l
}

// struck is a send whose connection is cut once.
type struck struct {
	scenario scenario
	how      string
	n        int // the index of the statement
	send     string
	done     <-chan struct{}
}

// A worker runs a send from end to end. The connection to Postgres is cut at each of its statements: before the statement
// reaches Postgres, or after its commit and before its answer is read. The messages and the stored data are the same as without
// a cut. Regression: when an answer was lost after the commit, the process treated its own attempt as that of a dead worker, and
// the SMS was never sent.
func TestCrash_postgresCut(t *testing.T) {
	t.Parallel()
	f := fleetOn(newRig(t))
	through, proxy := postgrestest.Proxy(t, f.address)
	f.use(postgrestest.Open(t, through))
	f.here()

	hows := map[string]cutproxy.Cut{
		"reset after": {How: cutproxy.Reset, After: true}, "end after": {How: cutproxy.Finish, After: true},
		"reset before": {How: cutproxy.Reset},
	}
	calm := map[string]life{}
	var all []struck
	for _, sc := range scenarios() {
		counted := f.strike(proxy, sc, cutproxy.Cut{Skip: 1 << 30})
		calm[sc.name] = f.life(t, counted.send)
		n := counted.statements.count()
		require.Greater(t, n, 4, "statements")
		t.Logf("%s: %d statements", sc.name, n)
		for how, cut := range hows {
			for i := range n {
				cut.Skip = i
				s := f.strike(proxy, sc, cut)
				all = append(all, struck{scenario: sc, how: how, n: i, send: s.send, done: s.done})
			}
		}
	}
	missed := 0
	for _, s := range all {
		t.Run(fmt.Sprintf("%s/%s statement %d", s.scenario.name, s.how, s.n+1), func(t *testing.T) {
			require.Equal(t, calm[s.scenario.name], f.life(t, s.send))
		})
		select {
		case <-s.done:
		default:
			missed++
		}
	}
	require.Less(t, missed, len(all)/5, "sends with fewer statements than were counted")
}

type strike struct {
	send       string
	statements *statements
	done       <-chan struct{}
}

// strike accepts a send, and cuts the connection at one of its statements.
func (f *fleet) strike(proxy *cutproxy.Proxy, sc scenario, cut cutproxy.Cut) strike {
	f.t.Helper()
	s := &statements{text: fmt.Sprintf("hello number %d!", len(f.accepted))}
	cut.Match = s.isOne
	done := proxy.On(cut)
	send := f.sendText(s.text, sc.part, sc.settings, undelivered(time.Hour))
	return strike{send: send, statements: s, done: done}
}
