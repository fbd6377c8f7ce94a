package guards_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/guards"
	"github.com/backstophq/backstop/internal/logtest"
)

// store keeps the settings and the results in memory. It counts the reads of the settings.
type store struct {
	mu      sync.Mutex
	guards  backstop.Guards
	results map[string]int
	reads   int
	away    error
}

func newStore() *store {
	return &store{guards: backstop.Guards{Version: 1}, results: map[string]int{}}
}

func (*store) Now() time.Time { return time.Now() }

func (s *store) Guards(context.Context) (backstop.Guards, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	return s.guards, s.away
}

func (s *store) ReplaceGuards(_ context.Context, g backstop.Guards, version int) (backstop.Guards, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if version != s.guards.Version {
		return backstop.Guards{}, &backstop.Error{Code: backstop.Stale, Message: "it has changed"}
	}
	g.Version = s.guards.Version + 1
	s.guards = g
	return g, s.away
}

func (s *store) AddGuardResults(_ context.Context, counts []backstop.GuardCount) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away != nil {
		return s.away
	}
	for _, c := range counts {
		s.results[fmt.Sprintf("%s %s %s", c.Guard, c.Result, c.Country)] += c.Count
	}
	return nil
}

func (s *store) GuardResults(context.Context, time.Time, int) ([]backstop.GuardCount, error) {
	return nil, s.away
}

func (s *store) setAway(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = err
}

func (s *store) counted() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.results
}

func newKeeper(t *testing.T, s *store) (*guards.Keeper, *logtest.Buffer) {
	t.Helper()
	var log logtest.Buffer
	k, err := guards.New(guards.Options{Store: s, Log: slog.New(slog.NewJSONHandler(&log, nil))})
	require.NoError(t, err)
	return k, &log
}

var send = backstop.Send{ID: "1", To: "+447400123456", Country: "GB", Text: "hello", SMSText: "hi"}

// A change by another process holds here within two seconds. While the store is away, the settings stay.
func TestKeeper_Run(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		k, log := newKeeper(t, s)
		other, _ := newKeeper(t, s)
		ctx, stop := context.WithCancel(t.Context())
		go k.Run(ctx)
		require.NoError(t, other.Load(t.Context()))
		_, err := other.ReplaceGuards(t.Context(), backstop.Guards{Block: []string{"GB"}}, 1)
		require.NoError(t, err)
		require.Equal(t, []string{"GB"}, other.Current().Block)
		time.Sleep(2 * time.Second)
		require.Equal(t, []string{"GB"}, k.Current().Block)

		s.setAway(errors.New("away"))
		_, err = k.Current().CheckCountry("GB")
		k.Refused(t.Context(), backstop.Send{}, err, false)
		time.Sleep(10 * time.Second)
		require.Equal(t, []string{"GB"}, k.Current().Block)
		require.Empty(t, s.counted())
		s.setAway(nil)
		time.Sleep(2 * time.Second)
		require.Equal(t, map[string]int{"countries refused GB": 1}, s.counted(), "the results are stored when the store is back")
		require.Equal(t, 1, strings.Count(log.String(), "guards are not read"))
		require.Equal(t, 1, strings.Count(log.String(), "guards are read again"))

		k.Accepted(t.Context(), send) // it is refused now: not watched
		k.Refused(t.Context(), send, errors.New("another error"), false)
		stop()
		synctest.Wait()
		k.Close(t.Context())
		require.Len(t, s.counted(), 1)
	})
}

// An older answer of the store does not replace a newer one.
func TestKeeper_Load_older(t *testing.T) {
	t.Parallel()
	s := newStore()
	k, _ := newKeeper(t, s)
	_, err := k.ReplaceGuards(t.Context(), backstop.Guards{RecipientCap: 5}, 1)
	require.NoError(t, err)
	s.guards = backstop.Guards{Version: 1}
	require.NoError(t, k.Load(t.Context()))
	require.Equal(t, 5, k.Current().RecipientCap)
}

// A cap that the store has refused is refused without the store, until a place may be free. Another cap, or a changed one, is not.
func TestKeeper_Admit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		k, log := newKeeper(t, s)
		stored, err := k.ReplaceGuards(t.Context(), backstop.Guards{RecipientCap: 1, CountryCap: 9}, 1)
		require.NoError(t, err)
		checks, err := k.Admit(send, false)
		require.NoError(t, err)
		require.Len(t, checks.Caps, 2)

		const rest = 90 * time.Second
		for range 3 {
			k.Refused(t.Context(), send, backstop.RefuseCap(checks.Caps[0], rest), false)
		}
		require.Equal(t, 1, strings.Count(log.String(), "a cap is reached"))
		require.Contains(t, log.String(), `"for":"1m30s"`)
		require.NotContains(t, log.String(), "7400123456")
		time.Sleep(30 * time.Second)
		_, err = k.Admit(send, false)
		refusal, ok := errors.AsType[*backstop.GuardError](err)
		require.True(t, ok)
		require.Equal(t, checks.Caps[0], refusal.Check)
		require.Equal(t, time.Minute, refusal.After)
		other := send
		other.To = "+447400123457"
		_, err = k.Admit(other, false)
		require.NoError(t, err)

		changed, err := k.ReplaceGuards(t.Context(), backstop.Guards{RecipientCap: 2, CountryCap: 9}, stored.Version)
		require.NoError(t, err)
		_, err = k.Admit(send, false)
		require.NoError(t, err, "a raised cap has places")
		_, err = k.ReplaceGuards(t.Context(), backstop.Guards{RecipientCap: 1, SameTextSeconds: 60}, changed.Version)
		require.NoError(t, err)
		checks, err = k.Admit(send, false)
		require.NoError(t, err, "the same content may be answered by the first send")
		require.NotEmpty(t, checks.Digest)
		_, err = k.Admit(send, true)
		require.Error(t, err)
		time.Sleep(time.Minute)
		_, err = k.Admit(send, true)
		require.NoError(t, err)

		k.Close(t.Context())
		require.Equal(t, map[string]int{"recipient_cap refused GB": 3}, s.counted())
	})
}

// A time that has passed means at once, so it makes no other content. A later time does.
func TestKeeper_Admit_sendAt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		s.guards.SameTextSeconds = 60
		k, _ := newKeeper(t, s)
		require.NoError(t, k.Load(t.Context()))
		digest := func(at *time.Time) []byte {
			timed := send
			timed.SendAt = at
			checks, err := k.Admit(timed, false)
			require.NoError(t, err)
			return checks.Digest
		}
		atOnce, now := digest(nil), time.Now()
		require.NotEmpty(t, atOnce)
		require.Equal(t, atOnce, digest(new(now.Add(-time.Hour))))
		require.NotEqual(t, atOnce, digest(new(now.Add(time.Hour))))
		require.NotEqual(t, digest(new(now.Add(2*time.Hour))), digest(new(now.Add(time.Hour))))
	})
}

func TestKeeper_Accepted(t *testing.T) {
	t.Parallel()
	s := newStore()
	s.guards.Watch = []string{"GB"}
	k, log := newKeeper(t, s)
	k.Accepted(t.Context(), send)
	require.NoError(t, k.Load(t.Context()))
	require.Empty(t, s.counted(), "the guards are off before they are loaded")
	s.guards.Version, s.guards.Watch = 2, []string{"GB"}
	require.NoError(t, k.Load(t.Context()))
	k.Accepted(t.Context(), send)
	k.Close(t.Context())
	require.Equal(t, map[string]int{"countries watched GB": 1}, s.counted())
	require.Contains(t, log.String(), `"send":"1"`)
	require.NotContains(t, log.String(), "7400123456")
}

func TestKeeper_Refused_sameText(t *testing.T) {
	t.Parallel()
	s := newStore()
	k, _ := newKeeper(t, s)
	err := backstop.RefuseSameText(send, time.Minute)
	k.Refused(t.Context(), send, err, true)
	k.Refused(t.Context(), send, err, false)
	k.Refused(t.Context(), send, fmt.Errorf("accept: %w", err), false)
	k.Close(t.Context())
	require.Equal(t, map[string]int{"same_text answered GB": 1, "same_text refused GB": 2}, s.counted())
}

func TestNew_missing(t *testing.T) {
	t.Parallel()
	_, err := guards.New(guards.Options{Log: slog.New(slog.DiscardHandler)})
	require.Error(t, err)
}
