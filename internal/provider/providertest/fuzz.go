package providertest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// fuzzTimeout ends a call whose driver would look for a lost message later, which takes it seconds.
const fuzzTimeout = 50 * time.Millisecond

// FuzzAnswers gives any answer to a message. The driver must not panic; it takes the message as sent only with an id that can be
// stored, and each failure hides the secrets that the driver sent.
func FuzzAnswers(f *testing.F, d Driver) {
	f.Helper()
	add := func(a Reply) { f.Add(uint16(a.Status), a.Header.Get("Retry-After"), []byte(a.Body)) }
	add(d.Accepted("id-1"))
	add(Reply{Status: http.StatusOK, Body: `{"a":[{"b":null}]}`})
	add(Reply{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"Wed, 21 Oct 2015 07:28:00 GMT"}}})
	for _, row := range d.Codes[:min(len(d.Codes), 5)] {
		add(d.Refused(row.HTTP, row.Code, d.leakyText()))
	}
	var answer atomic.Pointer[Reply]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		answer.Load().write(w)
	}))
	f.Cleanup(server.Close)
	_, send := d.open(f, server.URL, longTimeout)
	f.Fuzz(func(t *testing.T, status uint16, retryAfter string, body []byte) {
		const first, last = 200, 599
		header := http.Header{}
		if retryAfter != "" {
			header.Set("Retry-After", retryAfter)
		}
		answer.Store(&Reply{Status: first + int(status)%(last-first+1), Header: header, Body: string(body)})
		ctx, cancel := context.WithTimeout(t.Context(), fuzzTimeout)
		defer cancel()
		submission, err := send(ctx)
		if err == nil {
			require.NotEmpty(t, submission.MessageID)
			require.LessOrEqual(t, len(submission.MessageID), 256)
			require.True(t, utf8.ValidString(submission.MessageID))
			require.NotContains(t, submission.MessageID, "\x00")
			return
		}
		failure, ok := errors.AsType[*backstop.Failure](err)
		require.True(t, ok, "%T is not a *backstop.Failure: %v", err, err)
		require.Contains(t, []backstop.FailureKind{backstop.Rejected, backstop.Throttled, backstop.Unavailable, backstop.Unknown}, failure.Kind)
		require.GreaterOrEqual(t, failure.RetryAfter, time.Duration(0))
		d.checkNoLeak(t, failure)
	})
}
