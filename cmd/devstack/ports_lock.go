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

// lockPorts locks the choice of ports for all devstacks of this user, until release is called. The caller holds the lock from
// the choice of a port until a server listens there, so two devstacks never choose the same port.
func lockPorts(ctx context.Context) (release func(), err error) {
	path := filepath.Join(os.TempDir(), fmt.Sprintf("backstop-devstack-%d.lock", os.Geteuid()))

	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, modeSecret) //nolint:gosec // a path of our own
	if err != nil {
		return nil, fmt.Errorf("lock ports: %w", err)
	}

	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = file.Close() }, nil // this releases the lock
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
