package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/backstophq/backstop/internal/keyring"
	"github.com/backstophq/backstop/internal/postgres"
)

// openStore opens the database as a process does that serves.
func (p *program) openStore(ctx context.Context) (*postgres.DB, error) {
	ring, err := p.config.keyring()
	if err != nil {
		return nil, usageError{err}
	}
	options, err := p.config.Seal.options(postgres.Options{
		OptOuts: p.config.OptOuts.rules(), Log: p.log, Observer: p.observer(),
	}, ring)
	if err != nil {
		return nil, usageError{err}
	}
	return openDatabase(ctx, p.config.Database, options)
}

// beginServing stores that this process serves. It fails if the process has another setting, or another key, for phone numbers
// than the database.
func (p *program) beginServing(ctx context.Context) error {
	p.process = uuid.NewString()
	_, err := untilAnswered(ctx, p.log, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, p.db.Serve(ctx, p.process)
	})
	return err
}

// keepServing stores again and again that this process serves, and fails if the numbers were converted meanwhile: the process was
// stopped for so long that it counted as dead.
func (p *program) keepServing(ctx context.Context) error {
	ticker := time.NewTicker(postgres.ServingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		err := p.db.Serve(ctx, p.process)
		if mode, isOther := errors.AsType[postgres.NumberModeError](err); isOther {
			return mode
		}
	}
}

// endServing lets the numbers be converted.
func (p *program) endServing(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), postgres.ServingEvery)
	defer cancel()
	if err := p.db.StopServing(ctx, p.process); err != nil {
		p.log.WarnContext(ctx, "that this process has stopped is not stored", "error", err)
	}
}

// convertNumbers makes the phone numbers in the database what BACKSTOP_SEAL and BACKSTOP_NUMBER_KEY say.
func convertNumbers(ctx context.Context, environment map[string]string, stdout, _ io.Writer) error {
	return withKeys(ctx, environment, stdout, func(db *postgres.DB, _ *keyring.Keyring) error {
		var now postgres.Converted
		rows, reported := 0, time.Now()
		err := db.ConvertNumbers(ctx, func(c postgres.Converted) {
			if c.Table != now.Table {
				rows += now.Rows
			}
			if now = c; time.Since(reported) >= resealReport {
				reported = time.Now()
				fmt.Fprintf(stdout, "%s: %d rows so far\n", c.Table, c.Rows)
			}
		})
		if _, isRefused := errors.AsType[postgres.NumberModeError](err); isRefused {
			return fmt.Errorf("convert numbers: %w", err)
		}
		if err != nil {
			return fmt.Errorf("convert numbers: %w (what was converted stays so: run it again)", err)
		}
		fmt.Fprintf(stdout, "converted %d rows\n", rows+now.Rows)
		return db.CheckNumbers(ctx)
	})
}
