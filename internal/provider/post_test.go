package provider_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// pastDeadline is the context of a call in a process that was stopped and resumed: the deadline has passed, but the timer that
// ends the context has not fired yet.
type pastDeadline struct{ context.Context } //nolint:containedctx // pastDeadline is a context itself

func (pastDeadline) Deadline() (time.Time, bool) { return time.Now().Add(-time.Millisecond), true }

func TestPoster_Post_late(t *testing.T) {
	t.Parallel()
	var whole atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err == nil {
			whole.Add(1)
		}
	}))
	t.Cleanup(server.Close)
	poster := provider.NewPoster(time.Minute, nil)
	_, err := poster.Post(t.Context(), server.URL, http.Header{}, []byte("in time"))
	require.NoError(t, err)
	_, err = poster.Post(pastDeadline{t.Context()}, server.URL, http.Header{}, []byte("late")) // over the open connection
	failure := new(backstop.Failure)
	require.ErrorAs(t, err, &failure)
	require.Equal(t, backstop.Unavailable, failure.Kind, "%v", failure)
	require.EqualValues(t, 1, whole.Load())
}

func TestPoster_Get(t *testing.T) {
	t.Parallel()
	long := make([]byte, 5<<20)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.Header.Get("Authorization") != "Basic x" || r.Header.Get("Content-Type") != "" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		switch r.URL.Path {
		case "/1MB":
			_, _ = w.Write(long[:1<<20])
		case "/5MB":
			_, _ = w.Write(long)
		case "/hang":
			<-r.Context().Done()
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	header := http.Header{"Authorization": {"Basic x"}, "Content-Type": {"application/x-www-form-urlencoded"}}
	get := func(path string) (provider.Answer, error) {
		return provider.NewPoster(500*time.Millisecond, nil).Get(t.Context(), server.URL+path, header)
	}
	answer, err := get("/1MB")
	require.NoError(t, err)
	require.Len(t, answer.Body, 1<<20)
	answer, err = get("/5MB")
	require.NoError(t, err)
	require.Nil(t, answer.Body, "a body that is too long is dropped")
	answer, err = get("/none")
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, answer.Status)

	_, err = get("/hang")
	failure := new(backstop.Failure)
	require.ErrorAs(t, err, &failure)
	require.Equal(t, backstop.Unavailable, failure.Kind, "a GET may be repeated")
}
