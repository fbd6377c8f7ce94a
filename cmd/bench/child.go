package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// childGrace is what a child has to end in: less than the 10 s that devstack gives the bench.
const childGrace = 8 * time.Second

// child is a process that ends with this one.
type child struct {
	name  string
	cmd   *exec.Cmd
	log   *os.File
	say   say
	ended chan struct{}
	cause error // how it ended, once ended is closed
}

// childOptions say how a child is started. Stdin and Stdout are optional.
type childOptions struct {
	Name   string
	Words  []string
	Env    map[string]string // in addition to this process's
	Stdin  io.Reader
	Stdout io.Writer // by default the log
	Say    say       // told of a log that is worth reading
}

// startChild starts a process whose output goes to a log in the temporary folder.
func startChild(o childOptions) (*child, error) {
	log, err := os.CreateTemp("", "backstop-bench-"+o.Name+"-*.log")
	if err != nil {
		return nil, fmt.Errorf("create log: %w", err)
	}
	cmd := exec.Command(o.Words[0], o.Words[1:]...) //nolint:gosec,noctx // our own programs; ended by stop
	cmd.Env = os.Environ()
	for name, value := range o.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = o.Stdin, o.Stdout, log
	if o.Stdout == nil {
		cmd.Stdout = log
	}
	cmd.SysProcAttr = attributes()
	c := &child{name: o.Name, cmd: cmd, log: log, say: o.Say, ended: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// On Linux a child is told of the end of the thread that started it, so this thread lives as long as the child.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			c.cause = cmd.Wait()
			close(c.ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", o.Name, err), c.closeLog())
	}
	return c, nil
}

// pid is that of the running child.
func (c *child) pid() int32 { return int32(c.cmd.Process.Pid) } //nolint:gosec // process ids are 32 bits wide

// watch cancels with a cause when the child ends by itself.
func (c *child) watch(stop context.CancelCauseFunc) {
	go func() {
		<-c.ended
		stop(fmt.Errorf("%s ended: %w; its log is %s", c.name, c.cause, c.log.Name()))
	}()
}

// stop ends the child and waits for it.
func (c *child) stop() error {
	var err error
	if signalled := c.cmd.Process.Signal(syscall.SIGTERM); signalled != nil && !errors.Is(signalled, os.ErrProcessDone) {
		err = fmt.Errorf("stop %s: %w", c.name, signalled)
	}
	select {
	case <-c.ended:
	case <-time.After(childGrace):
		err = errors.Join(err, fmt.Errorf("stop %s: it had to be killed", c.name), c.cmd.Process.Kill())
		<-c.ended
	}
	return errors.Join(err, c.closeLog())
}

// closeLog removes a log that says nothing.
func (c *child) closeLog() error {
	info, err := c.log.Stat()
	if err = errors.Join(err, c.log.Close()); err != nil {
		return fmt.Errorf("close log of %s: %w", c.name, err)
	}
	if info.Size() > 0 {
		c.say("%s logged warnings: %s", c.name, c.log.Name())
		return nil
	}
	if err := os.Remove(c.log.Name()); err != nil {
		return fmt.Errorf("remove log of %s: %w", c.name, err)
	}
	return nil
}

// runChild runs a process to its end.
func runChild(ctx context.Context, o childOptions) error {
	var said strings.Builder
	o.Stdout = &said
	c, err := startChild(o)
	if err != nil {
		return err
	}
	stop := sync.OnceValue(c.stop)
	select {
	case <-c.ended:
	case <-ctx.Done():
		return errors.Join(ctx.Err(), stop())
	}
	if c.cause != nil {
		return fmt.Errorf("run %s: %w; its log is %s; %s", o.Name, c.cause, c.log.Name(), said.String())
	}
	return stop()
}
