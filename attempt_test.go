package backstop_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

func TestAttempt_End(t *testing.T) {
	t.Parallel()
	begun := backstop.Attempt{Ref: backstop.Ref{Send: sendID, Step: 1}, Number: 1, State: backstop.Calling, StartedAt: origin}
	at := origin.Add(time.Second)

	t.Run("accepted", func(t *testing.T) {
		t.Parallel()
		ended := begun.End(backstop.Submission{MessageID: "SM1", Segments: 2}, nil, at)
		want := begun
		want.State, want.Status, want.MessageID, want.Segments, want.EndedAt = backstop.Accepted, backstop.Submitted, "SM1", 2, &at
		require.Equal(t, want, ended)
		require.Equal(t, backstop.Calling, begun.State, "the attempt itself is unchanged")
		require.Nil(t, begun.EndedAt)
	})
	t.Run("accepted after its receipts", func(t *testing.T) {
		t.Parallel()
		heard := begun
		heard.Status = backstop.Delivered
		require.Equal(t, backstop.Delivered, heard.End(backstop.Submission{MessageID: "SM1"}, nil, at).Status)
	})
	for _, kind := range []backstop.FailureKind{backstop.Rejected, backstop.Throttled, backstop.Unavailable, backstop.Unknown} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			failure := &backstop.Failure{Kind: kind, Code: "131026"}
			ended := begun.End(backstop.Submission{MessageID: "ignored"}, failure, at)
			want := begun
			want.State, want.Failure, want.EndedAt = backstop.AttemptState(kind), failure, &at
			require.Equal(t, want, ended)
		})
	}
}

// Only what surely sent nothing may be called again.
func TestAttempt_Retriable(t *testing.T) {
	t.Parallel()
	retriable := map[backstop.AttemptState]bool{
		backstop.Calling: false, backstop.Accepted: false, "": false,
		backstop.AttemptState(backstop.Rejected):    false,
		backstop.AttemptState(backstop.Unknown):     false,
		backstop.AttemptState(backstop.Throttled):   true,
		backstop.AttemptState(backstop.Unavailable): true,
	}
	for state, want := range retriable {
		require.Equal(t, want, backstop.Attempt{State: state}.Retriable(), state)
	}
}
