package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/backstophq/backstop/internal/postgres"
)

const (
	// resealBatch is how many rows one statement reads and writes. Their rows are locked for some milliseconds.
	resealBatch = 200
	// resealTries bounds the tries of a batch with rows that others have locked.
	resealTries  = 100
	resealPause  = 100 * time.Millisecond
	resealReport = 10 * time.Second
	// shownFaults is how many of the rows that do not open are named.
	shownFaults = 10
)

// resealing is the work of keys rotate on the texts.
type resealing struct {
	db     *postgres.DB
	stdout io.Writer

	seen, changed, faults int
	reported              time.Time
}

// resealTexts seals the texts of all rows with the first key. It pauses after each batch for as long as the batch took, so it
// takes half of what one connection can do at most.
func resealTexts(ctx context.Context, db *postgres.DB, stdout io.Writer) error {
	r := resealing{db: db, stdout: stdout, reported: time.Now()}
	for _, table := range postgres.SealedTables() {
		for last := ""; ; {
			began := time.Now()
			next, err := r.batch(ctx, table, last)
			if err != nil {
				return fmt.Errorf("seal texts: %w (what was sealed stays so: run it again)", err)
			}
			if last = next; last == "" {
				break
			}
			r.report()
			if err := pause(ctx, time.Since(began)); err != nil {
				return fmt.Errorf("seal texts: %w", err)
			}
		}
	}
	fmt.Fprintf(stdout, "sealed the texts of %d rows, of %d\n", r.changed, r.seen)
	if r.faults > 0 {
		return fmt.Errorf("the texts of %d rows cannot be opened", r.faults)
	}
	return nil
}

// batch seals one batch, and repeats it while others have locked some of its rows. It returns the id of the last row.
func (r *resealing) batch(ctx context.Context, table postgres.SealedTable, after string) (last string, err error) {
	for range resealTries {
		done, err := r.db.Reseal(ctx, table, after, resealBatch)
		if err != nil {
			return "", err
		}
		r.changed += done.Changed
		if done.Busy == 0 {
			r.seen += done.Seen
			r.note(table, done.Faults)
			return done.Last, nil
		}
		if err := pause(ctx, resealPause); err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("rows of %s after %q are locked all the time", table, after)
}

// note names the first rows that do not open.
func (r *resealing) note(table postgres.SealedTable, faults map[string]string) {
	for id, fault := range faults {
		if r.faults++; r.faults <= shownFaults {
			fmt.Fprintf(r.stdout, "row %s of %s: %s\n", id, table, fault)
		}
	}
}

func (r *resealing) report() {
	if time.Since(r.reported) >= resealReport {
		r.reported = time.Now()
		fmt.Fprintf(r.stdout, "sealed the texts of %d rows, of %d so far\n", r.changed, r.seen)
	}
}

// pause waits, unless ctx is done first.
func pause(ctx context.Context, length time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(length):
		return nil
	}
}
