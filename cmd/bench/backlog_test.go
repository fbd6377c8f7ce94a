package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A send that is done twice counts once, and increments repeated.
func TestCountdown(t *testing.T) {
	t.Parallel()
	c := newCountdown(2)
	c.count("a")
	c.count("a")
	select {
	case <-c.done:
		t.Fatal("closed after the first of two sends")
	default:
	}
	c.count("b")
	<-c.done
	require.Equal(t, 1, c.repeated)
}
