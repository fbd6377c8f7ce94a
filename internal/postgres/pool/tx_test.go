package pool_test

import (
	"context"
	"errors"
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/postgres/pool"
)

func TestUntilKnown(t *testing.T) {
	t.Parallel()
	refused, broken := pool.NotFound("send"), io.EOF
	for name, c := range map[string]struct {
		errs     []error // the error of each run
		repeated []bool
		err      error
	}{
		"at once":            {[]error{nil}, []bool{false}, nil},
		"moved":              {[]error{pool.ErrMoved, nil}, []bool{false, false}, nil},
		"lost":               {[]error{broken, nil}, []bool{false, true}, nil},
		"lost, then away":    {[]error{broken, syscall.ECONNREFUSED, nil}, []bool{false, true, true}, nil},
		"lost, then moved":   {[]error{broken, pool.ErrMoved, nil}, []bool{false, true, true}, nil},
		"lost, then refused": {[]error{broken, refused}, []bool{false, true}, refused},
		"away":               {[]error{syscall.ECONNREFUSED}, []bool{false}, syscall.ECONNREFUSED},
		"refused":            {[]error{refused}, []bool{false}, refused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var repeated []bool
			err := pool.UntilKnown(t.Context(), "write", func(isRepeated bool) error {
				repeated = append(repeated, isRepeated)
				return c.errs[len(repeated)-1]
			})
			require.ErrorIs(t, err, c.err)
			require.Equal(t, c.repeated, repeated)
		})
	}
}

func TestUntilKnown_never(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	first := true
	err := pool.UntilKnown(ctx, "write", func(bool) error {
		if first {
			first = false
			return io.ErrUnexpectedEOF
		}
		return syscall.ECONNREFUSED
	})
	requireAway(t, err)
	require.True(t, pool.MayHaveRun(err), "the last error does not say so, the first does")

	left, leave := context.WithCancel(t.Context())
	err = pool.UntilKnown(left, "write", func(bool) error {
		leave()
		return errors.New("whatever")
	})
	require.ErrorIs(t, err, context.Canceled)
}
