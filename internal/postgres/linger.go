package postgres

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// An activity that lingers on an attempt waits for what its receipts decide. Whoever stores one sees in the attempt that it
// does, and tells nobody. What this process stores the activity hears of at once; for what others do, one query asks for
// all that linger here.

const (
	// lookEvery is how often others are asked for; in the mean an activity hears of them half as late.
	lookEvery = 200 * time.Millisecond
	// lookTimeout bounds one such query.
	lookTimeout = 2 * time.Second
)

// Await waits until a send has ended or its WhatsApp message has failed, and returns it as it then is; false when ctx is
// done first.
func (db *DB) Await(ctx context.Context, send string) (backstop.Send, bool) {
	heard, looks := db.line.join(send)
	defer db.line.quit(send, heard)
	if looks {
		go db.look() //nolint:gosec // it looks for all who wait, and goes on when this one has left
	}
	select {
	case s := <-heard:
		return s, true
	case <-ctx.Done():
		return backstop.Send{}, false
	}
}

// Leave ends the lingering on an attempt and returns the send as it then is. A receipt that is stored later is told by a
// signal. An unknown attempt is an Error of code NotFound.
func (db *DB) Leave(ctx context.Context, attempt backstop.Attempt) (backstop.Send, error) {
	d, err := db.change(ctx, "leave attempt", attempt.Ref.Send, func(d *draft) error {
		stored := d.attempt(attempt.Ref.Step, attempt.Number)
		if stored == nil {
			return pool.NotFound("attempt")
		}
		if stored.LingersUntil != nil {
			stored.LingersUntil = nil
			d.touch(stored)
		}
		return nil
	})
	if err != nil {
		return backstop.Send{}, err
	}
	return d.send, nil
}

const failureOfMessage = `SELECT failure FROM receipts WHERE provider = $1 AND message_id = $2 AND status = 'failed'`

// Refusal returns why an attempt's message has failed, by its receipt, or nil if none says.
func (db *DB) Refusal(ctx context.Context, attempt backstop.Attempt) (*backstop.Failure, error) {
	var failure []byte
	err := db.pool.Get(ctx, &failure, failureOfMessage, attempt.Provider, pool.Clean(attempt.MessageID))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil //nolint:nilnil // a message may fail without a word
	case err != nil:
		return nil, pool.Failed(ctx, "read failure", err)
	default:
		return readFailure(failure)
	}
}

const decidedSends = `SELECT ` + sendColumns + ` FROM sends
WHERE id = ANY((SELECT $1::uuid[])::uuid[]) AND (finished_at IS NOT NULL OR whatsapp_status = 'failed')`

// decided reports whether there is something to do for the workflow of a send whose WhatsApp message is out.
func decided(s backstop.Send) bool { return s.FinishedAt != nil || s.WhatsAppStatus == backstop.Failed }

// look asks for what other processes have decided, as long as anybody waits for it. An error may be gone the next time.
func (db *DB) look() {
	for {
		time.Sleep(lookEvery)
		ids := db.line.awaited()
		if len(ids) == 0 {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
		var rows []sendRow
		err := db.pool.SelectAll(ctx, &rows, decidedSends, pq.StringArray(ids))
		cancel()
		if err != nil {
			continue
		}
		for _, row := range rows {
			if s, err := row.send(); err == nil { // one that cannot be read is waited for in vain
				db.line.tell(s)
			}
		}
	}
}

// line is where activities wait, by the send's id. Each channel holds one send.
type line struct {
	mu      sync.Mutex
	waiting map[string][]chan backstop.Send
	looking bool // somebody asks what others have decided
}

// join returns where the send will be told, and whether the caller has to look.
func (l *line) join(send string) (heard chan backstop.Send, looks bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting == nil {
		l.waiting = map[string][]chan backstop.Send{}
	}
	heard = make(chan backstop.Send, 1)
	l.waiting[send] = append(l.waiting[send], heard)
	looks = !l.looking
	l.looking = true
	return heard, looks
}

func (l *line) quit(send string, heard chan backstop.Send) {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := slices.DeleteFunc(l.waiting[send], func(c chan backstop.Send) bool { return c == heard })
	if len(left) > 0 {
		l.waiting[send] = left
		return
	}
	delete(l.waiting, send)
}

// tell tells those who wait for a send what became of it, if it is decided.
func (l *line) tell(s backstop.Send) {
	if !decided(s) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, heard := range l.waiting[s.ID] {
		select {
		case heard <- s:
		default: // it was told before
		}
	}
}

// awaited returns whom anybody waits for. When it is nobody, its caller need not look any more.
func (l *line) awaited() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	ids := make([]string, 0, len(l.waiting))
	for id := range l.waiting {
		ids = append(ids, id)
	}
	l.looking = len(ids) > 0
	return ids
}
