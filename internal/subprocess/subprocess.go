// Package subprocess runs processes that end with this one, for the programs that measure and break Backstop.
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

// Process is a process in a group of its own, so that a Ctrl-C does not reach it. On Linux the kernel ends it with this one.
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
		// Linux ends a child with the thread that started it, so this thread lives as long as the child.
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

// Ended is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Err returns how the process ended: nil after exit code 0. It must not be called before Ended is closed.
func (p *Process) Err() error { return p.err }

// Signal sends a signal. A process that has ended ignores it.
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

// ErrKilled is the error of Stop if the process had to be killed.
var ErrKilled = errors.New("it had to be killed")

// Stop asks the process to end, also if it is frozen, and waits. After the grace it kills the process and returns ErrKilled.
func (p *Process) Stop(grace time.Duration) error {
	err := errors.Join(p.Signal(syscall.SIGTERM), p.Signal(syscall.SIGCONT))
	select {
	case <-p.ended:
		return err
	case <-time.After(grace):
		return errors.Join(err, ErrKilled, p.Kill())
	}
}
