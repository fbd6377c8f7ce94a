package sandbox

import "sync"

// kept is the newest messages of a simulated provider, by their id.
type kept[T any] struct {
	mu    sync.Mutex
	limit int
	byID  map[string]T
	order []string // the oldest first
}

func newKept[T any](limit int) *kept[T] { return &kept[T]{limit: limit, byID: map[string]T{}} }

// add keeps a message, and drops the oldest one if there are too many.
func (k *kept[T]) add(id string, message T) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.order) >= k.limit {
		delete(k.byID, k.order[0])
		k.order = k.order[1:]
	}
	k.byID[id] = message
	k.order = append(k.order, id)
}

func (k *kept[T]) find(id string) (T, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	message, found := k.byID[id]
	return message, found
}
