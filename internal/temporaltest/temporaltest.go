// Package temporaltest runs real Temporal servers for tests. A server is a devstack process. A test can stop it, freeze it, and
// restart it on the same port with the same data.
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

// Each server has its own port. The ports are below the ephemeral ports of Linux (from 32768) and macOS (from 49152). Without
// an explicit port, devstack prefers 7233, and a second server could then use the port of a server that is stopped.
const firstPort, lastPort = 20000, 32000

// pickPort returns a random free port.
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

// startTimeout is the maximum time of a start. A start takes 1 to 2 s on an idle machine.
const startTimeout = time.Minute

// Server is a Temporal server.
type Server struct {
	Address string // host:port of the frontend; the same after a Restart

	data    string
	process *exec.Cmd
}

// Start starts a server for one test. The server stores its data in a folder of the test, and stops at the end of the test. If
// there is no devstack, Start fails the test: "make test" builds one.
func Start(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{data: tb.TempDir()}
	tb.Cleanup(func() { s.Stop(tb) })
	failOnError(tb, s.launchDevstack(pickPort()))
	return s
}

// Stop stops the server. If the server is not running, Stop does nothing.
func (s *Server) Stop(tb testing.TB) {
	tb.Helper()
	failOnError(tb, s.stopDevstack())
}

// Restart starts a stopped server again, on the same port with the same data.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	_, port, _ := strings.Cut(s.Address, ":")
	failOnError(tb, s.launchDevstack(port))
}

// Freeze pauses the server until Thaw. Its connections stay open, but have no answers.
func (s *Server) Freeze(tb testing.TB) {
	tb.Helper()
	failOnError(tb, s.process.Process.Signal(syscall.SIGSTOP))
}

// Thaw resumes a frozen server.
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

func (s *Server) stopDevstack() error {
	if s.process == nil {
		return nil
	}
	process := s.process
	s.process = nil
	_ = process.Process.Signal(syscall.SIGCONT) // a frozen server handles SIGTERM only after SIGCONT
	_ = process.Process.Signal(syscall.SIGTERM) // an error means that the process has ended: Wait returns why
	if err := process.Wait(); err != nil {
		return fmt.Errorf("stop temporal: %w", err)
	}
	return nil
}

func (s *Server) launchDevstack(port string) error {
	devstack := os.Getenv("BACKSTOP_DEVSTACK")
	if devstack == "" {
		return errors.New("start temporal: no devstack: run make test, or set BACKSTOP_DEVSTACK to the path of a devstack")
	}
	process := exec.CommandContext(context.Background(), devstack,
		"--fast", "--services", "temporal", "--data", s.data, "--temporal-port", port)
	var stderr strings.Builder
	process.Stderr = &stderr
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
	err = errors.Join(fmt.Errorf("start temporal: not ready within %s", startTimeout), s.stopDevstack())
	return fmt.Errorf("%w\n%s", err, stderr.String())
}

// readAddress reads the address from devstack's output. It reads to the end, so that devstack never blocks on a full pipe.
func readAddress(out io.Reader, found chan<- string) {
	defer close(found)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, address, ok := strings.Cut(lines.Text(), "BACKSTOP_TEMPORAL_ADDRESS="); ok {
			found <- strings.Trim(address, `'"`)
		}
	}
}
