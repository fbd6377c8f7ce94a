// Package guards has the settings of the guards in one process, and counts what the guards did. The store makes the checks that
// must be exact over all processes.
package guards

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/backstophq/backstop"
)

const (
	// every is the pause between two exchanges with the store. So a change of the settings holds everywhere within two seconds.
	every = time.Second
	// storeTimeout bounds an exchange with the store.
	storeTimeout = 2 * time.Second
	// statsWindow is the range of the statistics. They begin at a full hour.
	statsWindow = 24 * time.Hour
	// maxStats is the most rows of the statistics.
	maxStats = 500
)

// Store keeps the settings and the results. Its errors have the type backstop.Error.
type Store interface {
	// Now returns the time by the store's clock.
	Now() time.Time
	Guards(ctx context.Context) (backstop.Guards, error)
	// ReplaceGuards writes settings over those of a version; otherwise the error has the code Stale.
	ReplaceGuards(ctx context.Context, g backstop.Guards, version int) (backstop.Guards, error)
	// AddGuardResults adds counts to the hours of their LastAt.
	AddGuardResults(ctx context.Context, counts []backstop.GuardCount) error
	GuardResults(ctx context.Context, since time.Time, limit int) ([]backstop.GuardCount, error)
}

// Keeper has the guards of one process. Its methods may be called concurrently.
type Keeper struct {
	store Store
	log   *slog.Logger
	hit   func(guard backstop.Guard, result backstop.GuardResult)

	current atomic.Pointer[backstop.Guards]
	full    fullCaps
	results results
	isAway  bool // the store did not answer; of Run alone
}

// Options are the options of New.
type Options struct {
	Store Store
	Log   *slog.Logger
	// Hit is called for each send that a guard has refused, answered or watched. It must not wait. Nil: none.
	Hit func(guard backstop.Guard, result backstop.GuardResult)
}

// New returns a Keeper whose guards are off. Load reads the settings.
func New(o Options) (*Keeper, error) {
	if o.Store == nil || o.Log == nil {
		return nil, errors.New("new guards: Store and Log are required")
	}
	if o.Hit == nil {
		o.Hit = func(backstop.Guard, backstop.GuardResult) {}
	}
	k := &Keeper{store: o.Store, log: o.Log, hit: o.Hit}
	k.current.Store(&backstop.Guards{})
	return k, nil
}

// Load reads the settings. If the store fails, they stay as they are.
func (k *Keeper) Load(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	g, err := k.store.Guards(ctx)
	if err != nil {
		return fmt.Errorf("load guards: %w", err)
	}
	k.adopt(g)
	return nil
}

// adopt makes settings the current ones, unless they are older.
func (k *Keeper) adopt(g backstop.Guards) {
	for {
		former := k.current.Load()
		if g.Version <= former.Version || k.current.CompareAndSwap(former, &g) {
			return
		}
	}
}

// Run loads the settings and stores the results once a second, until ctx is done.
func (k *Keeper) Run(ctx context.Context) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := errors.Join(k.Load(ctx), k.flush(ctx))
		if failed := err != nil && ctx.Err() == nil; failed != k.isAway {
			k.isAway = failed
			if failed {
				k.log.ErrorContext(ctx, "guards are not read: they stay as they are", slog.Any("error", err))
			} else {
				k.log.InfoContext(ctx, "guards are read again")
			}
		}
	}
}

// Close stores the results that are left. The caller stops its requests first.
func (k *Keeper) Close(ctx context.Context) {
	if err := k.flush(ctx); err != nil {
		k.log.WarnContext(ctx, "results of guards are lost", slog.Any("error", err))
	}
}

func (k *Keeper) flush(ctx context.Context) error {
	counts := k.results.take()
	if len(counts) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err := k.store.AddGuardResults(ctx, counts); err != nil {
		k.results.add(counts...)
		return fmt.Errorf("store results of guards: %w", err)
	}
	return nil
}

// Current returns the settings that this process has.
func (k *Keeper) Current() backstop.Guards { return *k.current.Load() }

// Guards returns the stored settings.
func (k *Keeper) Guards(ctx context.Context) (backstop.Guards, error) {
	g, err := k.store.Guards(ctx)
	if err != nil {
		return backstop.Guards{}, fmt.Errorf("get guards: %w", err)
	}
	k.adopt(g)
	return g, nil
}

// ReplaceGuards stores valid settings, which hold in this process at once.
func (k *Keeper) ReplaceGuards(ctx context.Context, g backstop.Guards, version int) (backstop.Guards, error) {
	stored, err := k.store.ReplaceGuards(ctx, g, version)
	if err != nil {
		return backstop.Guards{}, fmt.Errorf("replace guards: %w", err)
	}
	k.adopt(stored)
	k.log.InfoContext(ctx, "guards changed", slog.Int("version", stored.Version))
	return stored, nil
}

// GuardResults returns what the guards of all processes did in the last 24 hours, and the begin of these.
func (k *Keeper) GuardResults(ctx context.Context) ([]backstop.GuardCount, time.Time, error) {
	since := k.store.Now().Truncate(time.Hour).Add(time.Hour - statsWindow)
	counts, err := k.store.GuardResults(ctx, since, maxStats)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("get results of guards: %w", err)
	}
	return counts, since, nil
}
