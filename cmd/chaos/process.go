package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/backstophq/backstop/internal/subprocess"
)

// stopGrace is how long a child may take to end before it is killed. Backstop usually drains for up to 9 s: callLength and
// 5 s for the write that follows a call.
const stopGrace = 12 * time.Second

// child is a process that chaos has started.
type child struct {
	*subprocess.Process

	log   *os.File
	lines *lineBuffer // a copy of its standard output; nil unless captured
}

// startChild starts a program and appends its output to a log file. If capture is set, lines gets the standard output
// too.
func startChild(logPath string, env []string, capture bool, words ...string) (*child, error) {
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // a path of our own
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	cmd := exec.Command(words[0], words[1:]...) //nolint:gosec,noctx // our own programs; ended by stop
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), env...), log, log
	c := &child{log: log}
	if capture {
		c.lines = &lineBuffer{}
		cmd.Stdout = io.MultiWriter(log, c.lines)
	}
	if c.Process, err = subprocess.Start(cmd); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return c, nil
}

func (c *child) signal(s syscall.Signal) { _ = c.Signal(s) }

func (c *child) isAlive() bool {
	select {
	case <-c.Ended():
		return false
	default:
		return true
	}
}

// kill sends SIGKILL and waits until the child has ended.
func (c *child) kill() {
	_ = c.Kill()
	_ = c.log.Close()
}

// stop sends SIGTERM, and kills the child after stopGrace. A frozen child gets SIGCONT first.
func (c *child) stop() {
	_ = c.Stop(stopGrace)
	_ = c.log.Close()
}

// lineBuffer stores the output of a child.
type lineBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (b *lineBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p) //nolint:wrapcheck // it never fails
}

func (b *lineBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
