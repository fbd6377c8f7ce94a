package temporaltest

import (
	"fmt"
	"os"
	"sync"
	"testing"
)

// Shared is a server for all tests of a package. Each test uses its own namespace. The zero value is ready to use:
//
//	var temporal temporaltest.Shared
//
//	func TestMain(m *testing.M) { os.Exit(temporal.Main(m)) }
type Shared struct {
	once   sync.Once
	server *Server
	err    error
}

// Server returns the server. The first call starts it.
func (s *Shared) Server(tb testing.TB) *Server {
	tb.Helper()
	s.once.Do(func() {
		data, err := os.MkdirTemp("", "temporaltest") //nolint:usetesting // the folder is used after the test
		if err != nil {
			s.err = fmt.Errorf("start temporal: %w", err)
			return
		}
		s.server = &Server{data: data}
		s.err = s.server.launchDevstack(pickPort())
	})
	failOnError(tb, s.err)
	return s.server
}

// Main runs the tests of a package, then stops the server and returns the exit code.
func (s *Shared) Main(m *testing.M) int {
	code := m.Run()
	if s.server == nil {
		return code
	}
	if err := s.server.stopDevstack(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	if err := os.RemoveAll(s.server.data); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return code
}
