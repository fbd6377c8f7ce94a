// Package subprocess runs child processes that end with their parent, for cmd/bench and cmd/chaos.
package subprocess

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Process is a child process in its own process group, so that a Ctrl-C does not reach it. On Linux the kernel ends it when its
// parent ends.
type Process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	err   error // set before ended is closed
}

// Start starts a command. The caller must stop or kill the process.
func Start(cmd *exec.Cmd) (*Process, error) {
	cmd.SysProcAttr = processAttributes()
	p := &Process{cmd: cmd, ended: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// Linux ends a child when the thread that started it ends, so this thread is locked until the child has ended.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return p, nil
}

// PID returns the id of the process.
func (p *Process) PID() int32 { return int32(p.cmd.Process.Pid) } //nolint:gosec // process ids are 32 bits wide

// Ended returns a channel that is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Err returns nil if the exit code is 0, else an error with the exit code or the signal. Call it only after Ended is closed.
func (p *Process) Err() error { return p.err }

// Signal sends a signal. If the process has ended, Signal does nothing.
func (p *Process) Signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal process: %w", err)
	}
	return nil
}

// Kill kills the process and waits until it has ended.
func (p *Process) Kill() error {
	err := p.Signal(syscall.SIGKILL)
	<-p.ended
	return err
}

// ErrKilled is the error of Stop if it has killed the process.
var ErrKilled = errors.New("the process did not end in time and was killed")

// Stop sends SIGTERM and waits until the process has ended. It also sends SIGCONT, because a frozen process handles SIGTERM
// only after it. After the grace period Stop kills the process and returns ErrKilled.
func (p *Process) Stop(grace time.Duration) error {
	err := errors.Join(p.Signal(syscall.SIGTERM), p.Signal(syscall.SIGCONT))
	select {
	case <-p.ended:
		return err
	case <-time.After(grace):
		return errors.Join(err, ErrKilled, p.Kill())
	}
}
