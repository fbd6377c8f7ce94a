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

	"go.temporal.io/server/common/headers"
	"go.temporal.io/server/common/log"
)

const (
	databaseName = "backstop"
	keyFile      = "api-key"
)

var errBroken = errors.New("postgres ended by itself (see logs/postgres.log in the data folder)")

// stack is the services that one run of devstack has started.
type stack struct {
	given    flags
	data     *folder
	say      progress
	terminal io.Writer

	environment environment
	broken      <-chan struct{} // closed if our Postgres ends by itself; nil if devstack has started none

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

	if err := s.startUI(ctx); err != nil {
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
		s.admin, s.broken = server.url, server.done
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

func (s *stack) startTemporal(ctx context.Context) error {
	if !s.given.services.temporal {
		return nil
	}

	shards, err := s.chooseShards()
	if err != nil {
		return err
	}

	logger := temporalLog(s.data.logPath("temporal"), s.terminal)

	store, err := s.openStore(ctx, shards, logger)
	if err != nil {
		return err
	}

	release, err := lockPorts(ctx)
	if err != nil {
		return err
	}
	defer release()

	port, err := choosePort(s.given.ports.temporal, s.data.memo.TemporalPort, preferredTemporalPort)
	if err != nil {
		return fmt.Errorf("choose --temporal-port: %w", err)
	}

	// Saved first, because the server writes the number of shards into its store, where it cannot change.
	s.data.memo.Shards[s.given.temporalDB], s.data.memo.TemporalPort = shards, port
	if err := s.data.save(); err != nil {
		return err
	}

	server, err := startTemporal(ctx, store, port, logger)
	if err != nil {
		return err
	}

	s.onStop(server.stop)
	s.environment.add("BACKSTOP_TEMPORAL_ADDRESS", loopbackAddress(port))
	s.environment.add("BACKSTOP_TEMPORAL_NAMESPACE", namespace)
	s.say("temporal %s on %s (%s, %d shards)", headers.ServerVersion, loopbackAddress(port), s.given.temporalDB, shards)

	return nil
}

func (s *stack) openStore(ctx context.Context, shards int, logger log.Logger) (store, error) {
	if s.given.temporalDB == storePostgres {
		return openPostgres(ctx, s.admin, shards, logger)
	}

	return openSQLite(ctx, s.data.in("temporal.db"), shards, s.given.fast)
}

// chooseShards returns the number of history shards. The number of an existing store cannot change, because Temporal distributes
// workflows by it.
func (s *stack) chooseShards() (int, error) {
	asked, known := s.given.shards, s.data.memo.Shards[s.given.temporalDB]

	switch {
	case known != 0 && asked != 0 && asked != known:
		return 0, fmt.Errorf("--temporal-shards %d: the data in %s has %d shards, which cannot change", asked, s.data.path, known)
	case known != 0:
		return known, nil
	case asked != 0:
		return asked, nil
	case s.given.temporalDB == storePostgres:
		return postgresShards, nil
	default:
		return sqliteShards, nil
	}
}

func (s *stack) startUI(ctx context.Context) error {
	if !s.given.services.ui {
		return nil
	}

	release, err := lockPorts(ctx)
	if err != nil {
		return err
	}
	defer release()

	port, err := choosePort(s.given.ports.ui, s.data.memo.UIPort, preferredUIPort)
	if err != nil {
		return fmt.Errorf("choose --ui-port: %w", err)
	}

	ui, err := startUI(ctx, port, s.data.memo.TemporalPort, s.given.codec)
	if err != nil {
		return err
	}

	s.onStop(func() error { ui.server.Stop(); return nil })
	s.data.memo.UIPort = port
	s.environment.add("BACKSTOP_TEMPORAL_UI_URL", ui.url)
	s.say("temporal ui %s", ui.url)

	return s.data.save()
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
