package templates

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/backstophq/backstop/internal/accounts"
	"github.com/backstophq/backstop/internal/provider"
)

const (
	// Every is the time between two readings of an account.
	Every = 10 * time.Minute
	// pollEvery is the time between two looks for accounts that are due.
	pollEvery = 5 * time.Second
	// firstRetry is the time after the first failure. It doubles with each further one, up to longestRetry.
	firstRetry, longestRetry = time.Minute, time.Hour
	// readTimeout bounds a reading. It is shorter than the lease, so that a process stops before another one begins.
	readTimeout = 90 * time.Second
	lease       = 2 * time.Minute
	// maxFault is the longest text of a fault that is kept, in characters.
	maxFault = 500
	// readAtOnce is how many accounts are read at the same time, so that a slow provider delays no other.
	readAtOnce = 4
)

// Accounts has the accounts, open.
type Accounts interface {
	List() []accounts.Open
}

// Options are what a Syncer needs.
type Options struct {
	Store    Store
	Accounts Accounts
	Log      *slog.Logger
}

// Syncer reads the templates and the numbers of the accounts. Of several processes, one at a time reads an account.
type Syncer struct {
	store    Store
	accounts Accounts
	log      *slog.Logger
}

// New returns a Syncer, or an error if an option is missing.
func New(o Options) (*Syncer, error) {
	if o.Store == nil || o.Accounts == nil || o.Log == nil {
		return nil, errors.New("new syncer of templates: Store, Accounts and Log are required")
	}
	return &Syncer{store: o.Store, accounts: o.Accounts, log: o.Log}, nil
}

// Run reads the accounts that are due and counts their recipients, until ctx is done. A provider that does not answer delays no
// count.
func (s *Syncer) Run(ctx context.Context) {
	var loops sync.WaitGroup
	loops.Go(func() {
		repeat(ctx, s.SyncDue, func(err error) {
			if err != nil {
				s.log.WarnContext(ctx, "templates are not read: the store is away", slog.Any("error", err))
			} else {
				s.log.InfoContext(ctx, "templates are read again")
			}
		})
	})
	loops.Go(func() {
		repeat(ctx, s.CountDue, func(err error) {
			if err != nil {
				s.log.WarnContext(ctx, "recipients are not counted: the store is away", slog.Any("error", err))
			} else {
				s.log.InfoContext(ctx, "recipients are counted again")
			}
		})
	})
	loops.Wait()
}

// repeat calls do until ctx is done. It calls log when the store does not answer any more, and without an error when it answers
// again.
func repeat(ctx context.Context, do func(context.Context) error, log func(error)) {
	isAway := false
	for {
		err := do(ctx)
		if failed := err != nil && ctx.Err() == nil; failed != isAway {
			isAway = failed
			log(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(withJitter(pollEvery)):
		}
	}
}

// SyncDue reads the accounts that are due. It fails only if the store does.
func (s *Syncer) SyncDue(ctx context.Context) error {
	open := s.readable()
	if len(open) == 0 {
		return nil
	}
	versions := make(map[string]int, len(open))
	for name, o := range open {
		versions[name] = o.Version
	}
	due, err := s.store.DueSyncs(ctx, versions)
	if err != nil {
		return fmt.Errorf("find accounts to read: %w", err)
	}
	var readings errgroup.Group
	readings.SetLimit(readAtOnce)
	for _, name := range due {
		readings.Go(func() error { return s.sync(ctx, open[name]) })
	}
	return readings.Wait() //nolint:wrapcheck // sync wraps it
}

// readable returns the accounts that have something to read, by name.
func (s *Syncer) readable() map[string]accounts.Open {
	open := map[string]accounts.Open{}
	for _, o := range s.accounts.List() {
		if isReadable(o) {
			open[o.Name] = o
		}
	}
	return open
}

// isReadable reports whether the account's provider has something to read. An account that is disabled sends nothing.
func isReadable(o accounts.Open) bool {
	if o.IsDisabled || o.Client == nil {
		return false
	}
	_, lists := o.Client.(provider.TemplateLister)
	_, profiles := o.Client.(provider.Profiler)
	return lists || profiles
}

// sync reads one account, if no other process does.
func (s *Syncer) sync(ctx context.Context, o accounts.Open) error {
	claim, claimed, err := s.store.ClaimSync(ctx, o.Name, o.Version, lease)
	if err != nil || !claimed {
		return wrap("claim account", err)
	}
	reading := read(ctx, o.Client)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the program stops; the lease ends
	}
	reading.Next = nextAfter(claim, reading)
	before, saved, err := s.store.SaveSync(ctx, claim, reading)
	if err != nil || !saved {
		return wrap("store templates", err)
	}
	s.logReading(ctx, claim, before, reading)
	return nil
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// read asks the provider of an account.
func read(ctx context.Context, client provider.Client) Reading {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	var r Reading
	var faults []string
	lister, lists := client.(provider.TemplateLister)
	r.DropTemplates = !lists
	if lists {
		templates, err := lister.Templates(ctx)
		switch {
		case errors.Is(err, provider.ErrNoTemplates):
			r.DropTemplates = true
		case err != nil:
			faults = append(faults, "templates: "+err.Error())
		default:
			r.Templates, r.HasTemplates = templates, true
		}
	}
	if profiler, ok := client.(provider.Profiler); ok {
		profile, err := profiler.Profile(ctx)
		if err == nil {
			r.Profile = &profile
		} else {
			faults = append(faults, "number: "+err.Error())
		}
	}
	text := []rune(strings.Join(faults, "; "))
	r.Fault = string(text[:min(len(text), maxFault)])
	return r
}

// nextAfter returns the time until the next reading of an account. If nothing could be read, it grows with each failure.
func nextAfter(c Claim, r Reading) time.Duration {
	if r.Fault == "" || r.HasTemplates || r.Profile != nil {
		return withJitter(Every)
	}
	wait := longestRetry
	if c.Failures < 6 { // after 6 failures the wait is longer than the longest
		wait = min(firstRetry<<c.Failures, longestRetry)
	}
	return withJitter(wait)
}

// withJitter returns a duration that differs by up to 10 %, so that processes and accounts do not all act at once.
func withJitter(d time.Duration) time.Duration {
	return d*9/10 + rand.N(d/5) //nolint:gosec // jitter needs no secret randomness
}

// Apply stores what a webhook of a provider reports about its accounts, besides receipts. The webhook may concern other accounts
// than the one that it came to, and each account verifies it by its own secrets. Apply fails only if the store does; then the
// provider must repeat the webhook.
func (s *Syncer) Apply(ctx context.Context, providerName string, r *http.Request, body []byte) error {
	for _, o := range s.accounts.List() {
		notifier, ok := o.Client.(provider.Notifier)
		if !ok || o.Provider != providerName {
			continue
		}
		for _, notice := range notifier.Notices(r, body) {
			before, err := s.store.ApplyNotice(ctx, o.Name, notice)
			if err != nil {
				return fmt.Errorf("store notice: %w", err)
			}
			s.logNotice(ctx, o.Name, notice, before)
		}
	}
	return nil
}
