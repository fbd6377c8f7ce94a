package backstop

import "time"

// Erasure is the removal of a person from all tables. It runs until no send to the person is under way.
type Erasure struct {
	ID         string
	To         string // E.164; empty when the erasure is done
	KeepOptOut bool   // the entries of the list of opt-outs stay
	CreatedAt  time.Time
	FinishedAt *time.Time // nil: it runs

	Changed   map[string]int // rows, by table
	Cancelled int            // sends that were called off
	Pending   int            // sends that end by themselves first, because a message may be on its way
}

// Add adds changed rows of a table to the report.
func (e *Erasure) Add(table string, rows int) {
	if rows == 0 {
		return
	}
	if e.Changed == nil {
		e.Changed = map[string]int{}
	}
	e.Changed[table] += rows
}
