// Package keys has the API keys in one process. It reads all of them every second, so that no request asks the store, and no
// unknown key does.
package keys

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/backstophq/backstop"
)

const (
	// every is the pause between two exchanges with the store.
	every = time.Second
	// storeTimeout bounds an exchange with the store.
	storeTimeout = 2 * time.Second
	// touchEvery is the least time between two writes of when a key was used.
	touchEvery = time.Minute
	// awaitNew bounds how long an unknown key waits for a read of the store. The key may be new.
	awaitNew = 2 * time.Second
	// maxAwaiting is how many requests with an unknown key wait at once. Anybody can make such requests.
	maxAwaiting = 64
)

// Stored is a key with the digests of its secrets.
type Stored struct {
	backstop.APIKey

	Digest       [sha256.Size]byte
	FormerDigest *[sha256.Size]byte // nil: it has no former secret
}

// Store keeps the keys. Its errors have the type backstop.Error.
type Store interface {
	// Now returns the time by the store's clock.
	Now() time.Time
	// APIKeys returns all keys, the newest first.
	APIKeys(ctx context.Context) ([]Stored, error)
	APIKey(ctx context.Context, id string) (backstop.APIKey, error)
	CreateAPIKey(
		ctx context.Context, in backstop.APIKeyInput, kind backstop.KeyKind, secret backstop.KeySecret,
	) (backstop.APIKey, error)
	ReplaceAPIKey(ctx context.Context, id string, in backstop.APIKeyInput, version int) (backstop.APIKey, error)
	RotateAPIKey(
		ctx context.Context, id string, secret backstop.KeySecret, formerUntil time.Time,
	) (backstop.APIKey, error)
	DeleteAPIKey(ctx context.Context, id string) error
	// TouchAPIKeys stores when keys were used, unless a time that was stored before is less than a while older.
	TouchAPIKeys(ctx context.Context, used map[string]time.Time, while time.Duration) error
}

// Keeper has the keys of one process. Its methods may be called concurrently.
type Keeper struct {
	store Store
	log   *slog.Logger

	reading sync.Mutex // held while the keys are read, so that an older read does not replace a newer one
	current atomic.Pointer[ring]
	unknown unknown
	used    used
	limits  limits
	isAway  bool // the store did not answer; of Run alone
}

// ring is the keys as of one read of the store.
type ring struct {
	byDigest map[[sha256.Size]byte]Stored
	byID     map[string]backstop.APIKey
}

// New returns a Keeper without keys. Load reads them.
func New(store Store, log *slog.Logger) (*Keeper, error) {
	if store == nil || log == nil {
		return nil, errors.New("new keys: a store and a log are required")
	}
	k := &Keeper{store: store, log: log}
	k.current.Store(&ring{})
	return k, nil
}

// Load reads the keys. If the store fails, they stay as they are.
func (k *Keeper) Load(ctx context.Context) error {
	k.reading.Lock()
	defer k.reading.Unlock()
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	all, err := k.store.APIKeys(ctx)
	if err != nil {
		return fmt.Errorf("load API keys: %w", err)
	}
	r := &ring{byDigest: map[[sha256.Size]byte]Stored{}, byID: map[string]backstop.APIKey{}}
	for _, stored := range all {
		r.byDigest[stored.Digest], r.byID[stored.ID] = stored, stored.APIKey
		if stored.FormerDigest != nil {
			r.byDigest[*stored.FormerDigest] = stored
		}
	}
	k.current.Store(r)
	k.limits.keep(r.byID)
	return nil
}

// Find returns the key of a secret, or false if there is none, or it has ended. A secret that this process does not know may be
// new: Find waits for the next read of the keys, which is at most a second away.
func (k *Keeper) Find(ctx context.Context, secret backstop.KeySecret) (backstop.APIKey, bool) {
	if !secret.IsWellFormed() {
		return backstop.APIKey{}, false
	}
	digest := secret.Digest()
	stored, isKnown := k.current.Load().byDigest[digest]
	if !isKnown && k.unknown.wait(ctx) {
		stored, isKnown = k.current.Load().byDigest[digest]
	}
	now := k.store.Now()
	isFormer := isKnown && digest != stored.Digest
	if !isKnown || stored.IsExpired(now) || isFormer && !now.Before(*stored.FormerUntil) {
		return backstop.APIKey{}, false
	}
	k.used.add(stored.ID, now)
	return stored.APIKey, true
}

// FindByID returns the key of an id, or false if there is none, or it has ended.
func (k *Keeper) FindByID(id string) (backstop.APIKey, bool) {
	key, isKnown := k.current.Load().byID[id]
	now := k.store.Now()
	if !isKnown || key.IsExpired(now) {
		return backstop.APIKey{}, false
	}
	k.used.add(id, now)
	return key, true
}

// Run reads the keys and stores when they were used, once a second, until ctx is done.
func (k *Keeper) Run(ctx context.Context) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	k.unknown.setRunning(true)
	defer k.unknown.setRunning(false)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		waiting := k.unknown.begin()
		err := errors.Join(k.Load(ctx), k.touch(ctx))
		close(waiting)
		if failed := err != nil && ctx.Err() == nil; failed != k.isAway {
			k.isAway = failed
			if failed {
				k.log.ErrorContext(ctx, "API keys are not read: they stay as they are", slog.Any("error", err))
			} else {
				k.log.InfoContext(ctx, "API keys are read again")
			}
		}
	}
}

// touch stores when keys were used. What cannot be stored is stored by a later call.
func (k *Keeper) touch(ctx context.Context) error {
	due := k.used.due()
	if len(due) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err := k.store.TouchAPIKeys(ctx, due, touchEvery); err != nil {
		return fmt.Errorf("store when API keys were used: %w", err)
	}
	k.used.stored(due)
	return nil
}

// unknown are the requests with an unknown key, which wait for the next read.
type unknown struct {
	mu        sync.Mutex
	next      chan struct{} // closed after the next read; nil: nobody waits
	waiting   int
	isRunning bool // reads follow
}

// wait waits for a read that begins after the call. It returns false if there is none soon, or if too many wait.
func (u *unknown) wait(ctx context.Context) bool {
	u.mu.Lock()
	if !u.isRunning || u.waiting >= maxAwaiting {
		u.mu.Unlock()
		return false
	}
	if u.next == nil {
		u.next = make(chan struct{})
	}
	next := u.next
	u.waiting++
	u.mu.Unlock()
	defer func() {
		u.mu.Lock()
		u.waiting--
		u.mu.Unlock()
	}()
	timeout := time.NewTimer(awaitNew)
	defer timeout.Stop()
	select {
	case <-next:
		return true
	case <-timeout.C:
	case <-ctx.Done():
	}
	return false
}

// begin returns what the waiting requests wait for. Later requests wait for a later read.
func (u *unknown) begin() chan struct{} {
	u.mu.Lock()
	defer u.mu.Unlock()
	next := u.next
	if next == nil {
		next = make(chan struct{})
	}
	u.next = nil
	return next
}

// setRunning says whether reads follow. If not, nobody waits.
func (u *unknown) setRunning(isRunning bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.isRunning = isRunning
	if u.next != nil && !isRunning {
		close(u.next)
		u.next = nil
	}
}

// used is when keys were used.
type used struct {
	mu     sync.Mutex
	newest map[string]time.Time
	kept   map[string]time.Time // as of the newest write of this process
}

func (u *used) add(id string, at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.newest == nil {
		u.newest, u.kept = map[string]time.Time{}, map[string]time.Time{}
	}
	u.newest[id] = at
}

// due returns the uses that are to be stored.
func (u *used) due() map[string]time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	due := map[string]time.Time{}
	for id, at := range u.newest {
		if at.Sub(u.kept[id]) >= touchEvery {
			due[id] = at
		}
	}
	return due
}

func (u *used) stored(due map[string]time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for id, at := range due {
		u.kept[id] = at
		if u.newest[id].Equal(at) {
			delete(u.newest, id)
		}
	}
}
