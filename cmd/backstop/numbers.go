package main

import (
	"context"
	"fmt"
	"io"
	"time"

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

// checkNumbers fails if this process has another setting, or another key, for phone numbers than the database.
func (p *program) checkNumbers(ctx context.Context) error {
	_, err := untilAnswered(ctx, p.log, func(ctx context.Context) (struct{}, error) { return struct{}{}, p.db.CheckNumbers(ctx) })
	return err
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
		if err != nil {
			return fmt.Errorf("convert numbers: %w (what was converted stays so: run it again)", err)
		}
		fmt.Fprintf(stdout, "converted %d rows\n", rows+now.Rows)
		return db.CheckNumbers(ctx)
	})
}
