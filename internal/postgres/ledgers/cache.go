package ledgers

import (
	"reflect"
	"sync"
	"time"
	"unsafe"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/backstophq/backstop"
)

const (
	// cacheBytes bounds the memory of the cache. Most changes of a send come within seconds, so it can be small: it holds some
	// 20,000 sends of 3 KB.
	cacheBytes = 64 << 20
	// maxCached is the number of entries that the LRU list allows. The bytes are reached first.
	maxCached = 1 << 20
)

// cache keeps the ledgers that this process has saved or read, so that the next change need not read them. A cached ledger may
// be older than its row: then a save writes nothing and updateLedger starts over. If a change has no effect on a cached ledger,
// changeOnce repeats it on the stored one.
type cache struct {
	mu      sync.Mutex
	ledgers *simplelru.LRU[string, cached]
	bytes   int
}

type cached struct {
	ledger backstop.Ledger
	bytes  int
}

func newCache() *cache {
	c := &cache{}
	ledgers, err := simplelru.NewLRU(maxCached, func(_ string, evicted cached) { c.bytes -= evicted.bytes })
	if err != nil {
		panic(err) // only if the size is below 1
	}
	c.ledgers = ledgers
	return c
}

// get returns a copy of the cached ledger.
func (c *cache) get(send string) (*backstop.Ledger, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.ledgers.Get(send)
	if !ok {
		return nil, false
	}
	return found.ledger.Clone(), true
}

// put caches a copy of a saved ledger, and drops the least recently used ones beyond cacheBytes. If an older ledger replaces a
// newer one, the next save fails and updateLedger starts over.
func (c *cache) put(l *backstop.Ledger) {
	entry := cached{*l.Clone(), bytesOf(l)}
	entry.ledger.OptedOutOf = nil // it changes without the send
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ledgers.Remove(l.Send.ID) // so that its bytes are subtracted
	c.ledgers.Add(l.Send.ID, entry)
	for c.bytes += entry.bytes; c.bytes > cacheBytes; {
		c.ledgers.RemoveOldest()
	}
}

func (c *cache) drop(send string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ledgers.Remove(send)
}

// bytesOf estimates the memory of a cached ledger, with its place in the list.
func bytesOf(l *backstop.Ledger) int {
	const place = 200
	return place + int(unsafe.Sizeof(*l)) + bytesBehind(reflect.ValueOf(*l))
}

// bytesBehind returns the bytes that a value points to: its texts, slices and pointers, and what they point to.
func bytesBehind(v reflect.Value) (n int) {
	switch v.Kind() {
	case reflect.String:
		return v.Len()
	case reflect.Pointer:
		if !v.IsNil() && v.Type() != reflect.TypeFor[*time.Location]() { // locations are shared
			n = int(v.Type().Elem().Size()) + bytesBehind(v.Elem())
		}
	case reflect.Slice:
		n = v.Len() * int(v.Type().Elem().Size())
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return n
		}
		for i := range v.Len() {
			n += bytesBehind(v.Index(i))
		}
	case reflect.Map:
		const bucket = 16 // of a pair, beside its key and value
		for _, key := range v.MapKeys() {
			n += bucket + 2*int(key.Type().Size()) + bytesBehind(key) + bytesBehind(v.MapIndex(key))
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			n += bytesBehind(field)
		}
	default: // no other kind of a ledger's fields points to anything
	}
	return n
}
