package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	databaseName = "backstop"
	keyFile      = "api-key"
)

var (
	errBroken         = errors.New("postgres ended by itself (see logs/postgres.log in the data folder)")
	errTemporalBroken = errors.New("temporal ended by itself (see logs/temporal.log in the data folder)")
)

// stack is the services that one run of devstack has started.
type stack struct {
	given    flags
	data     *folder
	say      progress
	terminal io.Writer

	environment environment
	broken      chan error // gets a reason if a process of ours ends by itself

	admin *url.URL // of the Postgres in use; nil: none

	stops []func() error // in the order of the starts

	lock  sync.Mutex // guards kills, because kill runs concurrently with the rest
	kills []func()
}

// start starts the services of the flags, each after the services that it needs. If it fails, the caller must call stop.
func (s *stack) start(ctx context.Context) error {
	begun := time.Now()

	key, err := s.data.secret(keyFile)
	if err != nil {
		return err
	}

	if err := s.startPostgres(ctx); err != nil {
		return err
	}

	if err := s.startTemporal(ctx); err != nil {
		return err
	}

	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find own program: %w", err)
	}

	s.environment.add("BACKSTOP_API_KEY", key)
	s.environment.add("BACKSTOP_DEVSTACK", self)
	s.say("api key in %s", s.data.in(keyFile))
	s.say("ready in %.1f s", time.Since(begun).Seconds())

	return nil
}

func (s *stack) startPostgres(ctx context.Context) error {
	s.admin = s.given.postgresURL

	if s.given.services.postgres && s.admin == nil {
		server, err := startPostgres(ctx, s.given, s.data, s.say)
		if err != nil {
			return err
		}

		s.onStop(server.stop)
		s.onKill(server.kill)
		s.admin = server.url
		s.watch(server.done, errBroken)
		s.data.memo.PostgresPort = server.port
		s.say("postgres %s on %s", server.bin.version, server.url.Host)

		if err := s.data.save(); err != nil {
			return err
		}
	}

	if !s.given.services.postgres {
		return nil
	}

	made, err := createDatabase(ctx, s.admin, databaseName)
	if err != nil {
		return err
	}

	s.environment.add("BACKSTOP_DATABASE_URL", made.String())

	return nil
}

// startTemporal starts Temporal and its UI.
func (s *stack) startTemporal(ctx context.Context) error {
	switch {
	case !s.given.services.temporal:
		return nil
	case s.given.temporal == temporalCLI:
		return s.startCLI(ctx)
	default:
		return s.startEmbedded(ctx)
	}
}

// watch notes that a process is needed: broken gets the reason if it ends. After a stop nobody reads it.
func (s *stack) watch(ended <-chan struct{}, reason error) {
	go func() {
		<-ended
		select {
		case s.broken <- reason:
		default: // another one was the first
		}
	}()
}

// onStop adds a function that stop calls.
func (s *stack) onStop(stop func() error) { s.stops = append(s.stops, stop) }

// onKill adds a function that kill calls, for a process that would outlive this one.
func (s *stack) onKill(kill func()) {
	s.lock.Lock()
	defer s.lock.Unlock()

	s.kills = append(s.kills, kill)
}

// stop stops everything, in the reverse order of the starts.
func (s *stack) stop() error {
	var failures []error
	for _, stop := range slices.Backward(s.stops) {
		failures = append(failures, stop())
	}

	return errors.Join(failures...)
}

// kill ends the processes that would outlive this one, without waiting.
func (s *stack) kill() {
	s.lock.Lock()
	defer s.lock.Unlock()

	for _, kill := range s.kills {
		kill()
	}
}
