package postgres

import (
	"context"
	"slices"

	"github.com/backstophq/backstop"
)

// Memory is a send as it is remembered, or as it is read.
type Memory struct {
	Revision int
	Send     backstop.Send
	Attempts []backstop.Attempt
}

// Remembered returns a send as this process remembers it, or false.
func (db *DB) Remembered(send string) (Memory, bool) {
	d := db.recent.recall(send)
	if d == nil {
		return Memory{}, false
	}
	return d.memory(), true
}

// Reread returns it as it is.
func (db *DB) Reread(ctx context.Context, send string) (Memory, error) {
	d, err := db.read(ctx, send)
	if err != nil {
		return Memory{}, err
	}
	return d.memory(), nil
}

func (d *draft) memory() Memory {
	return Memory{Revision: d.revision, Send: d.send, Attempts: slices.Clip(slices.Concat([]backstop.Attempt{}, d.attempts))}
}

// Turns are the turns that changes take.
type Turns struct{ turns turns }

// Take waits for the turn of a send.
func (t *Turns) Take(ctx context.Context, send string) (end func(), err error) {
	return t.turns.take(ctx, send)
}

// Kept is of how many sends anything is kept.
func (t *Turns) Kept() int { return len(t.turns.sends) }
