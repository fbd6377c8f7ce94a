package postgres

import (
	"cmp"
	"maps"
	"slices"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/backstophq/backstop"
)

// recentSends is how many sends a process remembers: what happens to most of them happens within seconds. One takes as
// much as its texts and some KB.
const recentSends = 2000

// recent remembers sends as this process has last saved them, so that the next change need not read them. What it remembers
// may be older than the row, and is no fact: a change of it is saved only if it was not, and what would change nothing
// is decided on what Postgres has.
type recent struct{ drafts *lru.Cache[string, *draft] }

func newRecent() recent {
	drafts, err := lru.New[string, *draft](recentSends)
	if err != nil {
		panic(err) // only of a size below 1
	}
	return recent{drafts}
}

// recall returns a draft of its own to whoever asks, or nil.
func (r recent) recall(send string) *draft {
	kept, ok := r.drafts.Get(send)
	if !ok {
		return nil
	}
	d := *kept
	d.attempts = slices.Clone(kept.attempts)
	return &d
}

// remember takes in a draft that was saved. An older one that comes later does no harm but a statement.
func (r recent) remember(saved *draft) { r.drafts.Add(saved.send.ID, saved.next()) }

func (r recent) forget(send string) { r.drafts.Remove(send) }

// next is a draft after it was saved, as it would be read.
func (d *draft) next() *draft {
	n := &draft{
		revision: d.nextRevision(), stored: d.send, send: d.send, attempts: slices.Clone(d.attempts),
		known: maps.Clone(d.known), isWhole: d.isWhole, isRecalled: true,
	}
	if d.begun != nil {
		begun := *d.begun
		begun.FallbackReason = "" // it is not kept with the attempt
		n.attempts = append(n.attempts, begun)
		slices.SortFunc(n.attempts, func(a, b backstop.Attempt) int {
			return cmp.Or(cmp.Compare(a.Ref.Step, b.Ref.Step), cmp.Compare(a.Number, b.Number))
		})
	}
	if n.known == nil {
		n.known = map[report]bool{}
	}
	for _, r := range d.receipts {
		n.known[reportOf(r.Receipt)] = true
	}
	return n
}
