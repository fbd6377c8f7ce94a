package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"time"

	"github.com/backstophq/backstop"
)

// persons has one person.
type persons struct {
	number   string
	person   backstop.PersonalData
	parts    []backstop.PersonPart
	erasures []backstop.Erasure // the oldest first
	entries  []backstop.AuditEntry

	away    error         // of each call
	breakAt int           // the part that fails; 0: none does
	slow    time.Duration // of each part
}

func (p *persons) PersonalData(_ context.Context, number string) (backstop.PersonalData, error) {
	if number != p.number {
		return backstop.PersonalData{}, p.away
	}
	return p.person, p.away
}

func (p *persons) ExportPerson(ctx context.Context, number string) iter.Seq2[backstop.PersonPart, error] {
	return func(yield func(backstop.PersonPart, error) bool) {
		for i, part := range p.parts {
			time.Sleep(p.slow)
			if number != p.number {
				part.Rows = nil
			}
			err := ctx.Err()
			if p.breakAt > 0 && i == p.breakAt {
				err = errors.New("broken off")
			}
			if !yield(part, err) || err != nil {
				return
			}
		}
	}
}

func (p *persons) ListErasures(_ context.Context, page backstop.Page) ([]backstop.Erasure, bool, error) {
	list, more := cut(p.erasures, page, func(e backstop.Erasure) string { return e.ID })
	return list, more, p.away
}

func (p *persons) AddAuditEntry(_ context.Context, e backstop.AuditEntry) error {
	p.entries = append(p.entries, e)
	return p.away
}

// personParts are parts of the tables that an export always has.
func personParts(sends int) (parts []backstop.PersonPart) {
	for range sends {
		parts = append(parts, backstop.PersonPart{Table: "sends", Rows: []json.RawMessage{
			[]byte(`{"text": "one"}`), []byte(`{"text": "two"}`),
		}})
	}
	for _, table := range []string{"inbound", "opt_outs", "opt_out_changes", "guard_counts", "audit", "erasures"} {
		parts = append(parts, backstop.PersonPart{Table: table})
	}
	return parts
}
