// Package temporaltest runs real Temporal servers for tests: devstack, as a process that a test can stop, kill and
// start again on the same port with the same data.
package temporaltest

import (
	"bufio"
	"context"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
)

// startTimeout is generous: a start takes one to two seconds on an idle machine.
const startTimeout = time.Minute

// Server is a Temporal server of one test.
type Server struct {
	Address string // host:port of the frontend; the same after a Restart

	t       testing.TB
	data    string
	process *exec.Cmd
}

// Start starts a server that keeps its data in a folder of the test and ends with it. It fails the test if there is
// no devstack: "make test" provides one.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, data: t.TempDir()}
	s.launch("0")
	t.Cleanup(s.Stop)
	return s
}

// Stop ends the server; it does nothing if it has ended.
func (s *Server) Stop() {
	s.t.Helper()
	if s.process == nil {
		return
	}
	process := s.process
	s.process = nil
	_ = process.Process.Signal(syscall.SIGTERM) // it may have ended by itself, which Wait tells
	require.NoError(s.t, process.Wait(), "stop temporal")
}

// Restart starts a stopped server on its old port with its old data.
func (s *Server) Restart() {
	s.t.Helper()
	_, port, _ := strings.Cut(s.Address, ":")
	s.launch(port)
}

// Client returns a client that connects when it is first used, and is closed with the test.
func (s *Server) Client() client.Client {
	s.t.Helper()
	c, err := client.NewLazyClient(client.Options{
		HostPort: s.Address, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	require.NoError(s.t, err)
	s.t.Cleanup(c.Close)
	return c
}

func (s *Server) launch(port string) {
	s.t.Helper()
	devstack := os.Getenv("BACKSTOP_DEVSTACK")
	require.NotEmpty(s.t, devstack, "run make test, or set BACKSTOP_DEVSTACK to a devstack")
	process := exec.CommandContext(context.WithoutCancel(s.t.Context()), devstack,
		"--services", "temporal", "--data", s.data, "--temporal-port", port)
	process.Stderr = os.Stderr
	out, err := process.StdoutPipe()
	require.NoError(s.t, err)
	require.NoError(s.t, process.Start())
	s.process = process
	found := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if _, address, ok := strings.Cut(lines.Text(), "BACKSTOP_TEMPORAL_ADDRESS="); ok {
				found <- strings.Trim(address, `'"`)
			}
		}
	}()
	select {
	case s.Address = <-found:
	case <-time.After(startTimeout):
		s.Stop()
		require.Fail(s.t, "temporal did not start", "within %s", startTimeout)
	}
}
