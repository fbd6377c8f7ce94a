package main

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// TestUntilAnswered: untilAnswered retries while Postgres is away, and returns other errors at once.
func TestUntilAnswered(t *testing.T) {
	t.Parallel()
	quiet := slog.New(slog.DiscardHandler)
	asked := 0
	answer, err := untilAnswered(t.Context(), quiet, func(context.Context) (string, error) {
		if asked++; asked == 1 {
			return "", &backstop.Error{Code: backstop.TryLater, Message: "away"}
		}
		return "there", nil
	})
	require.NoError(t, err)
	require.Equal(t, "there", answer)
	require.Equal(t, 2, asked)

	wrong := errors.New("no such table")
	_, err = untilAnswered(t.Context(), quiet, func(context.Context) (string, error) { return "", wrong })
	require.ErrorIs(t, err, wrong)

	ctx, stop := context.WithCancel(t.Context())
	stop()
	_, err = untilAnswered(ctx, quiet, func(context.Context) (string, error) {
		return "", &backstop.Error{Code: backstop.TryLater, Message: "away"}
	})
	require.Equal(t, backstop.TryLater, backstop.CodeOf(err))
}
