package health_test

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/internal/health"
)

var _ activities.Health = (*health.Monitor)(nil)

func down() *backstop.Failure { return &backstop.Failure{Kind: backstop.Unavailable} }

func refused() *backstop.Failure {
	return &backstop.Failure{Kind: backstop.Rejected, Class: backstop.AccountFault}
}

func unanswered() *backstop.Failure { return &backstop.Failure{Kind: backstop.Unknown} }

const (
	account = "sms-uk"

	// The lines of a circuit that opens and closes.
	unhealthy = `level=ERROR msg="account unhealthy: no calls are made by it" account=` + account
	well      = `level=ERROR msg="account is well again" account=` + account
	alone     = `level=WARN msg="account unhealthy: this process makes no calls by it" account=` + account
)

// memory is a health.Store without a database.
type memory struct {
	mu         sync.Mutex
	rows       map[string]health.Record
	isAway     bool
	losesReply bool // the next change is stored, and its answer is lost
	listTakes  time.Duration
	reached    map[string]health.Limit
}

func newMemory() *memory { return &memory{rows: map[string]health.Record{}} }

var errAway = &backstop.Error{Code: backstop.TryLater, Message: "away"}

func (s *memory) set(isAway bool) { s.change(func() { s.isAway = isAway }) }

func (s *memory) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (*memory) Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

func (s *memory) ListHealth(context.Context) (map[string]health.Record, error) {
	s.mu.Lock()
	rows, isAway, takes := maps.Clone(s.rows), s.isAway, s.listTakes
	s.mu.Unlock()
	time.Sleep(takes)
	if isAway {
		return nil, errAway
	}
	return rows, nil
}

func (s *memory) ListReached(context.Context) (map[string]health.Limit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isAway {
		return nil, errAway
	}
	return maps.Clone(s.reached), nil
}

func (s *memory) ChangeHealth(
	_ context.Context, name string, change func(health.Record, time.Time) (health.Record, bool),
) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isAway {
		return errAway
	}
	if r, ok := change(s.rows[name], s.Now()); ok {
		s.rows[name] = r
	}
	if s.losesReply {
		s.losesReply = false
		return errAway
	}
	return nil
}

func (s *memory) LeaseProbe(_ context.Context, name, lease string, length time.Duration) (health.Record, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, now := s.rows[name], s.Now()
	if s.isAway {
		return health.Record{}, false, errAway
	}
	if !r.IsOpen || now.Before(r.RetryAt) || now.Before(r.ProbeUntil) {
		return r, false, nil
	}
	r.ProbeBy, r.ProbeUntil = lease, now.Add(length)
	s.rows[name] = r
	return r, true, nil
}

func (s *memory) DeleteHealth(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.rows, name)
	return nil
}

// journal is the log of all processes of a test.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) count(line string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), line)
}

// requireLines asserts how often the circuit opened and closed.
func (j *journal) requireLines(t *testing.T, opened, closed int) {
	t.Helper()
	require.Equal(t, opened, j.count(unhealthy), "lines of a circuit that opens")
	require.Equal(t, closed, j.count(well), "lines of a circuit that closes")
	require.Equal(t, opened+closed, j.count("level=ERROR"))
}

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

// process is a process with a Monitor.
type process struct {
	*health.Monitor

	t    testing.TB
	stop func() // stops Run, and waits for it
}

// start starts a process, which stops when the test ends.
func start(t testing.TB, store health.Store, j *journal) *process {
	t.Helper()
	m, err := health.New(store, j.logger())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		m.Run(ctx)
	}()
	p := &process{Monitor: m, t: t, stop: func() {
		cancel()
		<-ended
	}}
	t.Cleanup(p.stop)
	return p
}

// call makes a call, which must be allowed.
func (p *process) call(f *backstop.Failure) {
	p.t.Helper()
	p.begin()(f)
}

func (p *process) begin() (done func(*backstop.Failure)) {
	p.t.Helper()
	done, allowed := p.Allow(p.t.Context(), account)
	require.True(p.t, allowed, "the call is allowed")
	return done
}

func (p *process) requireRefused() {
	p.t.Helper()
	require.True(p.t, p.IsUnhealthy(account))
	_, allowed := p.Allow(p.t.Context(), account)
	require.False(p.t, allowed, "the call is refused")
}

// callTimes makes n calls that end in the same way.
func (p *process) callTimes(n int, f *backstop.Failure) {
	p.t.Helper()
	for range n {
		p.call(f)
	}
}

func (p *process) state() backstop.HealthState { return p.HealthOf(account).State }
