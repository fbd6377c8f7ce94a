package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/backstophq/backstop/internal/subprocess"
)

// childStopTimeout bounds the end of a child. It is shorter than the 10 s after which devstack kills the bench.
const childStopTimeout = 8 * time.Second

// child is a subprocess with a log.
type child struct {
	*subprocess.Process

	name        string
	log         *os.File
	logProgress progressLog
	isReplaced  atomic.Bool // its end is no fault
}

// childOptions are the options of startChild. Stdin and Stdout are optional.
type childOptions struct {
	Name        string
	Words       []string
	Env         map[string]string // added to the environment of this process
	Stdin       io.Reader
	Stdout      io.Writer   // default: the log
	LogProgress progressLog // prints the name of a log that is not empty
}

// startChild starts a process. Its output goes to a log in the temporary folder.
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
	c := &child{name: o.Name, log: log, logProgress: o.LogProgress}
	if c.Process, err = subprocess.Start(cmd); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", o.Name, err), c.closeLog())
	}
	return c, nil
}

// cancelAtEnd cancels a context when the child ends. The cause names the log of the child.
func (c *child) cancelAtEnd(cancel context.CancelCauseFunc) {
	go func() {
		<-c.Ended()
		if c.isReplaced.Load() {
			return
		}
		cancel(fmt.Errorf("%s ended: %w; its log is %s", c.name, c.Err(), c.log.Name()))
	}()
}

// stop ends the child and waits for it.
func (c *child) stop() error {
	err := c.Stop(childStopTimeout)
	if err != nil {
		err = fmt.Errorf("stop %s: %w", c.name, err)
	}
	return errors.Join(err, c.closeLog())
}

// closeLog closes the log. It removes an empty log and prints the name of any other.
func (c *child) closeLog() error {
	info, err := c.log.Stat()
	if err = errors.Join(err, c.log.Close()); err != nil {
		return fmt.Errorf("close log of %s: %w", c.name, err)
	}
	if info.Size() > 0 {
		c.logProgress("%s logged warnings: %s", c.name, c.log.Name())
		return nil
	}
	if err := os.Remove(c.log.Name()); err != nil {
		return fmt.Errorf("remove log of %s: %w", c.name, err)
	}
	return nil
}

// runChild runs a process and waits for its end.
func runChild(ctx context.Context, o childOptions) error {
	var output strings.Builder
	o.Stdout = &output
	c, err := startChild(o)
	if err != nil {
		return err
	}
	stop := sync.OnceValue(c.stop)
	select {
	case <-c.Ended():
	case <-ctx.Done():
		return errors.Join(ctx.Err(), stop())
	}
	if c.Err() != nil {
		return fmt.Errorf("run %s: %w; its log is %s; %s", o.Name, c.Err(), c.log.Name(), output.String())
	}
	return stop()
}
