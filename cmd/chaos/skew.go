package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// planSkew chooses how wrong Postgres's clock is. In about half of the runs it is right. Only Postgres can get a wrong
// clock: faketime replaces the clock of libc, which Go programs do not use. So the clocks of Backstop and Temporal
// differ from Postgres's clock.
func planSkew(random *rand.Rand, kinds []faultKind) time.Duration {
	if !slices.Contains(kinds, skewPostgres) || random.IntN(2) == 0 {
		return 0
	}
	skew := 20*time.Second + time.Duration(random.Int64N(int64(30*time.Second)))
	if random.IntN(2) == 0 {
		return -skew
	}
	return skew
}

// wrongClock makes a folder of Postgres programs for PATH. The server in it starts with a wrong clock.
func wrongClock(skew time.Duration) (folder string, err error) {
	library, err := newestPath("/usr/lib/*/faketime/libfaketime.so.1")
	if err != nil {
		return "", errors.New("libfaketime is missing (Debian: apt-get install faketime)")
	}
	server, err := newestPath("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		return "", err
	}
	if folder, err = os.MkdirTemp("", "backstop-chaos-clock-"); err != nil {
		return "", fmt.Errorf("make folder: %w", err)
	}
	script := fmt.Sprintf("#!/bin/sh\nexport LD_PRELOAD=%s FAKETIME=%+ds FAKETIME_DONT_FAKE_MONOTONIC=1\nexec %s \"$@\"\n",
		library, int(skew.Seconds()), server)
	programs, err := filepath.Glob(filepath.Join(filepath.Dir(server), "*"))
	if err != nil {
		return "", fmt.Errorf("list programs of postgres: %w", err)
	}
	for _, program := range programs {
		if program != server {
			err = errors.Join(err, os.Symlink(program, filepath.Join(folder, filepath.Base(program))))
		}
	}
	// If chaos runs as root, Postgres runs as another user.
	const everybody = 0o755
	wrapper := filepath.Join(folder, "postgres")
	err = errors.Join(err, os.WriteFile(wrapper, []byte(script), everybody), os.Chmod(folder, everybody))
	if err != nil {
		return "", errors.Join(fmt.Errorf("make programs with a wrong clock: %w", err), os.RemoveAll(folder))
	}
	return folder, nil
}

// newestPath returns the last path that matches a pattern, in alphabetical order.
func newestPath(pattern string) (string, error) {
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("find %s: there is none", pattern)
	}
	return found[len(found)-1], nil
}
