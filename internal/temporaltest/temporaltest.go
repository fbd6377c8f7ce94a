// Package temporaltest runs real Temporal servers for tests: devstack, as a process that a test can stop, freeze and
// start again on the same port with the same data.
package temporaltest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Each server has a port of its own, below the ranges that Linux (32768) and macOS (49152) take the client side of
// connections from. Left to itself a devstack prefers 7233, and would take it from a server that is stopped for a while.
const firstPort, lastPort = 20000, 32000

func pickPort() string {
	for {
		port := strconv.Itoa(firstPort + rand.IntN(lastPort-firstPort))
		var config net.ListenConfig
		if listener, err := config.Listen(context.Background(), "tcp", "127.0.0.1:"+port); err == nil {
			listener.Close()
			return port
		}
	}
}

// startTimeout is generous: a start takes one to two seconds on an idle machine.
const startTimeout = time.Minute

// Server is a Temporal server.
type Server struct {
	Address string // host:port of the frontend; the same after a Restart

	data    string
	process *exec.Cmd
}

// Start starts a server for one test, which keeps its data in a folder of the test and ends with it. It fails the
// test if there is no devstack: "make test" provides one.
func Start(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{data: tb.TempDir()}
	tb.Cleanup(func() { s.Stop(tb) })
	failOnError(tb, s.launch(pickPort()))
	return s
}

// Stop ends the server; it does nothing if it has ended.
func (s *Server) Stop(tb testing.TB) {
	tb.Helper()
	failOnError(tb, s.stop())
}

// Restart starts a stopped server on its old port with its old data.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	_, port, _ := strings.Cut(s.Address, ":")
	failOnError(tb, s.launch(port))
}

// Freeze leaves the server's connections open and without an answer, until Thaw.
func (s *Server) Freeze(tb testing.TB) {
	tb.Helper()
	failOnError(tb, s.process.Process.Signal(syscall.SIGSTOP))
}

// Thaw ends a Freeze.
func (s *Server) Thaw(tb testing.TB) {
	tb.Helper()
	failOnError(tb, s.process.Process.Signal(syscall.SIGCONT))
}

func failOnError(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func (s *Server) stop() error {
	if s.process == nil {
		return nil
	}
	process := s.process
	s.process = nil
	_ = process.Process.Signal(syscall.SIGCONT) // a frozen server would never end
	_ = process.Process.Signal(syscall.SIGTERM) // it may have ended by itself, which Wait tells
	if err := process.Wait(); err != nil {
		return fmt.Errorf("stop temporal: %w", err)
	}
	return nil
}

func (s *Server) launch(port string) error {
	devstack := os.Getenv("BACKSTOP_DEVSTACK")
	if devstack == "" {
		return errors.New("run make test, or set BACKSTOP_DEVSTACK to a devstack")
	}
	process := exec.CommandContext(context.Background(), devstack,
		"--fast", "--services", "temporal", "--data", s.data, "--temporal-port", port)
	var said strings.Builder
	process.Stderr = &said
	out, err := process.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start temporal: %w", err)
	}
	if err := process.Start(); err != nil {
		return fmt.Errorf("start temporal: %w", err)
	}
	s.process = process
	found := make(chan string, 1)
	go readAddress(out, found)
	select {
	case address, ok := <-found:
		if ok {
			s.Address = address
			return nil
		}
	case <-time.After(startTimeout):
	}
	err = errors.Join(fmt.Errorf("start temporal: not up within %s", startTimeout), s.stop())
	return fmt.Errorf("%w\n%s", err, said.String())
}

// readAddress reads what devstack prints, to the end, so that it never waits for a reader.
func readAddress(out io.Reader, found chan<- string) {
	defer close(found)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, address, ok := strings.Cut(lines.Text(), "BACKSTOP_TEMPORAL_ADDRESS="); ok {
			found <- strings.Trim(address, `'"`)
		}
	}
}
