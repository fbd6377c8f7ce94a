//go:build !cli

package main

import (
	"context"
	"fmt"

	"go.temporal.io/server/common/headers"
	"go.temporal.io/server/common/log"
)

// defaultTemporal is the Temporal that devstack starts unless --temporal says another.
const defaultTemporal = temporalEmbedded

// startEmbedded starts the Temporal server and its UI in this process.
func (s *stack) startEmbedded(ctx context.Context) error {
	if err := s.startServer(ctx); err != nil {
		return err
	}

	return s.startUI(ctx)
}

func (s *stack) startServer(ctx context.Context) error {
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
