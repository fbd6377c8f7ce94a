package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// lockPorts keeps the other devstacks of this user from choosing a port until release is called. It is held from the
// choice of a port to the moment something listens there, so that two that start together never choose the same.
func lockPorts(ctx context.Context) (release func(), err error) {
	path := filepath.Join(os.TempDir(), fmt.Sprintf("backstop-devstack-%d.lock", os.Geteuid()))

	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, modeSecret) //nolint:gosec // a path of our own
	if err != nil {
		return nil, fmt.Errorf("lock ports: %w", err)
	}

	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = file.Close() }, nil // and with it the lock
		}

		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("lock ports: %w", err), file.Close())
		}

		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("lock ports: %w", ctx.Err()), file.Close())
		case <-time.After(pollInterval):
		}
	}
}
