package api

import (
	"context"
	"sync"
	"time"

	"github.com/backstophq/backstop"
)

const (
	// namedFreshFor is how long a template of the cache is used. A template that its provider pauses is refused after it.
	namedFreshFor = 2 * time.Second
	// maxCachedNames is how many names of templates are kept. The names come from callers, so they need a bound.
	maxCachedNames = 1000
)

// templateCache is a cache of the templates that sends name, so that a send costs no query.
type templateCache struct {
	load func(ctx context.Context, account, name string) (backstop.SyncedTemplates, error)

	mu      sync.Mutex
	entries map[templateKey]cachedTemplates
}

type templateKey struct{ account, name string }

type cachedTemplates struct {
	templates backstop.SyncedTemplates
	at        time.Time
}

func newTemplateCache(load func(context.Context, string, string) (backstop.SyncedTemplates, error)) *templateCache {
	return &templateCache{load: load, entries: map[templateKey]cachedTemplates{}}
}

// get returns the templates of an account that have a name.
func (c *templateCache) get(ctx context.Context, account, name string) (backstop.SyncedTemplates, error) {
	key := templateKey{account, name}
	if found, fresh := c.find(key, time.Now()); fresh {
		return found, nil
	}
	at := time.Now()
	templates, err := c.load(ctx, account, name)
	if err != nil {
		return backstop.SyncedTemplates{}, err
	}
	c.put(key, cachedTemplates{templates, at})
	return templates, nil
}

func (c *templateCache) find(key templateKey, now time.Time) (backstop.SyncedTemplates, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry, found := c.entries[key]
	return entry.templates, found && now.Sub(entry.at) < namedFreshFor
}

func (c *templateCache) put(key templateKey, entry cachedTemplates) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.entries) >= maxCachedNames {
		clear(c.entries)
	}
	c.entries[key] = entry
}
