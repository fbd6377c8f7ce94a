package ledgers

import (
	"slices"
	"sync"

	"github.com/backstophq/backstop"
)

// waiters holds the channels of the waiting activities, by send id. Each channel has room for one view.
type waiters struct {
	mu        sync.Mutex
	waiting   map[string][]chan backstop.View
	isPolling bool
}

// add returns the channel for the view, and whether the caller must start the poll.
func (w *waiters) add(send string) (answer chan backstop.View, mustPoll bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting == nil {
		w.waiting = map[string][]chan backstop.View{}
	}
	answer = make(chan backstop.View, 1)
	w.waiting[send] = append(w.waiting[send], answer)
	mustPoll = !w.isPolling
	w.isPolling = true
	return answer, mustPoll
}

func (w *waiters) remove(send string, answer chan backstop.View) {
	w.mu.Lock()
	defer w.mu.Unlock()
	left := slices.DeleteFunc(w.waiting[send], func(c chan backstop.View) bool { return c == answer })
	if len(left) > 0 {
		w.waiting[send] = left
		return
	}
	delete(w.waiting, send)
}

// notify sends the view of a send to the activities that wait for it, if the view ends their wait.
func (w *waiters) notify(l *backstop.Ledger) {
	view := l.View()
	if !view.EndsReceiptWait() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, answer := range w.waiting[l.Send.ID] {
		select {
		case answer <- view:
		default: // the channel has a view already
		}
	}
}

// awaitedSends returns the sends that activities wait for. If there are none, the poll must end.
func (w *waiters) awaitedSends() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	ids := make([]string, 0, len(w.waiting))
	for id := range w.waiting {
		ids = append(ids, id)
	}
	w.isPolling = len(ids) > 0
	return ids
}
