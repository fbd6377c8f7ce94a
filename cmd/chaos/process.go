package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// stopGrace is what a child has to end in before it is killed. Backstop drains for 10 s at most.
const stopGrace = 12 * time.Second

// child is a process that ends with this one.
type child struct {
	cmd   *exec.Cmd
	log   *os.File
	ended chan struct{} // closed when it has ended
	lines *lineBuffer   // its standard output; nil if that goes to the log
}

// startChild starts a program. Its output goes to the end of a log file; what it prints may be read from lines.
func startChild(logPath string, env []string, capture bool, words ...string) (*child, error) {
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // a path of our own
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	cmd := exec.Command(words[0], words[1:]...) //nolint:gosec,noctx // our own programs; ended by stop
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), env...), log, log
	cmd.SysProcAttr = attributes()
	c := &child{cmd: cmd, log: log, ended: make(chan struct{})}
	if capture {
		c.lines = &lineBuffer{}
		cmd.Stdout = io.MultiWriter(log, c.lines)
	}
	started := make(chan error, 1)
	go func() {
		// On Linux a child is told of the end of the thread that started it, so this thread lives as long as the child.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
			close(c.ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", words[0], err), log.Close())
	}
	return c, nil
}

func (c *child) signal(s syscall.Signal) { _ = c.cmd.Process.Signal(s) } // it may have ended by itself

func (c *child) isAlive() bool {
	select {
	case <-c.ended:
		return false
	default:
		return true
	}
}

// kill ends the child as a crash does, and waits until it is gone.
func (c *child) kill() {
	c.signal(syscall.SIGKILL)
	<-c.ended
	_ = c.log.Close()
}

// stop ends the child, orderly if it can.
func (c *child) stop() {
	c.signal(syscall.SIGCONT)
	c.signal(syscall.SIGTERM)
	select {
	case <-c.ended:
		_ = c.log.Close()
	case <-time.After(stopGrace):
		c.kill()
	}
}

// lineBuffer keeps what a child prints.
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
