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

// stopGrace is how long a child may take to end before it is killed. Backstop usually drains for up to 9 s: callLength and
// 5 s for the write that follows a call.
const stopGrace = 12 * time.Second

// child is a process that chaos has started.
type child struct {
	cmd   *exec.Cmd
	log   *os.File
	ended chan struct{} // closed when the process has ended
	lines *lineBuffer   // a copy of its standard output; nil unless captured
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
	cmd.SysProcAttr = attributes()
	c := &child{cmd: cmd, log: log, ended: make(chan struct{})}
	if capture {
		c.lines = &lineBuffer{}
		cmd.Stdout = io.MultiWriter(log, c.lines)
	}
	started := make(chan error, 1)
	go func() {
		// Linux sends Pdeathsig when the thread that started the child ends, so this thread lives as long as the child.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // the log has the reason
			close(c.ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", words[0], err), log.Close())
	}
	return c, nil
}

func (c *child) signal(s syscall.Signal) { _ = c.cmd.Process.Signal(s) } // the process may have ended

func (c *child) isAlive() bool {
	select {
	case <-c.ended:
		return false
	default:
		return true
	}
}

// kill sends SIGKILL and waits until the child has ended.
func (c *child) kill() {
	c.signal(syscall.SIGKILL)
	<-c.ended
	_ = c.log.Close()
}

// stop sends SIGTERM, and kills the child after stopGrace. A frozen child gets SIGCONT first.
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
