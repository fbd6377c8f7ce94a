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

// stopGrace is what a process has to end in before it is killed. Backstop drains for 10 s at most.
const stopGrace = 12 * time.Second

// child is a subprocess with a log.
type child struct {
	*subprocess.Process

	log   *os.File
	lines *lineBuffer // its standard output; nil if that goes to the log
}

// startChild starts a program. Its output goes to the end of a log file; if capture is set, its standard output can also be
// read from lines.
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

// kill ends the process as a crash does, and waits until it is gone.
func (c *child) kill() {
	_ = c.Kill()
	_ = c.log.Close()
}

// stop ends the process, orderly if it can.
func (c *child) stop() {
	_ = c.Stop(stopGrace)
	_ = c.log.Close()
}

// lineBuffer keeps what a process prints.
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
