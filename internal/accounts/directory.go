package accounts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/keyring"
	"github.com/backstophq/backstop/internal/provider"
)

// pollEvery is the time between two looks for changes of other processes.
const pollEvery = 2 * time.Second

// Options are the dependencies of a Directory.
type Options struct {
	Store      Store
	Keyring    *keyring.Keyring // empty: accounts cannot be stored
	Drivers    []provider.Driver
	PublicURLs []*url.URL        // of the API as providers see it; the first is the present one
	Secrets    *provider.Secrets // which failures hide
	Log        *slog.Logger

	FromEnvironment []backstop.Account // the first of each channel is its default

	Sandbox *url.URL // where providers are simulated; nil: nowhere

	Health func(account string) backstop.AccountHealth // nil: the health is unknown

	// Changed is called after an account was replaced or deleted here, so that its health is judged anew; may be nil.
	Changed func(ctx context.Context, account string)

	Now func() time.Time // nil: time.Now
}

// Directory has all accounts, open. Its methods may be called concurrently.
type Directory struct {
	o           Options
	environment []Open

	mu     sync.Mutex // of a load
	mark   int64      // of the store, at the newest load; 0 before the first
	stored []entry    // the oldest first

	current   atomic.Pointer[snapshot]
	refreshes refreshes
}

// Open is an account with its driver and its client.
type Open struct {
	backstop.Account

	Driver provider.Driver
	Client provider.Client // nil if the account has a fault and never was open
	Fault  string          // why the stored account cannot be opened; the client is then of its former settings

	HidesStored bool // an account of the environment that hides a stored one of the same name
}

// snapshot is an immutable list of all accounts.
type snapshot struct {
	all        []Open // those of the environment, then the others, the oldest first
	byName     map[string]Open
	generation uint64
}

// New returns a directory that has the accounts of the environment. Load adds the stored ones. An account of the environment that
// cannot be opened is an error.
func New(o Options) (*Directory, error) {
	if o.Store == nil || o.Log == nil || len(o.PublicURLs) == 0 {
		return nil, errors.New("make the accounts: the store, the log or the public address is missing")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Changed == nil {
		o.Changed = func(context.Context, string) {}
	}
	if o.Secrets == nil {
		o.Secrets = &provider.Secrets{}
	}
	d := &Directory{o: o}
	for _, account := range o.FromEnvironment {
		account.IsFromEnvironment, account.Version = true, 1
		opened, err := d.openValid(account)
		if err != nil {
			return nil, fmt.Errorf("open account %s of the environment: %w", account.Name, err)
		}
		d.environment = append(d.environment, opened)
	}
	d.publish()
	return d, nil
}

// publish makes the loaded accounts visible. An account of the environment hides a stored one of the same name.
func (d *Directory) publish() {
	s := &snapshot{byName: map[string]Open{}}
	if former := d.current.Load(); former != nil {
		s.generation = former.generation + 1
	}
	add := func(o Open) {
		if _, found := s.byName[o.Name]; !found {
			s.all = append(s.all, o)
			s.byName[o.Name] = o
		}
	}
	for _, o := range d.environment {
		o.HidesStored = slices.ContainsFunc(d.stored, func(e entry) bool { return e.Name == o.Name })
		add(o)
	}
	for _, e := range d.stored {
		add(e.Open)
	}
	d.current.Store(s)
}

// Generation returns a number that changes whenever an account has changed. What is found later is of this generation or of a
// newer one.
func (d *Directory) Generation() uint64 { return d.current.Load().generation }

// List returns all accounts: those of the environment, then the stored ones, the oldest first.
func (d *Directory) List() []Open { return slices.Clone(d.current.Load().all) }

// Find returns the account of this name, or false. Its Client may be nil.
func (d *Directory) Find(name string) (Open, bool) {
	o, found := d.current.Load().byName[name]
	return o, found
}

// Account returns the account of this name, or false.
func (d *Directory) Account(name string) (backstop.Account, bool) {
	o, found := d.Find(name)
	return o.Account, found
}

// DefaultAccount returns the name of the account for messages to a country that name none: the first that is not disabled, can
// send and serves the country. An account of the sandbox is none while there are others. It returns "" if there is none.
func (d *Directory) DefaultAccount(channel backstop.Channel, country string) string {
	all := d.current.Load().all
	isLive := slices.ContainsFunc(all, func(o Open) bool { return !d.isSandbox(o) })
	return firstOf(all, channel, country, func(o Open) bool { return !isLive || !d.isSandbox(o) })
}

func firstOf(all []Open, channel backstop.Channel, country string, fits func(Open) bool) string {
	for _, o := range all {
		if o.Channel == channel && !o.IsDisabled && o.Client != nil && o.Serves(country) && fits(o) {
			return o.Name
		}
	}
	return ""
}

// OfWebhook returns the account to which the address of a webhook belongs, or false. Without a name it is the first account of
// the provider that the environment gives.
func (d *Directory) OfWebhook(providerName, name string) (Open, bool) {
	if name != "" {
		o, found := d.Find(name)
		return o, found && o.Provider == providerName
	}
	i := slices.IndexFunc(d.environment, func(o Open) bool { return o.Provider == providerName })
	if i < 0 {
		return Open{}, false
	}
	return d.environment[i], true
}

// Providers returns the descriptions of all drivers.
func (d *Directory) Providers() []backstop.Provider {
	all := make([]backstop.Provider, len(d.o.Drivers))
	for i, driver := range d.o.Drivers {
		all[i] = driver.Provider
	}
	return all
}

func (d *Directory) driver(name string) (provider.Driver, bool) {
	i := slices.IndexFunc(d.o.Drivers, func(driver provider.Driver) bool { return driver.Name == name })
	if i < 0 {
		return provider.Driver{}, false
	}
	return d.o.Drivers[i], true
}

// Run loads the changes of other processes every 2 seconds, until ctx is done.
func (d *Directory) Run(ctx context.Context) {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	isAway := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := d.Load(ctx)
		if failed := err != nil && ctx.Err() == nil; failed != isAway {
			isAway = failed
			if failed {
				d.o.Log.ErrorContext(ctx, "changes of accounts are not read", slog.Any("error", err))
			} else {
				d.o.Log.InfoContext(ctx, "changes of accounts are read again")
			}
		}
	}
}

// Load reads the stored accounts if any has changed since the last load, and opens the changed ones. It fails only if the store
// does. The accounts then stay as they are.
func (d *Directory) Load(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	mark, err := d.o.Store.AccountsMark(ctx)
	if err != nil {
		return fmt.Errorf("load accounts: %w", err)
	}
	if mark != d.mark || d.mark == 0 {
		records, err := d.o.Store.ListAccounts(ctx)
		if err != nil {
			return fmt.Errorf("load accounts: %w", err)
		}
		d.mark = mark // a change after the mark was read is loaded by the next look
		d.replaceAll(ctx, records)
		d.publish()
		return nil
	}
	if d.endFormer(ctx) {
		d.publish()
	}
	return nil
}

// replaceAll makes the records the stored accounts. It opens those that are new or changed.
func (d *Directory) replaceAll(ctx context.Context, records []Record) {
	former := map[string]entry{}
	for _, e := range d.stored {
		former[e.Name] = e
	}
	stored := make([]entry, 0, len(records))
	for _, record := range records {
		was, known := former[record.Name]
		if !known {
			d.warnHidden(ctx, record.Name)
		}
		switch {
		case known && was.Fault == "" && was.isOf(record):
			stored = append(stored, was)
		case known && was.CreatedAt.Equal(record.CreatedAt):
			stored = append(stored, d.openRecord(ctx, record, was))
		default:
			stored = append(stored, d.openRecord(ctx, record, entry{}))
		}
	}
	slices.SortStableFunc(stored, func(a, b entry) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Name, b.Name))
	})
	d.stored = stored
}

// warnHidden logs a warning if an account of the environment hides a stored one.
func (d *Directory) warnHidden(ctx context.Context, name string) {
	if slices.ContainsFunc(d.environment, func(o Open) bool { return o.Name == name }) {
		d.o.Log.WarnContext(ctx, "the environment gives an account of the same name as a stored one, which is not used",
			slog.String("account", name))
	}
}

// endFormer opens the accounts anew of which a former secret has ended since, and reports whether there were any.
func (d *Directory) endFormer(ctx context.Context) bool {
	now, changed := d.o.Now(), false
	for i, e := range d.stored {
		if e.Fault == "" && !e.formerEnd.IsZero() && !now.Before(e.formerEnd) {
			d.stored[i] = d.reopen(ctx, e)
			changed = true
		}
	}
	return changed
}
