package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// server is Postgres or Temporal. Each runs under its own devstack, so that it can be killed alone.
type server struct {
	name   string // the name of the service in devstack
	folder string // the data folder of its devstack
	words  []string
	log    string
	env    []string
	say    say

	mu    sync.Mutex // locked while the service is down
	child *child
	url   string // for Postgres its URL, for Temporal host and port
}

// exportPattern returns the pattern of the line in which devstack prints the address of a service.
func exportPattern(service string) *regexp.Regexp {
	name := map[string]string{"postgres": "BACKSTOP_DATABASE_URL", "temporal": "BACKSTOP_TEMPORAL_ADDRESS"}[service]
	return regexp.MustCompile(`(?m)^export ` + name + `=(\S+)$`)
}

// startServer starts a service in its own folder. Temporal runs with --fast, because no fault cuts the power. Postgres does
// not: with synchronous_commit=off a killed Postgres would lose commits that are still in its memory.
func startServer(ctx context.Context, f flags, service, folder string, env []string, say say) (*server, error) {
	s := &server{
		name: service, folder: filepath.Join(folder, service), log: filepath.Join(folder, "logs", service+".log"),
		env: env, say: say,
	}
	s.words = []string{f.devstack, "--services", service, "--data", s.folder}
	if service == "temporal" {
		s.words = append(s.words, "--fast")
	}
	return s, s.start(ctx)
}

// start starts the service and waits until it is ready.
func (s *server) start(ctx context.Context) error {
	child, err := startChild(s.log, s.env, true, s.words...)
	if err != nil {
		return err
	}
	s.child = child
	pattern := exportPattern(s.name)
	for deadline := time.Now().Add(readyTimeout); ; {
		if found := pattern.FindStringSubmatch(child.lines.String()); found != nil {
			s.url = strings.Trim(found[1], "'")
			return nil
		}
		if !child.isAlive() || time.Now().After(deadline) {
			child.kill()
			return fmt.Errorf("start %s: it ended, or is not ready after %s; see %s", s.name, readyTimeout, s.log)
		}
		if !sleepFor(ctx, 20*time.Millisecond) {
			child.kill()
			return ctx.Err()
		}
	}
}

// restart kills the service with SIGKILL and starts it again after a pause.
func (s *server) restart(ctx context.Context, after time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.name == "postgres" {
		if err := s.killPostmaster(); err != nil {
			s.say("kill postgres: %v", err)
		}
	} else {
		s.child.kill()
	}
	sleepFor(ctx, after)
	// Processes of a killed Postgres hold its shared memory for a moment, and a new Postgres does not start meanwhile.
	for tries := 0; tries < 5 && ctx.Err() == nil; tries++ {
		err := s.start(ctx)
		if err == nil {
			return
		}
		s.say("%v", err)
		sleepFor(ctx, time.Second)
	}
}

// killPostmaster kills the Postgres server instead of devstack, because devstack would shut it down cleanly.
func (s *server) killPostmaster() error {
	pid, err := postmasterPID(s.folder)
	if err != nil {
		return fmt.Errorf("find postgres: %w", err)
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
	select {
	case <-s.child.Ended(): // devstack ends with its server
	case <-time.After(stopGrace):
		s.child.kill()
	}
	return nil
}

// postmasterPID returns the process id of the Postgres of a devstack, from the file in which Postgres stores it.
func postmasterPID(devstack string) (int, error) {
	text, err := os.ReadFile(filepath.Join(devstack, "state.json")) //nolint:gosec // a path of our own
	if err != nil {
		return 0, err //nolint:wrapcheck // it names the file
	}
	state := struct {
		Home string `json:"postgres_home"` // empty: Postgres has its data in the folder of devstack
	}{}
	if err := json.Unmarshal(text, &state); err != nil {
		return 0, fmt.Errorf("read state.json: %w", err)
	}
	text, err = os.ReadFile(filepath.Join(cmp.Or(state.Home, devstack), "postgres", "postmaster.pid"))
	if err != nil {
		return 0, err //nolint:wrapcheck // it names the file
	}
	pid, _, _ := strings.Cut(string(text), "\n")
	return strconv.Atoi(pid) //nolint:wrapcheck // it names the text
}

// address returns the address of the service. During a restart it waits.
func (s *server) address() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.url
}

func (s *server) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.child != nil {
		s.child.stop()
	}
}

// serve is a Backstop process that restarts whenever it ends.
type serve struct {
	name, address    string // the address is empty if the process has no API
	program, command string
	isLater          bool // startServes does not start it

	mu      sync.Mutex
	child   *child
	pause   time.Duration // before the next start; negative if kill was not called
	stopped bool
	over    chan struct{}
	crashes int // how often the process ended by itself
	pids    []int32
}

const restartPause = 500 * time.Millisecond

// start starts the process, and starts it again whenever it ends, until stop.
func (s *serve) start(env []string, log string, say say) {
	s.over = make(chan struct{})
	s.mu.Lock()
	s.stopped = false
	s.mu.Unlock()
	go func() {
		defer close(s.over)
		for {
			s.mu.Lock()
			if s.stopped {
				s.mu.Unlock()
				return
			}
			child, err := startChild(log, env, false, s.program, s.command)
			s.child, s.pause = child, -1
			if err == nil {
				s.pids = append(s.pids, child.PID())
			}
			s.mu.Unlock()
			if err != nil {
				say("%s: %v", s.name, err)
				return
			}
			<-child.Ended()
			_ = child.log.Close()
			s.mu.Lock()
			pause := s.pause
			if pause < 0 && !s.stopped {
				s.crashes++
				say("%s ended by itself; see %s", s.name, log)
				pause = restartPause
			}
			s.mu.Unlock()
			time.Sleep(max(pause, 0))
		}
	}()
}

// crashed returns how often the process ended by itself.
func (s *serve) crashed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.crashes
}

// current returns the process that was started last.
func (s *serve) current() *child {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.child
}

// kill sends SIGKILL; the process starts again after a pause. It returns false if the process does not run.
func (s *serve) kill(after time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.child == nil || !s.child.isAlive() {
		return false
	}
	s.pause = after
	s.child.signal(syscall.SIGKILL)
	return true
}

func (s *serve) stop() { _ = s.end(func(c *child) error { return c.Stop(stopGrace) }) }

// end ends the process for good. The error is that of the function, or says that the exit code was not 0.
func (s *serve) end(by func(*child) error) error {
	s.mu.Lock()
	s.stopped = true
	child := s.child
	s.mu.Unlock()
	if child == nil {
		return nil
	}
	err := by(child)
	<-s.over
	return errors.Join(err, child.Err())
}

// isRunning reports whether the process was started and not stopped.
func (s *serve) isRunning() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.child != nil && !s.stopped
}
