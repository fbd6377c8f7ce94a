package main

import (
	"context"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// signals handles signals: after the first devstack stops in an orderly way, after the second it exits at once.
type signals struct {
	first chan os.Signal // carries the first signal, once

	incoming chan os.Signal
	done     chan struct{}
	cancel   context.CancelFunc
	kill     func()

	number atomic.Int32 // of the first signal
	shared atomic.Bool  // the terminal sends SIGINT to the command too, which decides how to react
}

// watchSignals returns a context that the first signal cancels. After the second signal it calls kill, and the process exits.
func watchSignals(ctx context.Context, kill func()) (context.Context, *signals) {
	ctx, cancel := context.WithCancel(ctx)
	watch := &signals{
		first: make(chan os.Signal, 1), incoming: make(chan os.Signal, 1), done: make(chan struct{}),
		cancel: cancel, kill: kill,
	}

	signal.Notify(watch.incoming, syscall.SIGINT, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // nohup ignores it
		signal.Notify(watch.incoming, syscall.SIGHUP)
	}

	go watch.run()

	return ctx, watch
}

func (s *signals) run() {
	for {
		select {
		case <-s.done:
			return
		case received := <-s.incoming:
			s.handle(received)
		}
	}
}

func (s *signals) handle(received os.Signal) {
	number, _ := received.(syscall.Signal)

	switch {
	case number == syscall.SIGINT && s.shared.Load():
	case s.number.CompareAndSwap(0, int32(number)): //nolint:gosec // signals are small
		s.first <- received
		s.cancel()
	default:
		s.kill()
		os.Exit(exitSignal + int(number))
	}
}

// ignore ends the watch. Signals have their usual effect again.
func (s *signals) ignore() {
	signal.Stop(s.incoming)
	close(s.done)
	s.cancel()
}

// code is the exit code of a process that ended because of the first signal.
func (s *signals) code() int {
	if number := s.number.Load(); number != 0 {
		return exitSignal + int(number)
	}

	return exitFailure
}

// inForeground reports whether a Ctrl-C in the terminal reaches this process group, which includes the command.
func inForeground() bool {
	terminal, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer func() { _ = terminal.Close() }()

	group, err := unix.IoctlGetInt(int(terminal.Fd()), unix.TIOCGPGRP)

	return err == nil && group == unix.Getpgrp()
}
